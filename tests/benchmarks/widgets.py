"""python tests/benchmarks/widgets.py: how long a designer takes to be there and to answer, into benchmarks/WIDGETS.md.

In a real JupyterLab, in turns with the same table of plain ipywidgets controls. Nothing here fails on a time.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import comm

import intempt_nb as inb
from chromium import launched, require_chromium
from labkit import lab_server
from measure import take_turns
from pagekit import PageComm, Shown
from panels import act
from plain_table import fields
from report import HOME, Table, Target, machine, markdown, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playwright.sync_api import Browser

    from labkit import Book

SIZES = (50, 200, 1_000)
TURNS = 5
PATIENCE = 20.0
"""Seconds after which a way need not run once more."""
LIMIT = 60_000
"""Milliseconds after which a table that is not there is given up."""
PLAIN_MOST = 200
"""Fields up to which plain controls are shown too; with 1,000 they would take minutes."""
OURS, PLAIN = "CollectionDesigner", "plain ipywidgets"
TO_REACH = {200: 0.5, 1_000: 1.5}
SETUP = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import intempt_nb as inb
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances
from plain_table import PlainTable, fields
source = inb.sandbox().create_source("shop")
inb.widgets.CollectionDesigner(source, schema=fields(2), name="many")
"""
# The way, what makes it, the last row's name, and the sign of a name that is none.
WAYS = {
    OURS: (
        "inb.widgets.CollectionDesigner(source, schema=fields({count}), name='many')",
        "input[data-k='/fields/{last}:name']",
        "input[data-k='/fields/{last}:name'][aria-invalid='true']",
    ),
    PLAIN: ("PlainTable(fields({count})).box", "input[placeholder='field_{last}']", ".problem"),
}
PAINTED = "await new Promise(requestAnimationFrame); await new Promise((done) => setTimeout(done));"
SHOW = f"""async ([cell, selector]) => {{
  const book = window.jupyterapp.shell.currentWidget.content;
  book.activeCellIndex = cell;
  const begin = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const {{ node }} = book.widgets[cell].outputArea;
  while (!node.querySelector(selector)) {{
    if (performance.now() - begin > {LIMIT}) throw new Error(`${{selector}} did not appear`);
    await new Promise(requestAnimationFrame);
  }}
  {PAINTED}
  return performance.now() - begin;
}}"""
FIRST = """async () => {
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
EDIT = f"""async ([selector, text, sign, wanted]) => {{
  const input = document.querySelector(selector);
  input.focus();
  const begin = performance.now();
  input.value = text;
  for (const event of ['input', 'change']) input.dispatchEvent(new Event(event, {{ bubbles: true }}));
  while (Boolean(document.querySelector(sign)) !== wanted) {{
    if (performance.now() - begin > {LIMIT}) throw new Error(`no answer to ${{text}} at ${{selector}}`);
    await new Promise((done) => setTimeout(done, 2));
  }}
  {PAINTED}
  return performance.now() - begin;
}}"""
AGAIN = f"""async () => {{
  document.querySelector('main').replaceChildren();
  const begin = performance.now();
  await window.display();
  document.body.getBoundingClientRect();
  const drawn = performance.now() - begin;
  {PAINTED}
  return drawn;
}}"""
COUNTING = """
window.received = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => { window.received += data.byteLength ?? data.length; });
  }
};"""
_INTRO = """# How fast the designers are

Written by `make bench-widgets`. A `CollectionDesigner` in a real JupyterLab, beside the same table of plain ipywidgets
controls (a name, a type, four more cells; the same schema core says what is wrong). The ways took turns, each number is
a median. *First paint* is from starting the cell to the frame with the last row, the making of the widget in Python
included; *edit* is from typing a wrong name to the frame that says so, Python's check included; *received* is what came
over the web socket; *models* are the kernel's widget models. Chromium drew without a graphics card.
"""
_LIBRARIES = ("anywidget", "ipywidgets", "jupyterlab", "ipykernel", "playwright")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one display took."""

    paint: float
    edit: float
    received: int
    models: int


