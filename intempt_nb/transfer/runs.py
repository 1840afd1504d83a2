"""`uploads`: the runs that this machine remembers, to look at and to forget."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import NotFoundError, suggest
from intempt_nb.transfer.journal import read_known, read_posts
from intempt_nb.transfer.journal_files import Run, fault_of, journals, look, look_past, read_header, remove
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Runs", "State", "UploadRun", "uploads"]

State: TypeAlias = Literal["finished", "unfinished", "under way", "unreadable"]

SHORT = 8
"""Digits of an id that a table shows."""

_HEADER = ("id", "started", "collection", "from", "state", "accepted", "refused", "unknown")


@dataclass(frozen=True, slots=True)
class UploadRun:
    """An upload that this machine remembers.

    Parameters
    ----------
    id
        32 hexadecimal digits; the command line takes the first few.
    state
        ``"finished"``; ``"unfinished"``: the same call again goes on with it; ``"under way"``: another process, or
        another thread of this one, is at it, and what it came to cannot be said; ``"unreadable"``: its journal is
        damaged.
    started
        When it began, in UTC, which a table shows in local time; None where the journal cannot be read.
    run
        What it is; None where the journal cannot be read.
    accepted, refused, unknown
        Rows that the server confirmed, that it refused, and that it may or may not have; None where that is not known.
    """

    id: str
    state: State
    started: datetime | None = None
    run: Run | None = field(default=None, repr=False)
    accepted: int | None = None
    refused: int | None = None
    unknown: int | None = None
    _path: Path = field(kw_only=True, repr=False)

    @property
    def collection(self) -> str | None:
        """The name of the collection."""
        return None if self.run is None else self.run.collection

    @property
    def origin(self) -> str | None:
        """Where the rows came from."""
        return None if self.run is None else self.run.origin

    def forget(self) -> None:
        """Remove the journal, and the copy of the rows if there is one; to upload the same again sends every row.

        Raises
        ------
        UploadError
            If it is under way.
        NotFoundError
            If it is forgotten already.
        """
        if not self._path.exists():
            raise NotFoundError(f"there is no upload {self.id} any more; it was forgotten already")
        remove(self._path)

    def _cells(self) -> list[object]:
        started = None if self.started is None else f"{self.started.astimezone():%Y-%m-%d %H:%M %Z}"
        counts = [None if each is None else f"{each:,}" for each in (self.accepted, self.refused, self.unknown)]
        return [self.id[:SHORT], started, self.collection, self.origin, self.state, *counts]


class Runs(Sequence[UploadRun]):
    """Uploads, the latest first."""

    def __init__(self, runs: Sequence[UploadRun]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> UploadRun: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> UploadRun | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, start: str) -> UploadRun:
        """Return the run whose id begins so.

        Raises
        ------
        NotFoundError
            If there is none, or more than one.
        """
        found = [run for run in self._runs if start and run.id.startswith(start.lower())]
        if len(found) == 1:
            return found[0]
        ids = [run.id[:SHORT] for run in found or self._runs]
        if found:
            raise NotFoundError(f"{len(found)} uploads have an id that begins with {start!r}: {', '.join(ids)}")
        raise NotFoundError(f"no upload has an id that begins with {start!r}{suggest(start, ids)}")

    def __repr__(self) -> str:
        """Return the uploads as a text table."""
        return text_table(_HEADER, [run._cells() for run in self._runs], self._caption())

    def _repr_html_(self) -> str:
        return html_table(_HEADER, [run._cells() for run in self._runs], self._caption())

    def _caption(self) -> str:
        return "Uploads" if self._runs else "Uploads: none yet"


def uploads() -> Runs:
    """Return the uploads that this machine remembers, the latest first.

    Nothing is changed by looking, and an upload that is under way is not disturbed. Finished uploads are forgotten
    after 30 days, when another one begins.

    Returns
    -------
    Runs
        A sequence; shown as a table.

    Raises
    ------
    ConfigurationError
        If the state folder cannot be used.
    """
    found = [(_changed(path), _read(path)) for path in journals(state_folder())]
    known = [(run.started or changed, run) for changed, run in found if run is not None]
    return Runs([run for _, run in sorted(known, key=lambda each: each[0], reverse=True)])


def _read(path: Path) -> UploadRun | None:
    """Return what can be said of a journal without opening it for good; None if nothing was begun in it."""
    try:
        with look(path) as connection:
            header = read_header(connection)
            if header is None:
                return None
            posts, known = read_posts(connection), read_known(connection)
    except sqlite3.Error as error:
        if not path.exists():  # forgotten in the meantime
            return None
        return _under_way(path) if fault_of(error) == "locked" else UploadRun(path.stem, "unreadable", _path=path)
    return UploadRun(
        path.stem,
        "unfinished" if header.finished is None else "finished",
        header.started,
        header.run,
        posts.only(posts.accepted).rows(),
        len(known.rejects),
        known.in_doubt(posts).rows(),
        _path=path,
    )


def _under_way(path: Path) -> UploadRun:
    header = look_past(path)
    if header is None:
        return UploadRun(path.stem, "under way", _path=path)
    return UploadRun(path.stem, "under way", header.started, header.run, _path=path)


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:  # removed in the meantime
        return datetime.fromtimestamp(0, UTC)
