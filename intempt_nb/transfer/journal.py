"""The journal of an upload: what was sent, and what is known of it, so that the next session goes on from there.

A SQLite file for each run, open for one upload at a time. What is about to be sent is on the disk before it is sent.
What became of it is written at once, and on the disk with the next such step: a machine that dies in between leaves
rows as in doubt that are known, never the other way round.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from intempt_nb.errors import UploadError
from intempt_nb.transfer.journal_files import (
    COPY_SUFFIX,
    FORMAT,
    Header,
    Run,
    connect,
    explained,
    fault_of,
    in_group,
    journal_path,
    last_run,
    make_folder,
    note_last,
    read_header,
    remove,
    tidy,
)
from intempt_nb.transfer.known import NO_COUNT, Known, Posts, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

__all__ = ["Journal", "Known", "Rejected", "Run", "read_known", "read_posts"]

_TABLES: Final = (
    "CREATE TABLE run (about TEXT, lanes INTEGER, started TEXT, finished TEXT)",
    "CREATE TABLE post (id INTEGER PRIMARY KEY, session INTEGER, lane INTEGER, first INTEGER, last INTEGER,"
    " rows INTEGER, accepted INTEGER)",
    "CREATE TABLE reject (row INTEGER PRIMARY KEY, field TEXT, status INTEGER, reason TEXT)",
    "CREATE TABLE left_out (id INTEGER PRIMARY KEY, session INTEGER, rows BLOB)",
)
_POST: Final = "INSERT OR REPLACE INTO post VALUES (?, ?, ?, ?, ?, ?, ?)"
_REJECT: Final = "INSERT OR REPLACE INTO reject VALUES (?, ?, ?, ?)"
_LEFT_OUT: Final = "INSERT OR REPLACE INTO left_out VALUES (?, ?, ?)"

Step: TypeAlias = tuple[str, tuple[Any, ...]]


class Journal:
    """The journal of one run, held by one upload; its methods may be called by several threads.

    After `close`, :meth:`begin` raises and the others do nothing: threads of an upload that was given up may still come
    with answers.

    Attributes
    ----------
    lanes
        Into how many lanes the rows are divided, as the run began.
    finished
        Whether everything was settled when it was opened.
    started
        When the run began, in UTC.
    resumed
        Whether anything is known from before.
    known
        What was known when it was opened.
    former_path
        The copy of the rows that this run had named until now, if it is another one than the run's `path` is.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, header: Header, former_path: str | None = None
    ) -> None:
        self._path = path
        self._run = header.run
        self._connection: sqlite3.Connection | None = connection
        self._lock = Lock()
        self._waiting: list[Step] = []
        self._flushed = True
        self._under_way: dict[tuple[int, int, int], int] = {}
        self._has_sent = False
        self.former_path = former_path
        self.lanes = header.lanes
        self.started = header.started
        self.finished = header.finished is not None
        self.known = read_known(connection)
        self.resumed = bool(self.known.sessions or self.known.rejects)
        last_session = "SELECT max(session) FROM (SELECT session FROM post UNION SELECT session FROM left_out)"
        self._session = _number(connection, last_session) + 1
        self._posts = _number(connection, "SELECT max(id) FROM post")
        self._parts = _number(connection, "SELECT max(id) FROM left_out")

    @classmethod
    def open(cls, folder: Path, run: Run, *, lanes: int, resume: bool, anew: bool = False) -> Journal:
        """Find the journal of a run in the state folder, or begin one.

        Journals of runs that were finished more than 30 days ago are removed.

        Parameters
        ----------
        folder
            The state folder.
        run
            The run.
        lanes
            Into how many lanes its rows are divided; a run that has begun keeps its own number.
        resume
            Whether to go on with what is known; otherwise it is dropped. It is dropped too if the run was finished and
            another one has sent into the collection since.
        anew
            Whether that goes for a run that was not finished, too: what it had sent may be overwritten.

        Raises
        ------
        UploadError
            If the upload is under way elsewhere, or the journal is damaged, or cannot be written.
        """
        make_folder(folder)
        tidy(folder)
        path = journal_path(folder, run.id)
        connection = None
        # An interruption is one here until it is outside: who keeps the error would keep the journal open and locked.
        try:
            with explained(path):
                connection = _connect(path, resume)
                former, run = _header(connection, resume), in_group(folder, run)
                header = _begun(connection, folder, run, former if resume else None, lanes, anew=anew)
                if header.finished is None and header.run.retry_of is None:
                    note_last(folder, run)
                with suppress(sqlite3.Error):  # only `look_past` needs it
                    connection.execute("PRAGMA wal_checkpoint")
                return cls(path, connection, header, _former_copy(path.parent, former, run))
        except BaseException:
            if connection is not None:
                connection.close()
            raise

    def begin(self, lane: int, first: int, last: int, rows: int | None = None) -> None:
        """Note that rows of a lane are about to be sent; on the disk when it returns.

        Parameters
        ----------
        lane, first, last
            All rows of the lane from `first` to `last`, apart from those that :meth:`leave_out` was told of.
        rows
            How many they are, for the list of runs.

        Raises
        ------
        UploadError
            If that cannot be written, or the journal is closed: nothing may be sent then.
        """
        self.begin_all([(lane, first, last, rows)])

    def begin_all(self, posts: Iterable[tuple[int, int, int, int | None]]) -> None:
        """Note several requests at once, each as :meth:`begin` has it; those that are begun already are passed over."""
        with self._lock:
            if self._connection is None:
                raise UploadError("this upload has ended; nothing more is sent")
            steps: list[Step] = [("UPDATE run SET finished = NULL", ())] if self.finished else []
            begun = {}
            for lane, first, last, rows in posts:
                if (lane, first, last) not in self._under_way:
                    self._posts += 1
                    begun[lane, first, last] = self._posts
                    steps.append((_POST, (self._posts, self._session, lane, first, last, rows, 0)))
            if begun:
                self._has_sent = True
                self._write(self._connection, [*self._waiting, *steps])
                self.finished = False
                self._under_way |= begun

    def has_begun(self, lane: int, first: int, last: int) -> bool:
        """Return whether a request is noted whose outcome is not."""
        return (lane, first, last) in self._under_way

    def under_way(self) -> list[tuple[int, int, int]]:
        """Return the lane, first and last row of each request that is noted and whose outcome is not, in order."""
        with self._lock:
            return sorted(self._under_way)

    def accept(self, lane: int, first: int, last: int) -> None:
        """Note that the server has what was begun."""
        with self._lock:
            post = self._under_way.pop((lane, first, last), None)
            if post is None:  # an answer that came after all
                self._posts += 1
                self._waiting.append((_POST, (self._posts, self._session, lane, first, last, None, 1)))
            else:
                self._waiting.append(("UPDATE post SET accepted = 1 WHERE id = ?", (post,)))
            if self._connection is not None:
                with suppress(UploadError):  # the next request cannot begin then
                    self._write(self._connection, self._waiting, flushed=False)

    def doubt(self, lane: int, first: int, last: int) -> None:
        """Note that it stays unknown whether the server has what was begun; sent again later, it is not forgotten."""
        with self._lock:
            self._under_way.pop((lane, first, last), None)  # as it stands in the journal already

    def withdraw(self, lane: int, first: int, last: int) -> None:
        """Note that the server refused what was begun as a whole, and has none of it."""
        with self._lock:
            post = self._under_way.pop((lane, first, last), None)
            if post is not None:
                self._waiting.append(("DELETE FROM post WHERE id = ?", (post,)))

    def reject(self, rejects: Iterable[Rejected | tuple[int, str | None, int | None, str]]) -> None:
        """Note rows that the server refused: row, field, status, reason."""
        with self._lock:
            for row, field, status, reason in rejects:
                self._waiting.append((_REJECT, (int(row), field, status, reason)))

    def leave_out(self, rows: npt.NDArray[np.int64]) -> None:
        """Note rows that this session does not send, told before any interval that they lie in is begun.

        These are the rows that were found bad here, which another session may judge otherwise, and rows whose outcome
        is to stay unknown. Without this, an interval around them would say that the server has them. Rows that
        `known` has as settled need not be told.

        Parameters
        ----------
        rows
            Their numbers, ascending.
        """
        if not len(rows):
            return
        steps = np.diff(rows, prepend=0).astype("<i8")
        with self._lock:
            self._parts += 1
            self._waiting.append((_LEFT_OUT, (self._parts, self._session, zlib.compress(steps.tobytes(), 1))))

    def finish(self) -> None:
        """Note that nothing is left to be sent; on the disk when it returns.

        If this session has sent anything, the run is then the last one that has sent into its collection.

        Raises
        ------
        UploadError
            If that cannot be written.
        """
        with self._lock:
            if self._connection is not None:
                if self._has_sent and self._run.retry_of is None:  # before a later look can find it finished
                    note_last(self._path.parents[1], self._run)
                now = ("UPDATE run SET finished = ?", (datetime.now(UTC).isoformat(),))
                self._write(self._connection, [*self._waiting, now])
                self.finished = True

    def close(self) -> None:
        """Write what is not written yet, and let others open it. Calling it again does nothing."""
        try:
            with self._lock:
                if self._connection is not None:
                    with suppress(UploadError, sqlite3.Error):  # what cannot be written is in doubt, and is sent again
                        self._write(self._connection, self._waiting)
                        # So that a look at it leaves no files behind.
                        self._connection.execute("PRAGMA journal_mode=DELETE")
        finally:  # interrupted, too: it would be locked for as long as someone keeps the error
            with self._lock:
                connection, self._connection = self._connection, None
                if connection is not None:
                    connection.close()

    def _write(self, connection: sqlite3.Connection, steps: Sequence[Step], *, flushed: bool = True) -> None:
        """Write steps as one; those that waited go on waiting if that fails.

        What is not flushed outlives the program, but maybe not the machine.
        """
        with explained(self._path):
            if flushed != self._flushed:  # each call lets other threads in, who keep this one waiting
                connection.execute(f"PRAGMA synchronous={'FULL' if flushed else 'NORMAL'}")
                self._flushed = flushed
            _as_one(connection, steps)
        self._waiting = []


