"""A panel between the cells of a real JupyterLab: its keys are its own, and it needs nothing but the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from labkit import Lab

PANEL = '''
from intempt_nb.widgets.panel import Panel, assets

class Controls(Panel):
    """The controls that are no text fields."""

    _esm = assets("none")[0] + """
export default panel(({ state, send }) => [
  select({ k: "kind", label: "Kind", value: state.kind, options: ["a", "b"],
    onchange: (value) => send("set", { value }) }),
  check({ k: "flag", label: "Flag", value: state.flag, onchange: () => send("count") }),
  button("Press", { k: "press", onclick: () => send("count") }),
]);"""
    _css = assets("none")[1]
    kind, flag, presses = "a", False, 0

    def __init__(self):
        super().__init__()
        self._publish()

    def _view(self):
        return {"kind": self.kind, "flag": self.flag, "presses": self.presses}

    def _do_set(self, value):
        self.kind = value

    def _do_count(self):
        self.presses += 1

runs = globals().get("runs", 0) + 1
panel = Controls()
panel
'''
SOURCES = (
    "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.getSource())"
)


def test_keys_pressed_in_a_control_are_not_the_notebooks(lab: Lab, desk: BrowserContext) -> None:
    lab.write("keys.ipynb", "before = 1", PANEL)
    with lab.opened(desk, "keys.ipynb") as book:
        book.run()
        panel = book.output()
        for control in (
            panel.get_by_label("Kind"),
            panel.get_by_label("Flag"),
            panel.get_by_role("button", name="Press"),
        ):
            control.focus()
            for key in ("x", "b", "a", "d", "d", "Shift+Enter", "Control+Enter"):
                book.keyboard.press(key)
            expect(control).to_be_focused()
        assert book.evaluate(SOURCES) == ["before = 1", PANEL]
        assert book.value("runs") == 1
        panel.get_by_label("Kind").select_option("b")
        book.until("panel.kind == 'b'")
        expect(panel.get_by_label("Kind")).to_have_value("b")
        book.shot("lab-controls")
