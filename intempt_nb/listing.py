"""`Listing`: what the server holds, as a mapping by name or id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import IntemptError, NotFoundError, suggest

__all__ = ["Listing"]

T = TypeVar("T")


class Listing(Mapping[str, T], Generic[T]):
    """A mapping that asks the server each time, so that it is never stale.

    Parameters
    ----------
    noun
        What it holds, in the singular: "source".
    fetch
        Returns all entries as ``(id, name, owner, entry)``. Where a name stands twice, the key is ``owner/name``.
    header, rows
        Column titles of the table view, and the cells of some entries.
    lazy
        Makes an entry of a name or id without asking the server; None to look it up at once.
    """

    def __init__(
        self,
        noun: str,
        fetch: Callable[[], list[tuple[str, str, str, T]]],
        header: Sequence[str],
        rows: Callable[[Sequence[T]], list[tuple[object, ...]]],
        lazy: Callable[[str], T] | None = None,
    ) -> None:
        self._noun = noun
        self._fetch = fetch
        self._header = header
        self._rows = rows
        self._lazy = lazy

    def entries(self) -> dict[str, T]:
        """Return all entries by name, asking once."""
        return {key: entry for key, _, entry in self._keyed()}

    def _keyed(self) -> list[tuple[str, str, T]]:
        fetched = self._fetch()
        names = Counter(name for _, name, _, _ in fetched)
        return [
            (name if names[name] == 1 else f"{owner}/{name}", entry_id, entry)
            for entry_id, name, owner, entry in fetched
        ]

    def find(self, key: str) -> T:
        """Return an entry by name or id, asking the server.

        Raises
        ------
        NotFoundError
            If there is none, or several of that name; lists what there is.
        """
        keyed = self._keyed()
        for name, entry_id, entry in keyed:
            if key in (name, entry_id):
                return entry
        several = [name for name, _, _ in keyed if name.endswith(f"/{key}")]
        if several:
            raise NotFoundError(
                f"there are {len(several)} {self._noun}s {key!r}: {', '.join(several)}. Use one of those"
            )
        names = [name for name, _, _ in keyed]
        hint = suggest(key, names) if names else f"; there are no {self._noun}s yet"
        raise NotFoundError(f"no {self._noun} {key!r}{hint}")

    def __getitem__(self, key: str) -> T:
        """Return the entry of that name or id."""
        return self.find(key) if self._lazy is None else self._lazy(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries())

    def __len__(self) -> int:
        return len(self._fetch())

    def __contains__(self, key: object) -> bool:
        return any(key in (name, entry_id) for name, entry_id, _ in self._keyed())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the entry of that name or id, or `default` if there is none; asks the server."""
        try:
            return self.find(key)
        except NotFoundError:
            return default

    def values(self) -> Sequence[T]:  # type: ignore[override]  # a list of one answer, where the view would ask per entry
        """Return all entries, asking once."""
        return list(self.entries().values())

    def items(self) -> Sequence[tuple[str, T]]:  # type: ignore[override]  # as values()
        """Return all names and entries, asking once."""
        return list(self.entries().items())

    def _ipython_key_completions_(self) -> list[str]:
        try:
            return list(self)
        except IntemptError:
            return []  # Tab must not print a traceback; the call itself will

    def __repr__(self) -> str:
        """Say what it is; debuggers and verbose tracebacks call this, so the server is not asked."""
        return f"<the {self._noun}s, by name or id; list(…) asks the server>"

    def __str__(self) -> str:
        """Return the entries as a text table."""
        entries = self.values()
        return text_table(self._header, self._rows(entries), self._caption(entries))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_html_(self) -> str:
        entries = self.values()
        return html_table(self._header, self._rows(entries), self._caption(entries))

    def _caption(self, entries: Sequence[T]) -> str:
        return f"{self._noun.capitalize()}s" + ("" if entries else ": none yet")