def _connect(path: Path, resume: bool) -> sqlite3.Connection:
    try:
        return connect(path)
    except sqlite3.Error as error:
        if resume or fault_of(error) != "damaged":
            raise
    remove(path)
    return connect(path)


def _begun(
    connection: sqlite3.Connection, folder: Path, run: Run, former: Header | None, lanes: int, *, anew: bool
) -> Header:
    """Return what the journal says of the run, which has begun then; it goes on with `former` if nothing is against it.

    Parameters
    ----------
    former
        What the journal says of an earlier session; None if that is to be dropped.
    """
    if former is not None:
        # The file or the server may have moved; the name of a copy of rows says less than where they came from.
        origin = former.run.origin if run.path == former.run.path else run.origin
        group = run.group or former.run.group
        run = replace(run, origin=origin, retry_of=run.retry_of or former.run.retry_of, group=group)
        last = last_run(folder, run)
        was_last = last is not None and (last in (run.id, run.retry_of) or last == group == former.run.group)
        if former.finished is None and (was_last or last is None or not anew):
            _as_one(connection, [("UPDATE run SET about = ?", (run.to_json(),))])
            return replace(former, run=run)
        if former.finished is not None and was_last:
            return former
    begun = Header(run, lanes, datetime.now(UTC), None)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    dropped = [(f"DROP TABLE {name}", ()) for name in tables]
    made = [(statement, ()) for statement in (*_TABLES, f"PRAGMA user_version = {FORMAT}")]
    about = ("INSERT INTO run VALUES (?, ?, ?, NULL)", (run.to_json(), lanes, begun.started.isoformat()))
    _as_one(connection, [*dropped, *made, about])
    return begun


