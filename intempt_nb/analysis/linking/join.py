"""`join`: the rows of a collection with the columns of the items that they refer to, by declared identifiers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.analysis.linking.declared import declared, link_between
from intempt_nb.analysis.linking.join_report import JoinReport, key_rows
from intempt_nb.analysis.linking.matching import frame_of_rows, key_columns, match_rows, table_of_rows
from intempt_nb.collection_data import names_of
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.analysis.linking.declared import Link
    from intempt_nb.analysis.linking.matching import Matches
    from intempt_nb.api.resources import Identifier
    from intempt_nb.handles import CollectionHandle

__all__ = ["Joined", "join"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Joined:
    """Rows with the columns of what they refer to.

    Parameters
    ----------
    frame
        The rows, in their order and with their index, their own columns first.
    matched
        For each row of `frame`, whether what it refers to was found: a column of booleans with the same index.
    report
        What became of the keys.
    """

    frame: pd.DataFrame
    matched: pd.Series[Any]
    report: JoinReport

    def __repr__(self) -> str:
        """Return the report."""
        return f"{self.report}\nframe: {len(self.frame):,} rows, {self.frame.shape[1]:,} columns"

    def _repr_html_(self) -> str:
        shape = f"{len(self.frame):,} rows, {self.frame.shape[1]:,} columns"
        return f"{self.report._repr_html_()}<div>frame: {shape}</div>"


def join(
    events: CollectionHandle,
    profiles: CollectionHandle,
    *,
    rows: Any = None,
    profile_rows: Any = None,
    columns: Sequence[str] | None = None,
    prefix: str | None = None,
    identifier: Identifier | str | None = None,
    how: Literal["left", "inner"] = "left",
    multiply: bool = False,
) -> Joined:
    """Join the rows of a collection with the items of another one that they refer to.

    Only declared identifiers are followed: an identifier of `events` that refers to the primary one of `profiles`, its
    fields in the order of the primary's; if there is none, user identifiers of the same name in both, which may be of
    different sources. Values are compared exactly: nothing is cast, text is not folded or trimmed, and a missing value
    is equal to nothing.

    Parameters
    ----------
    events
        The collection that refers, of any kind.
    profiles
        The collection that it refers to, of any kind.
    rows
        Rows of `events` that were loaded already, also with other columns in them: a DataFrame, a scan or Arrow data.
        None to load all.
    profile_rows
        Rows of `profiles`, in the same way.
    columns
        The columns of `profiles` to add; None for all but its key, which is in the rows already.
    prefix
        What stands before the names of the columns that are added. None for nothing, and for ``"<collection>."`` where
        a row has a column of that name already. Avro has no dots in names: in a collection that is made of the frame,
        that column is ``<collection>_<name>``, and its title has the dot.
    identifier
        Which one to follow if there are several: an identifier of `events`, its name, or that of its relation.
    how
        ``"left"`` keeps the rows for which nothing is found, ``"inner"`` leaves them out.
    multiply
        Whether a row may come out several times, because several rows of `profiles` have its key. A primary key is
        there once; a user identifier, or `profile_rows`, may hold one several times.

    Returns
    -------
    Joined
        ``frame``, ``matched`` and ``report``. The columns of a DataFrame in `rows` keep their types; those that are
        added are Arrow-backed, so that whole numbers with gaps remain whole numbers.

    Raises
    ------
    DataError
        If nothing, or more than one thing, is declared; the types of the two differ, or a column of the rows has
        another one than its schema; a row would be multiplied; or two columns would have the same name.

    Examples
    --------
    >>> joined = inb.analysis.join(flights, planes, columns=["manufacturer", "seats"])
    >>> joined.frame.groupby("manufacturer")["arr_delay"].median()
    """
    if how not in ("left", "inner"):
        raise DataError(f"how is {how!r}; expected 'left' or 'inner'", expected="left | inner")
    link = link_between(declared(events), declared(profiles), identifier)
    left = frame_of_rows(events.scan() if rows is None else rows)
    right = _table(profile_rows, profiles, link, columns)
    names = _names(left, right, link, columns, prefix)
    keys = key_columns(left, link.names, events.schema, "rows")
    others = key_columns(right, link.theirs, profiles.schema, "profile_rows")
    matches = match_rows(keys, others)
    report = _report(link, keys, others, matches)
    if matches.widest > 1 and not multiply:
        raise _multiplied(link, report)
    here, there = matches.pairs()
    if how == "inner":
        here, there = here[there >= 0], there[there >= 0]
    whole = how == "left" and len(here) == len(left)
    kept = left if whole else left.iloc[here]
    added = _taken(right.select(list(names)).rename_columns(list(names.values())), there).set_axis(kept.index)
    matched = pd.Series(there >= 0, index=kept.index, name="matched")
    return Joined(pd.concat([kept, added], axis=1), matched, report)


def _table(rows: Any, profiles: CollectionHandle, link: Link, columns: Sequence[str] | None) -> pa.Table:
    """Return the rows that are referred to, at least their key and the columns that are wanted."""
    if columns is None:
        return table_of_rows(profiles.scan() if rows is None else rows)
    wanted = list(dict.fromkeys([*link.theirs, *names_of(columns, "columns")]))
    if rows is None:
        return profiles.scan(columns=wanted).to_arrow()
    return table_of_rows(rows, wanted)


def _names(
    left: pd.DataFrame, right: pa.Table, link: Link, columns: Sequence[str] | None, prefix: str | None
) -> dict[str, str]:
    """Return the columns that are added, with the names that they are to have."""
    wanted = [each for each in right.column_names if each not in link.theirs] if columns is None else list(columns)
    taken = set(left.columns)
    names = {each: _name(each, taken, link.there.name, prefix) for each in wanted}
    for name, final in names.items():
        if final in taken:
            raise DataError(
                f"the rows have a column {final!r} already; say what is to stand before the new ones, such as "
                f"prefix={link.identifier.name + '.'!r}",
                field=name,
            )
        taken.add(final)
    return names


def _name(name: str, taken: set[Any], collection: str, prefix: str | None) -> str:
    if prefix is not None:
        return prefix + name
    return f"{collection}.{name}" if name in taken else name


def _taken(table: pa.Table, rows: np.ndarray[Any, np.dtype[np.int64]]) -> pd.DataFrame:
    """Return rows of a table, with gaps where there is none."""
    size = 1 << 20  # in pieces: one array of text holds 2 GiB
    pieces = [rows[start : start + size] for start in range(0, len(rows), size)]
    places = pa.chunked_array([pa.array(each, mask=each < 0) for each in pieces], pa.int64())
    return to_frame(table.combine_chunks().take(places))


def _report(link: Link, keys: pa.Table, others: pa.Table, matches: Matches) -> JoinReport:
    orphan_keys, orphans = key_rows(keys, matches.orphans)
    _, duplicates = key_rows(others, matches.repeated)
    used = np.zeros(len(matches.counts), bool)
    used[matches.here[matches.matched]] = True
    return JoinReport(
        events=link.here.name,
        profiles=link.there.name,
        link=str(link),
        rows=len(keys),
        matched=int(np.count_nonzero(matches.matched)),
        without_key=int(np.count_nonzero(~matches.complete)),
        orphans=int(np.count_nonzero(matches.orphans)),
        orphan_keys=orphan_keys,
        orphan_examples=orphans,
        others=len(others),
        unused=len(others) - int(matches.counts[used].sum()),
        duplicates=int(np.count_nonzero(matches.repeated)),
        duplicate_examples=duplicates,
    )


def _multiplied(link: Link, report: JoinReport) -> DataError:
    shown = "; ".join(map(str, report.duplicate_examples))
    return DataError(
        f"{report.duplicates:,} rows of {link.there.name!r} share their {' + '.join(link.theirs)} with another one "
        f"({shown}), so that rows of {link.here.name!r} would come out several times. Give the rows that are meant "
        f"(profile_rows=), or take them all: multiply=True",
        field=link.theirs[0],
    )
