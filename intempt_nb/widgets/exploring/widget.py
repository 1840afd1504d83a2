"""`Explorer`: sources, collections, their fields, links and rows, and the way into a DataFrame."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.client import Client
from intempt_nb.errors import DataError, IntemptError
from intempt_nb.widgets.exploring import reading
from intempt_nb.widgets.exploring.fetching import Fetching
from intempt_nb.widgets.exploring.linking import links_view
from intempt_nb.widgets.exploring.loading import BACKENDS, changed, fresh, load_code, problems, toggled
from intempt_nb.widgets.exploring.showing import (
    PAGE_COLUMNS,
    columns_view,
    count_text,
    fields_view,
    load_view,
    rows_view,
    tree_view,
)
from intempt_nb.widgets.namespace import put
from intempt_nb.widgets.panel import Panel, assets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.widgets.exploring.loading import LoadForm

__all__ = ["Explorer"]

TABS = ("fields", "links", "rows", "columns", "load")
ASKED = ("count", "links", "rows", "columns")
"""What is asked of the server about a collection, each once."""

TELL_SECONDS = 0.25
"""Between two words about a load that is under way: four messages a second at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An answer about a collection, or why there is none."""

    value: Any
    problem: str | None


class Explorer(Panel):
    """A panel that shows what there is: sources, their collections, and of each the fields, links, rows and columns.

    Only what is looked at is asked for, once, until *Refresh*: the first 20 rows, and a profile of the first 10,000.
    More is read only by *Load*, which puts a DataFrame into the notebook and shows the Python that does the same.

    Parameters
    ----------
    client
        The connection.

    Raises
    ------
    DataError
        If that is no client.

    Examples
    --------
    >>> explorer = inb.widgets.Explorer(client)
    >>> explorer                # shows it
    >>> explorer.collection     # the collection that is chosen
    >>> explorer.data           # what was loaded last
    >>> print(explorer.code)    # the same in Python
    """

    _esm, _css = assets("diagram", "explorer")

    def __init__(self, client: Client) -> None:
        if not isinstance(client, Client):
            raise DataError(f"found {type(client).__name__}; expected a client: inb.Client(…) or inb.sandbox()")
        super().__init__()
        self._client = client
        self._branches: tuple[reading.Branch, ...] = ()
        self._tree_problem: str | None = None
        self._search = ""
        self._chosen: CollectionHandle | None = None
        self._tab = "fields"
        self._page = 0
        self._parts: dict[tuple[str, str], Part] = {}
        self._forms: dict[str, LoadForm] = {}
        self._data: pd.DataFrame | None = None
        self._loaded = ""
        self._fetching = Fetching(self._lock, self._publish)
        with self._lock:
            self._do_refresh()
            self._publish()

    @property
    def collection(self) -> CollectionHandle | None:
        """The collection that is chosen; None before one is."""
        return self._chosen

    @property
    def data(self) -> pd.DataFrame | None:
        """The DataFrame that was loaded last; None before one was."""
        return self._data

    @property
    def code(self) -> str:
        """The Python that loads what the form says; empty before a collection is chosen."""
        chosen = self._chosen
        return "" if chosen is None else load_code(self._client, chosen, self._form(chosen))

    def _subject(self) -> str:
        return self._client.org

    def _form(self, collection: CollectionHandle) -> LoadForm:
        if collection.id not in self._forms:
            self._forms[collection.id] = fresh(collection)
        return self._forms[collection.id]

    # what can be done

    def _do_refresh(self) -> None:
        """Ask for everything anew; what is chosen stays chosen if it is still there."""
        self._parts.clear()
        self._fetching.drop(*ASKED)
        self._ask_tree()

    def _do_search(self, text: str) -> None:
        self._search = str(text)[:200]

    def _do_choose(self, collection: str) -> None:
        found = self._known().get(collection)
        if found is not None and found is not self._chosen:
            self._chosen = found
            self._page = 0
            self._loaded = ""
            self._fetching.drop(*ASKED)
        self._ask_all()

    def _do_tab(self, name: str) -> None:
        if name in TABS:
            self._tab = name
            self._ask_all()

    def _do_retry(self) -> None:
        """Ask again for what could not be had of the collection."""
        if self._chosen is not None:
            for name in ASKED:
                part = self._parts.get((self._chosen.id, name))
                if part is not None and part.problem is not None:
                    del self._parts[self._chosen.id, name]
            self._ask_all()

    def _do_page(self, to: int) -> None:
        self._page = max(0, int(to))

    def _do_form(self, name: str, value: Any) -> None:
        if self._chosen is not None:
            self._loaded = ""
            self._forms[self._chosen.id] = changed(self._form(self._chosen), name, value)

    def _do_column(self, at: int, on: bool) -> None:
        self._toggle(slice(int(at), int(at) + 1), on=on)

    def _do_all_columns(self, on: bool) -> None:
        self._toggle(slice(None), on=on)

    def _toggle(self, which: slice, *, on: bool) -> None:
        if self._chosen is not None:
            self._loaded = ""
            names = self._chosen.schema.names
            form = toggled(self._form(self._chosen), names, names[which], on=on)
            self._forms[self._chosen.id] = form

    def _do_cancel(self) -> None:
        if "load" in self._fetching:
            self._fetching.drop("load")
            self._tell("warning", "the load was cancelled; nothing was put into the notebook")

    def _do_load(self) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        form = self._form(chosen)
        if problems(form) or "load" in self._fetching:
            return
        self._loaded = ""
        told = time.monotonic()

        def progress(rows: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                with self._lock:
                    self._fetching.relabel("load", f"Loading {chosen.name}: {rows:,} rows so far")
                    self._publish()

        def work(is_wanted: Callable[[], bool]) -> pd.DataFrame:
            backend = BACKENDS[form.backend]
            return reading.load(chosen, form.columns, form.rows, backend, is_wanted, progress)

        def done(frame: pd.DataFrame | None, problem: str | None) -> None:
            if frame is None:
                self._tell("error", f"{chosen.name} could not be loaded: {problem}")
            else:
                self._guarded(lambda: self._keep(form.variable, frame))

        self._worker = self._fetching.start("load", f"Loading {chosen.name}", work, done)

    def _keep(self, name: str, frame: pd.DataFrame) -> None:
        """Give a loaded DataFrame its name in the notebook."""
        self._data = frame  # also where the name was taken meanwhile
        put(name, frame)
        rows, columns = frame.shape
        size = f"{rows:,} row{'' if rows == 1 else 's'} and {columns:,} column{'' if columns == 1 else 's'}"
        self._loaded = f"{name} is in the notebook, with {size}"
        self._tell("success", self._loaded)

    # what is asked of the server

    def _ask_tree(self) -> None:
        def work(is_wanted: Callable[[], bool]) -> tuple[reading.Branch, ...]:
            return reading.read_tree(self._client, is_wanted)

        self._worker = self._fetching.start("tree", "Reading the sources", work, self._take_tree)

    def _take_tree(self, branches: tuple[reading.Branch, ...] | None, problem: str | None) -> None:
        self._tree_problem = problem
        if branches is not None:
            self._branches = branches
            if self._chosen is not None:
                self._chosen = self._known().get(self._chosen.id)
        self._ask_all()

    def _known(self) -> dict[str, CollectionHandle]:
        return {each.id: each for branch in self._branches for each in branch.collections}

    def _ask_all(self) -> None:
        """Ask for what is shown of the chosen collection and not known yet."""
        chosen = self._chosen
        if chosen is None:
            return
        works: dict[str, tuple[str, Callable[[Callable[[], bool]], Any]]] = {
            "count": ("Counting rows", lambda wanted: chosen.count()),
            "links": (
                "Reading the links",
                lambda wanted: reading.read_links(chosen, list(self._known().values()), wanted),
            ),
            "rows": ("Reading the first rows", lambda wanted: reading.read_rows(chosen)),
            "columns": ("Profiling the columns", lambda wanted: reading.read_profile(chosen, wanted)),
        }
        for name in dict.fromkeys(("count", self._tab)):
            if name in works and (chosen.id, name) not in self._parts and name not in self._fetching:
                self._ask(chosen, name, *works[name])

    def _ask(
        self, collection: CollectionHandle, name: str, label: str, work: Callable[[Callable[[], bool]], Any]
    ) -> None:
        def done(value: Any, problem: str | None) -> None:
            self._parts[collection.id, name] = Part(value, problem)

        self._worker = self._fetching.start(name, f"{label} of {collection.name}", work, done)

    # what is shown

    def _publish(self) -> None:
        with self._lock:
            self._busy = self._fetching.label
            super()._publish()

    def _view(self) -> Mapping[str, Any]:
        chosen = self._chosen
        return {
            "tree": {
                **tree_view(self._branches, self._search),
                "loading": "tree" in self._fetching,
                "problem": self._tree_problem,
                "search": self._search,
            },
            "chosen": None if chosen is None else self._chosen_view(chosen),
        }

    def _chosen_view(self, chosen: CollectionHandle) -> dict[str, Any]:
        record = chosen.record
        return {
            "id": record.id,
            "name": record.name[:200],
            "title": (record.title or "")[:200],
            "kind": record.kind,
            "source": (record.source_name or record.source_id)[:200],
            "count": self._count_view(chosen),
            "tab": self._tab,
            **self._tab_view(chosen),
        }

    def _tab_view(self, chosen: CollectionHandle) -> dict[str, Any]:
        """Return the content of the tab, why there is none, or neither while it is on its way."""
        part = self._parts.get((chosen.id, self._tab))
        try:
            match self._tab:
                case "fields":
                    return _ready(fields_view(chosen.schema))
                case "load":
                    return _ready(self._load_view(chosen))
                case _ if part is None:
                    return _ready(None)
                case _ if part.problem is not None:
                    return {"content": None, "problem": part.problem}
                case "links":
                    return _ready(links_view(chosen, part.value))
                case "rows":
                    return _ready(rows_view(part.value))
                case _:
                    self._page = min(self._page, max(len(part.value.columns) - 1, 0) // PAGE_COLUMNS)
                    return _ready(columns_view(part.value, self._page, self._total(chosen)))
        except IntemptError as error:  # a schema that cannot be read
            return {"content": None, "problem": str(error)}

    def _load_view(self, chosen: CollectionHandle) -> dict[str, Any]:
        form = load_view(self._form(chosen), chosen.schema, self._total(chosen))
        return {**form, "code": self.code, "loading": "load" in self._fetching, "loaded": self._loaded}

    def _total(self, chosen: CollectionHandle) -> int | None:
        part = self._parts.get((chosen.id, "count"))
        return None if part is None else part.value

    def _count_view(self, chosen: CollectionHandle) -> dict[str, Any]:
        part = self._parts.get((chosen.id, "count"))
        if part is None:
            return {"text": "counting rows …", "problem": None}
        if part.problem is not None:
            return {"text": "", "problem": part.problem}
        seen = [(0, False)]
        for name, most in (("rows", reading.FIRST_ROWS), ("columns", reading.SAMPLE_ROWS)):
            read = self._parts.get((chosen.id, name))
            if read is not None and read.problem is None:
                rows = read.value.num_rows if name == "rows" else read.value.rows
                seen.append((rows, rows < most))
        known, is_all = max(seen)
        return {"text": count_text(part.value, known, is_all=is_all), "problem": None}


def _ready(content: dict[str, Any] | None) -> dict[str, Any]:
    return {"content": content, "problem": None}
