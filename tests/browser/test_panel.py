"""What all panels share, in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from intempt_nb.errors import DataError
from intempt_nb.widgets.panel import Panel, assets
from intempt_nb.widgets.receiving import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pagekit import Shown

COMMON, STYLE = assets("none")
DRAW = """
export default panel(({ state, send, local, redraw, id }) => [
  field("Name", input({ k: "name", value: state.name, onchange: (name) => send("name", { name }) })),
  h("p", {}, state.name === "tall" && h("div", { style: "height: 300px" }, "Tall")),
  select({ k: "kind", label: "Kind", value: state.kind, options: [["a", "first"], ["b", "second"]],
    onchange: (kind) => send("kind", { kind }) }),
  radios({ k: "sort", label: "Sort", value: state.sort, options: [["up", "Rising"], ["down", "Falling"]],
    onchange: (sort) => send("sort", { sort }) }, id),
  check({ k: "flag", text: "Flag", value: state.flag, onchange: (flag) => send("flag", { flag }) }),
  h("ul", {}, state.rows.map((row) => h("li", { key: row },
    input({ k: `row:${row}`, label: `Row ${row}`, value: row })))),
  button("Turn round", { k: "turn", onclick: () => send("turn") }),
  button("Go wrong", { k: "wrong", onclick: () => send("wrong") }),
  button("Take long", { k: "long", disabled: state.busy, onclick: () => send("long") }),
  state.name !== "gone" && confirm("Delete", { k: "delete", label: "Delete all", onconfirm: () => send("clear") },
    { local, redraw }),
  tabs({ k: "tabs", label: "Views", tabs: [["one", "One"], ["two", "Two"]], current: local.tab || "one", id,
    onselect: (tab) => { local.tab = tab; redraw(); } },
    (local.tab || "one") === "one"
      ? grid({ label: "Rows", columns: ["a", "b"],
        rows: [[state.name, null], [{ text: "x", problem: "not a number" }, 2]] })
      : code(state.name, { k: "code", label: "Python" }, { local, redraw })),
  picker({ k: "file", label: "File", receiving: state.receiving }, { send, local, redraw }),
]);
"""


@dataclass
class Held:
    name: str = ""
    kind: str = "a"
    sort: str = "up"
    flag: bool = False
    rows: tuple[int, ...] = (1, 2, 3)


class Example(Panel):
    """Every control once."""

    _esm = COMMON + DRAW
    _css = STYLE

    def __init__(self, folder: Path | None = None, **held: Any) -> None:
        super().__init__()
        self.held = Held(**held)
        self.receiver = Receiver(lambda: folder or Path())
        self._publish()

    def _view(self) -> dict[str, Any]:
        return {
            **vars(self.held),
            "rows": list(self.held.rows),
            "receiving": self.receiver.shown(),
        }

    def _do_name(self, name: str) -> None:
        self.held.name = name.strip()

    def _do_kind(self, kind: str) -> None:
        self.held.kind = kind

    def _do_sort(self, sort: str) -> None:
        self.held.sort = sort

    def _do_flag(self, flag: bool) -> None:
        self.held.flag = flag

    def _do_turn(self) -> None:
        self.held.rows = self.held.rows[::-1]
        self._point("row:1")

    def _do_clear(self) -> None:
        self.held.rows = ()

    def _do_wrong(self) -> None:
        raise DataError("cannot be <b>used</b>", row=3, field="name")

    def _do_long(self) -> None:
        self._run("Reading", lambda: lambda: self._tell("success", "read"))

    def _do_file_begin(self, name: str, size: int) -> None:
        self.receiver.begin(self._acting, name, size)

    def _do_file_piece(self, offset: int, buffers: Sequence[memoryview] = ()) -> None:
        self.receiver.take(self._acting, offset, buffers)

    def _do_file_cancel(self) -> None:
        self.receiver.cancel()


def test_what_is_done_in_the_browser_reaches_python_and_comes_back(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_label("Name").fill("  a name ")
    page.get_by_label("Name").press("Tab")
    page.settle()
    assert page.panel.held.name == "a name"
    expect(page.get_by_label("Name")).to_have_value("a name")
    page.get_by_label("Kind").select_option("b")
    page.get_by_label("Flag").check()
    page.settle()
    assert (page.panel.held.kind, page.panel.held.flag) == ("b", True)


def test_what_is_being_typed_is_not_taken_away(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_label("Name").press_sequentially("half a wo")
    page.panel.held.flag = True
    page.panel._publish()
    page.settle()
    expect(page.get_by_label("Flag")).to_be_checked()
    expect(page.get_by_label("Name")).to_have_value("half a wo")
    expect(page.get_by_label("Name")).to_be_focused()


def test_an_answer_to_an_older_action_does_not_undo_a_newer_one(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_label("Flag").check()
    first = page.panel.state
    page.get_by_label("Kind").select_option("b")
    page.page.wait_for_timeout(50)
    page.page.evaluate("state => window.fromPython({method: 'update', state: {state}}, [])", first)
    expect(page.get_by_label("Kind")).to_have_value("b")
    page.settle()
    expect(page.get_by_label("Kind")).to_have_value("b")


def test_a_choice_stays_while_the_kernel_is_busy(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_label("Falling").check()
    expect(page.get_by_role("status")).to_have_text("Waiting for the kernel, which is busy")
    expect(page.get_by_label("Falling")).to_be_checked()
    page.settle()
    assert page.panel.held.sort == "down"
    expect(page.get_by_label("Falling")).to_be_checked()
    page.panel.held.sort = "up"
    page.panel._publish()
    page.settle()
    expect(page.get_by_label("Rising")).to_be_checked()


def test_nothing_moves_between_the_press_of_the_mouse_and_its_release(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_label("Name").fill("tall")
    page.get_by_label("Flag").hover()
    page.mouse.down()
    page.settle()
    assert page.panel.held.name == "tall"
    page.mouse.up()
    page.settle()
    expect(page.get_by_text("Tall", exact=True)).to_be_visible()
    assert page.panel.held.flag
    expect(page.get_by_label("Flag")).to_be_checked()


def test_rows_that_change_places_keep_their_controls_and_the_focus_goes_where_python_points(
    show: Callable[..., Shown],
) -> None:
    page = show(Example())
    page.get_by_label("Row 1").evaluate("element => { element.mark = 1 }")
    page.get_by_role("button", name="Turn round").click()
    page.settle()
    assert page.get_by_role("listitem").first.locator("input").input_value() == "3"
    assert page.get_by_label("Row 1").evaluate("element => element.mark") == 1
    expect(page.get_by_label("Row 1")).to_be_focused()


def test_errors_are_told_as_text(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_role("button", name="Go wrong").click()
    page.settle()
    expect(page.get_by_role("alert")).to_have_text("Error: row 3, field 'name': cannot be <b>used</b>")
    page.get_by_label("Flag").check()
    page.settle()
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_takes_longer_is_told_and_a_busy_kernel_too(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_role("button", name="Take long").click()
    page.settle()
    expect(page.get_by_role("status")).to_have_text("Done: read")
    page.get_by_label("Flag").check()
    expect(page.get_by_role("status")).to_have_text("Waiting for the kernel, which is busy")
    page.settle()
    expect(page.get_by_role("status")).to_be_empty()


def test_the_focus_of_a_button_that_is_disabled_by_its_own_work_is_given_back(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.panel._busy = "Reading"
    page.get_by_role("button", name="Take long").focus()
    page.panel._publish()
    page.settle()
    expect(page.get_by_role("button", name="Take long")).to_be_disabled()
    page.page.wait_for_timeout(50)
    assert page.page.evaluate("() => document.activeElement === document.body")
    page.panel._busy = None
    page.panel._publish()
    page.settle()
    expect(page.get_by_role("button", name="Take long")).to_be_focused()


def test_what_has_no_answer_is_sent_again_and_nothing_is_done_twice(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_role("button", name="Turn round").click()
    expect(page.get_by_role("status")).to_have_text("Waiting for the kernel, which is busy")
    assert [each["content"]["action"] for each in page._actions] == ["turn", "turn"]
    page.settle()
    assert page.panel.held.rows == (3, 2, 1)
    expect(page.get_by_role("status")).to_be_empty()

    page.get_by_label("Flag").check()
    page.until(lambda: page._actions)
    page._actions.clear()  # lost on the way
    page.get_by_label("Kind").select_option("b")
    page.until(lambda: page.panel.held.flag and page.panel.held.kind == "b")
    page.settle()
    expect(page.get_by_role("status")).to_be_empty()


def test_a_kernel_that_never_answers_or_is_gone_is_told(show: Callable[..., Shown]) -> None:
    page = show(Example(name="print(1)"))
    page.get_by_role("tab", name="Two").click()
    page.clock.install()
    page.get_by_role("button", name="Turn round").click()
    page.clock.run_for(62_000)
    expect(page.get_by_role("status")).to_have_text("Waiting for the kernel, which is busy")
    page.clock.run_for(2_000)
    expect(page.get_by_role("status")).to_contain_text("The kernel does not answer.")
    page.clock.resume()
    page.settle()
    expect(page.get_by_role("status")).to_be_empty()
    assert page.panel.held.rows == (3, 2, 1)

    page.evaluate("() => { window.gone = true; }")
    page.get_by_role("button", name="Turn round").click()
    expect(page.get_by_role("alert")).to_have_text("Error: The kernel was restarted or is gone. Run this cell again.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator(":is(input, select, textarea, button):not(.inb-code *):enabled")).to_have_count(0)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copy")).to_have_text("Copied")
    expect(page.get_by_role("button", name="Turn round")).to_be_disabled()  # drawn anew
    page.shot("panel-gone")
    assert page.axe() == []


def test_deleting_takes_two_steps(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("button", name="Confirm: Delete all")).to_be_focused()
    page.keyboard.press("Escape")
    page.settle()
    assert page.panel.held.rows == (1, 2, 3)
    page.get_by_role("button", name="Delete all").click()
    page.keyboard.press("Enter")
    page.settle()
    assert page.panel.held.rows == ()


def test_an_armed_button_that_goes_away_disturbs_nothing(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.get_by_role("button", name="Delete all").click()
    page.panel.held.name = "gone"
    page.panel._publish()
    page.settle()
    expect(page.get_by_role("button", name="Delete all")).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_value("gone")


def test_tabs_go_by_arrows(show: Callable[..., Shown]) -> None:
    page = show(Example(name="import x"))
    page.get_by_role("tab", name="One").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Two")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_contain_text("import x")


@pytest.mark.parametrize("size", [0, 5, 3_500_000])
def test_a_file_comes_in_pieces(show: Callable[..., Shown], tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
    (tmp_path / "received").mkdir()
    page = show(Example(tmp_path / "received"))
    chosen = tmp_path / "a file.csv"
    chosen.write_bytes(content)
    page.get_by_label("File").set_input_files(chosen)
    page.until(lambda: (tmp_path / "received" / "a file.csv").is_file())
    assert (tmp_path / "received" / "a file.csv").read_bytes() == content
    page.settle()
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_two_views_of_a_panel_show_the_same(show: Callable[..., Shown]) -> None:
    page = show(Example())
    page.again()
    page.get_by_label("Name").first.fill("both")
    page.get_by_label("Name").first.press("Enter")
    page.settle()
    expect(page.get_by_label("Name").nth(1)).to_have_value("both")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_well_and_a_screen_reader_can_use_it(show: Callable[..., Shown], theme: str) -> None:
    page = show(Example(name="<img src=x onerror=alert(1)> & שלום"), theme)
    page.get_by_role("button", name="Go wrong").click()
    page.settle()
    page.shot("panel")
    assert page.axe() == []
