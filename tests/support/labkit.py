"""JupyterLab on this machine, with notebooks that a test opens, clicks in and looks into."""

from __future__ import annotations

import ast
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from chromium import Watch
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext, Locator

__all__ = ["SHOTS", "Book", "Lab", "ended", "lab_server", "wait_for"]

SHOTS = Path(__file__).parents[1] / "browser" / "shots"
PATIENCE = 90  # seconds; a busy machine is no failure
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # Every output is in the page, also what is not in sight.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
READY = """() => {
  const book = window.jupyterapp?.shell.currentWidget;
  const kernel = book?.sessionContext?.session?.kernel;
  return kernel?.status === 'idle' && book.context.isReady;
}"""
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
FAILED = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .flatMap((cell) => cell.outputArea?.model.toJSON() ?? [])
  .filter((output) => output.output_type === 'error').map((output) => `${output.ename}: ${output.evalue}`)"""
THEME = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
THEMED = "(name) => document.body.dataset.jpThemeName === name && !document.getElementById('jupyterlab-splash')"
ASK = """async (expression) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const asked = { code: '', silent: true, store_history: false, user_expressions: { value: expression } };
  return (await kernel.requestExecute(asked).done).content.user_expressions.value;
}"""


@dataclass(frozen=True, slots=True)
class Lab:
    """A server of JupyterLab and Notebook.

    Parameters
    ----------
    url, token
        Where it is, and what it wants to hear.
    folder
        The notebooks; kernels run there.
    """

    url: str
    token: str
    folder: Path

    def answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"})
        with suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status == 200
        return False

    def write(self, name: str, *cells: str) -> None:
        """Write a notebook with these cells."""
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=[new_code_cell(each) for each in cells], metadata=kernel), self.folder / name)

    @contextmanager
    def opened(self, context: BrowserContext, name: str, *, view: str = "doc/tree") -> Iterator[Book]:
        """Open a notebook, wait for its kernel, and see at the end that the page did nothing it should not."""
        page = context.new_page()
        watch = Watch(page)
        try:
            page.goto(f"{self.url}/{view}/{name}?token={self.token}&reset")
            page.wait_for_function(READY, timeout=PATIENCE * 1000)
            yield Book(self, page, watch)
            assert watch.complaints() == []
        except BaseException:
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"failed-{Path(name).stem}.png")
            raise
        finally:
            page.close()


class Book:
    """A notebook in the browser. What is no method here is its page's: ``book.get_by_label("Name")``."""

    def __init__(self, lab: Lab, page: Any, watch: Watch) -> None:
        self.lab = lab
        self.page = page
        self.watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def run(self) -> None:
        """Run all cells and wait for the last one; none may fail."""
        self.page.evaluate(RUN)
        failed = self.page.evaluate(FAILED)
        assert failed == []

    def output(self, cell: int = -1) -> Locator:
        """Return the output of a cell, the last one by default."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-Cell-outputArea")

    def restored(self) -> Locator:
        """Return the last output of a notebook that was opened again, with its widget.

        JupyterLab sometimes draws an output before it has the kernel's widgets back, and leaves it at that; a person
        reloads the page.
        """
        for _ in range(3):
            output = self.output()
            drawn = output.locator(".inb").or_(output.get_by_text("model not found"))
            drawn.first.wait_for(timeout=PATIENCE * 1000)
            if output.get_by_text("model not found").count() == 0:
                break
            self.page.reload()
            self.page.wait_for_function(READY, timeout=PATIENCE * 1000)
        return self.output()

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the kernel, without a trace in the notebook; it must give JSON."""
        found = self.page.evaluate(ASK, f"__import__('json').dumps({expression})")
        assert found["status"] == "ok", f"{expression}: {found}"
        return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    def until(self, expression: str, timeout: float = PATIENCE) -> Any:
        """Wait until an expression is true in the kernel, and return it."""
        return wait_for(lambda: self.value(expression), expression, timeout)

    def shot(self, name: str) -> None:
        """Take a picture in each theme; the page is light afterwards."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for theme in ("Dark", "Light"):
            self.page.evaluate(THEME, f"JupyterLab {theme}")
            self.page.wait_for_function(THEMED, arg=f"JupyterLab {theme}")
            self.page.screenshot(path=SHOTS / f"{name}-{theme.lower()}.png")


def wait_for(look: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Look again and again until there is something, and return it."""
    end = time.monotonic() + timeout
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} seconds: {what}")
        time.sleep(0.05)
    return found


@contextmanager
def lab_server(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab, with all that it writes in a folder, and end it together with its kernels."""
    homes = {name: folder / name for name in ("notebooks", "config", "data", "runtime", "ipython", "state")}
    for each in (*homes.values(), folder / "app"):
        each.mkdir()
    (folder / "app" / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    lab = Lab(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), homes["notebooks"])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")} | {
        "INTEMPT_NB_STATE": str(homes["state"]),
        "IPYTHONDIR": str(homes["ipython"]),
        "JUPYTER_CONFIG_DIR": str(homes["config"]),
        "JUPYTER_DATA_DIR": str(homes["data"]),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_RUNTIME_DIR": str(homes["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    log = folder / "lab.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "jupyterlab", *_options(lab, folder / "app")]
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=lab.folder, start_new_session=True
        )
    with ended(server):
        wait_for(lambda: lab.answers() or server.poll() is not None, "JupyterLab answers")
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text('utf-8')[-4000:]}")
        yield lab


def _options(lab: Lab, app: Path) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={lab.url.rpartition(':')[2]}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={lab.folder}",
        "--ServerApp.terminals_enabled=False",
        "--ServerApp.jpserver_extensions={'notebook': True}",
        f"--IdentityProvider.token={lab.token}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.app_settings_dir={app}",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--JupyterNotebookApp.app_settings_dir={app}",
    ]


@contextmanager
def ended(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a server with all that it started: kernels are in process groups of their own."""
    try:
        yield
    finally:
        family = [psutil.Process(server.pid)] if server.poll() is None else []
        family += [child for each in family for child in each.children(recursive=True)]
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        server.wait()
