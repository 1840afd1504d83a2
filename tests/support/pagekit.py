"""A panel in Chromium without Jupyter: the real widget and the real ES module, over a comm that goes to a page."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from comm.base_comm import BaseComm

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from intempt_nb.widgets.panel import Panel

SHOTS = Path(__file__).parents[1] / "browser" / "shots"
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")

HOST = """
window.fromPython = [];
window.sent = 0;
window.boot = async (state, css, esm) => {
  const listeners = {};
  const fire = (event, ...args) => (listeners[event] || []).slice().forEach((each) => each(...args));
  const decode = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const encode = (buffer) => {
    const bytes = new Uint8Array(buffer.buffer ?? buffer); let text = '';
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(text);
  };
  const model = {
    get: (name) => state[name],
    on: (event, listener) => { (listeners[event] ||= []).push(listener); },
    off: (event, listener) => {
      listeners[event] = (listeners[event] || []).filter((each) => listener && each !== listener);
    },
    send: (content, callbacks, buffers) => {
      if (window.gone) throw new Error('Cannot send'); // as JupyterLab does once the kernel was restarted
      window.sent += 1;
      window.toPython(JSON.stringify({ content, buffers: (buffers || []).map(encode) }));
    },
  };
  window.fromPython = (data, buffers) => {
    if (data.method === 'update') {
      Object.assign(state, data.state);
      for (const name of Object.keys(data.state)) fire('change:' + name, model, data.state[name]);
      fire('change', model);
    }
    if (data.method === 'custom') fire('msg:custom', data.content, buffers.map(decode));
  };
  const style = document.createElement('style'); style.textContent = css; document.head.append(style);
  const module = await import(URL.createObjectURL(new Blob([esm], { type: 'text/javascript' })));
  window.display = async () => {
    const el = document.createElement('div'); el.className = 'cell'; document.querySelector('main').append(el);
    await module.default.render({ model, el, signal: new AbortController().signal });
  };
  await window.display();
};"""


class PageComm(BaseComm):
    """What a kernel's comm does, towards a page; messages wait until the test delivers them, from whichever thread."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.waiting: deque[tuple[dict[str, Any], list[bytes]]] = deque()
        self.opened: dict[str, Any] = {}
        super().__init__(*args, **named)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        json.dumps(data, allow_nan=False)  # as the real one, which has no word for NaN
        if msg_type == "comm_open":
            self.opened = dict(data["state"])
        elif data and data.get("method") in ("update", "custom"):
            self.waiting.append((data, [bytes(each) for each in buffers or []]))


class Shown:
    """A panel on a page. What is no method here is the page's: ``shown.get_by_label("Name")``."""

    def __init__(self, context: BrowserContext, panel: Panel, theme: str = "light") -> None:
        self.panel = panel
        self.theme = theme
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.updates: list[float] = []
        self._comm: PageComm = panel.comm
        self._actions: deque[dict[str, Any]] = deque()
        self._come = 0
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.expose_function("toPython", self._take)
        light = str(theme == "light").lower()
        self.page.set_content(
            f"<!doctype html><html lang='en'><head><title>panel</title><style>{theme_css(theme)}</style></head>"
            f"<body data-jp-theme-light='{light}' style='margin:0;background:var(--jp-layout-color0)'>"
            "<main><h1 style='position:absolute;opacity:0'>Panel</h1></main></body></html>"
        )
        self.page.evaluate(f"() => {{ {HOST} }}")
        state = {**self._comm.opened, "state": panel.state}
        self._comm.waiting.clear()
        shown = {name: value for name, value in state.items() if name not in ("_esm", "_css")}
        self.page.evaluate("([s, c, e]) => window.boot(s, c, e)", [shown, panel._css, panel._esm])
        self.settle()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def _note(self, url: str) -> None:
        if not url.startswith(("blob:", "data:", "about:")):
            self.foreign.append(url)

    def _take(self, text: str) -> None:
        self._come += 1
        self._actions.append(json.loads(text))

    def again(self) -> None:
        """Display the panel a second time, below."""
        self.page.evaluate("() => window.display()")
        self.settle()

    def pump(self) -> bool:
        """Carry out the actions that wait and deliver what Python has sent; return whether there was anything."""
        moved = False
        while self._actions:
            action = self._actions.popleft()
            buffers = [memoryview(base64.b64decode(each)) for each in action["buffers"]]
            data = {"method": "custom", "content": action["content"]}
            self._comm.handle_msg({"content": {"data": data}, "buffers": buffers, "metadata": {}})
            moved = True
        while self._comm.waiting:
            data, pieces = self._comm.waiting.popleft()
            if data["method"] == "update":
                self.updates.append(time.monotonic())
            encoded = [base64.b64encode(each).decode() for each in pieces]
            self.page.evaluate("([d, b]) => window.fromPython(d, b)", [data, encoded])
            moved = True
        return moved

    def settle(self, timeout: float = 30) -> None:
        """Pump until nothing moves on either side and nothing runs in the panel's background."""
        end = time.monotonic() + timeout
        quiet = 0
        while quiet < 2:
            self.page.wait_for_timeout(10)  # lets calls of the page come in
            worker = self.panel._worker
            moved = self.pump() or (worker is not None and worker.is_alive())
            quiet = 0 if moved or self.page.evaluate("() => window.sent") > self._come else quiet + 1
            if time.monotonic() > end:
                raise TimeoutError(f"the panel did not settle in {timeout} seconds")

    def until(self, condition: Any, timeout: float = 30) -> None:
        """Pump until a condition holds: a function without arguments."""
        end = time.monotonic() + timeout
        while not condition():
            self.page.wait_for_timeout(10)
            self.pump()
            if time.monotonic() > end:
                raise TimeoutError(f"it did not come true in {timeout} seconds")

    def shot(self, name: str) -> Path:
        """Take a picture of the whole page, named after the theme too."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}-{self.theme}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def axe(self) -> list[str]:
        """Return what axe-core finds wrong, a line each."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']} ({each['impact']}): {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


def theme_css(name: str) -> str:
    """JupyterLab's own variables, without its fonts and pictures."""
    css = (THEMES / f"theme-{name}-extension" / "index.css").read_text(encoding="utf-8")
    return re.sub(r"url\([^)]*\)", "none", css)
