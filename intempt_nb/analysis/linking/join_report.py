"""`JoinReport`: what became of the keys in a join, as numbers and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from intempt_nb.display import html_table, shorten, text_table

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["JoinReport", "KeyRow", "key_rows"]

_MOST_EXAMPLES = 5
_HEADER = ("", "rows", "for example")


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, and where it stands.

    Parameters
    ----------
    values
        One a field, as Python has it.
    rows
        How many rows have it.
    row
        The first of them, counted from 1.
    """

    values: tuple[Any, ...]
    rows: int
    row: int

    def __str__(self) -> str:
        """Return the key, how often it is there, and where first."""
        text = ", ".join(shorten(repr(each) if isinstance(each, str) else str(each), 40) for each in self.values)
        return f"{text} (row {self.row:,})" if self.rows == 1 else f"{text} ({self.rows:,} rows, first {self.row:,})"


def key_rows(keys: pa.Table, chosen: npt.NDArray[np.bool_]) -> tuple[int, tuple[KeyRow, ...]]:
    """Return how many different keys some rows have, and those that stand in the most of them.

    Parameters
    ----------
    keys
        The columns of the key.
    chosen
        The rows that are meant.
    """
    if not chosen.any():
        return 0, ()
    places = pa.array(np.flatnonzero(chosen))
    names = [f"key{at}" for at in range(keys.num_columns)]
    some = keys.take(places).rename_columns(names).append_column("row", places)
    groups = some.group_by(names).aggregate([("row", "count"), ("row", "min")])
    most = groups.sort_by([("row_count", "descending"), ("row_min", "ascending")]).slice(0, _MOST_EXAMPLES)
    shown = (
        KeyRow(tuple(each[name] for name in names), each["row_count"], each["row_min"] + 1) for each in most.to_pylist()
    )
    return len(groups), tuple(shown)


@dataclass(frozen=True, slots=True, repr=False)
class JoinReport:
    """What became of the keys.

    Parameters
    ----------
    events, profiles
        Names of the collections: that whose rows are kept, and that which they refer to.
    link
        The fields that were compared, and the identifier that says so.
    rows
        Rows of `events`.
    matched
        Of these, the rows whose key is in `profiles`.
    without_key
        Those in which a field of the key has no value; they belong to nothing.
    orphans, orphan_keys
        Those whose key is not in `profiles`, and how many different keys they have.
    orphan_examples
        At most five of these keys, the most frequent first.
    others, unused
        Rows of `profiles`, and those that no row of `events` refers to.
    duplicates
        Rows of `profiles` which share their key with another one; none, if the key is the primary one.
    duplicate_examples
        At most five of their keys.
    """

    events: str
    profiles: str
    link: str
    rows: int
    matched: int
    without_key: int
    orphans: int
    orphan_keys: int
    orphan_examples: tuple[KeyRow, ...]
    others: int
    unused: int
    duplicates: int
    duplicate_examples: tuple[KeyRow, ...]

    def counts(self) -> list[tuple[str, str, str]]:
        """Return what was counted, as text: what, how many rows, and examples."""
        here, there = shorten(self.events), shorten(self.profiles)
        if here == there:  # of two sources, or the same one
            here, there = f"{here} (rows)", f"{there} (profile_rows)"
        keys = f"{self.orphan_keys:,} key{'s' if self.orphan_keys > 1 else ''}: " if self.orphans else ""
        return [
            (f"of {here}", f"{self.rows:,}", ""),
            (f"found in {there}", f"{self.matched:,}", ""),
            (f"not found in {there}", f"{self.orphans:,}", keys + _listed(self.orphan_examples)),
            ("without a key", f"{self.without_key:,}", ""),
            (f"of {there}", f"{self.others:,}", ""),
            ("that nothing refers to", f"{self.unused:,}", ""),
            ("that share their key", f"{self.duplicates:,}", _listed(self.duplicate_examples)),
        ]

    def __str__(self) -> str:
        """Return the counts as a text table."""
        return text_table(_HEADER, self.counts(), self.link, limit=160)

    def __repr__(self) -> str:
        """Return the same, since that is what a notebook and a terminal show."""
        return str(self)

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self.counts(), self.link, limit=400)


def _listed(examples: tuple[KeyRow, ...]) -> str:
    return "; ".join(map(str, examples[:3]))