def _former_copy(uploads: Path, former: Header | None, run: Run) -> str | None:
    """Return the copy of rows that an earlier session named, if this one names another; users' own files are none."""
    path = None if former is None else former.run.path
    is_copy = path is not None and Path(path).parent == uploads and path.endswith(COPY_SUFFIX)
    return path if is_copy and path != run.path else None


def _header(connection: sqlite3.Connection, resume: bool) -> Header | None:
    try:
        return read_header(connection)
    except sqlite3.Error as error:
        if resume or fault_of(error) != "damaged":
            raise
        return None


def _as_one(connection: sqlite3.Connection, steps: Sequence[Step]) -> None:
    if len(steps) == 1:
        connection.execute(*steps[0])
        return
    try:
        connection.execute("BEGIN")
        for statement, values in steps:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def read_posts(connection: sqlite3.Connection) -> Posts:
    """Return the requests that a journal knows of."""
    query = "SELECT session, lane, first, last, coalesce(rows, ?), accepted FROM post ORDER BY id"
    return Posts.of(connection.execute(query, (NO_COUNT,)))


def read_known(connection: sqlite3.Connection) -> Known:
    """Return what a journal knows."""
    rejects = map(Rejected._make, connection.execute("SELECT row, field, status, reason FROM reject"))
    parts = connection.execute("SELECT session, rows FROM left_out ORDER BY id")
    left_out = [(session, np.frombuffer(zlib.decompress(blob), "<i8").cumsum()) for session, blob in parts]
    return Known.of(read_posts(connection), rejects, left_out)


def _number(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0] or 0