class Bench:
    """A notebook with a cell for each way and size, that are run again and again."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.found: dict[tuple[str, int], list[Seen]] = {}

    def display(self, cell: int, way: str, count: int) -> None:
        """Show it, write a wrong name and then a right one into the last row."""
        book = self.book
        book.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        book.value("len([Widget.close_all()])")
        _, name, sign = (text.format(count=count, last=count - 1) for text in WAYS[way])
        book.evaluate("() => { window.received = 0; }")
        paint = book.evaluate(SHOW, [cell, name]) / 1e3
        received, models = book.evaluate("() => window.received"), book.value("len(_instances)")
        book.wait_for_timeout(300)  # what follows the first paint is not the edit's
        edit = book.evaluate(EDIT, [name, "1 wrong", sign, True]) / 1e3
        book.evaluate(EDIT, [name, f"field_{count - 1}", sign, False])
        self.found.setdefault((way, count), []).append(Seen(paint, edit, received, models))


def in_lab(browser: Browser, folder: Path) -> dict[tuple[str, int], Seen]:
    """Measure both ways in JupyterLab."""
    cases = [(way, count) for count in SIZES for way in WAYS]
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.add_init_script(COUNTING)
    with lab_server(folder) as lab:
        lab.write("bench.ipynb", SETUP, *(WAYS[way][0].format(count=count) for way, count in cases))
        with lab.opened(context, "bench.ipynb") as book:
            book.evaluate(FIRST)
            bench = Bench(book)
            for count in SIZES:
                calls = {way: partial(bench.display, cases.index((way, count)) + 1, way, count) for way in _ways(count)}
                take_turns(calls, TURNS, PATIENCE)
    return {case: _median(seen) for case, seen in bench.found.items()}


def _ways(count: int) -> list[str]:
    return [way for way in WAYS if way == OURS or count <= PLAIN_MOST]


def _median(seen: Sequence[Seen]) -> Seen:
    middle = [statistics.median(getattr(each, name) for each in seen) for name in Seen.__slots__]
    return Seen(middle[0], middle[1], int(middle[2]), int(middle[3]))


@dataclass(frozen=True, slots=True)
class Alone:
    """What the designer itself takes, without JupyterLab."""

    made: float
    drawn: float
    edited: float
    state: int


def alone(browser: Browser, count: int) -> Alone:
    """Measure the Python half and the browser's half by themselves."""
    source = inb.sandbox().create_source(f"shop-{count}")
    make = partial(inb.widgets.CollectionDesigner, source, schema=fields(count), name="many")
    made = take_turns({OURS: make}, TURNS)[OURS].seconds
    shown = Shown(browser.new_context(), make())
    drawn = statistics.median(shown.evaluate(AGAIN) for _ in range(TURNS)) / 1e3
    edit = partial(act, shown.panel, "set", path=f"/fields/{count - 1}", key="name", value="1 wrong")
    edited = take_turns({OURS: edit}, TURNS)[OURS].seconds
    return Alone(made, drawn, edited, len(json.dumps(shown.panel.state)))


def lab_table(found: Mapping[tuple[str, int], Seen]) -> Table:
    header = ("fields", "way", "first paint", "times as fast", "edit", "times as fast", "received", "models")
    return Table(
        "in JupyterLab", header, [_cells(found, count, way) for count in SIZES for way in reversed(_ways(count))]
    )


def _cells(found: Mapping[tuple[str, int], Seen], count: int, way: str) -> tuple[str, ...]:
    seen, base = found[way, count], found.get((PLAIN, count))
    return (
        f"{count:,}",
        way,
        seconds(seen.paint),
        f"{base.paint / seen.paint:.1f}" if base else "",
        seconds(seen.edit),
        f"{base.edit / seen.edit:.1f}" if base else "",
        f"{seen.received / 1e3:,.0f} kB",
        f"{seen.models:,}",
    )


def alone_table(found: Mapping[int, Alone]) -> Table:
    header = ("fields", "made in Python", "drawn in the browser", "an edit in Python", "state")
    rows = [
        (f"{count:,}", seconds(each.made), seconds(each.drawn), seconds(each.edited), f"{each.state / 1e3:,.0f} kB")
        for count, each in found.items()
    ]
    return Table("its parts, without JupyterLab", header, rows)


def write(tables: Sequence[Table], targets: Sequence[Target]) -> None:
    """Write WIDGETS.md."""
    libraries = [(name, version(name)) for name in _LIBRARIES]
    shown = [markdown(("", ""), [*machine()[:4], *libraries])]
    pieces = [_INTRO, "## Machine\n", *shown, "\n## Speeds to reach\n"]
    pieces += [markdown(("what", "to reach", "measured", "reached"), [each.cells() for each in targets])]
    pieces += [f"\n## {each.title[0].upper()}{each.title[1:]}\n\n{markdown(each.header, each.rows)}" for each in tables]
    (HOME / "WIDGETS.md").write_text("\n".join(pieces) + "\n", "utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, launched(require_chromium()) as browser:
        os.environ["INTEMPT_NB_STATE"] = folder
        (Path(folder) / "lab").mkdir()
        seen = in_lab(browser, Path(folder) / "lab")
        comm.create_comm = PageComm
        parts = {count: alone(browser, count) for count in SIZES}
    tables = [lab_table(seen), alone_table(parts)]
    for table in tables:
        table.show()
    targets = [
        Target(f"first paint, {count:,} fields", bound, seen[OURS, count].paint, at_most=True, unit="s")
        for count, bound in TO_REACH.items()
    ]
    write(tables, targets)


if __name__ == "__main__":
    main()
