"""`Store`: what the sandbox remembers, in an SQLite file or in memory.

A file is in WAL mode: one connection writes, under a lock; each reader has a connection of its own and sees the state
at its start, so pages are read while items come in. In memory there is one connection for all. Several processes may
open the same file: writers wait for each other, and ids come from the file itself, so none is given twice.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.errors import ConfigurationError
from intempt_nb.server.tables import LAYOUT, Transaction, upgrade

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

__all__ = ["LAYOUT_VERSION", "MEMORY", "Store", "is_busy"]

MEMORY = ":memory:"
LAYOUT_VERSION = 2

_FIRST_LAYOUT = 1  # without tracker numbers

_APPLICATION_ID = 0x494E5442  # "INTB", in the file's header
_BUSY_SECONDS = 10.0
_PRAGMAS = ("foreign_keys = ON", "synchronous = NORMAL")
_WRITER_PRAGMAS = (
    # New keys fall anywhere in their index, so most of it is in use, and its pages are written again and again.
    "cache_size = -65536",
    "wal_autocheckpoint = 8192",
)


class Store:
    """Sources, collections, identifiers, relations and items; safe to use from several threads.

    Parameters
    ----------
    path
        An SQLite file, made if it is not there; ``":memory:"`` for a store that ends with the process.

    Raises
    ------
    ConfigurationError
        If the file cannot be opened, is not a sandbox's, or has another layout.
    """

    def __init__(self, path: str | os.PathLike[str] = MEMORY) -> None:
        self.path = MEMORY if path == MEMORY else str(Path(path).expanduser().absolute())
        self._lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._writer = self._connect()
        try:
            _claim(self._writer, self.path)
            for pragma in _WRITER_PRAGMAS:
                self._writer.execute(f"PRAGMA {pragma}")
        except BaseException:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from None
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(self.path, error) from None
        return connection

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state of the store and must not change it."""
        if self.path == MEMORY:
            with self._lock, _transaction(self._writer, "BEGIN") as transaction:
                yield transaction
            return
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._connect()
        try:
            with _transaction(reader, "BEGIN") as transaction:
                yield transaction
        finally:
            if self._closed:
                reader.close()
            else:
                self._readers.append(reader)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that is kept whole at its end, or dropped whole if an error leaves it."""
        with self._lock, _transaction(self._writer, "BEGIN IMMEDIATE") as transaction:
            yield transaction

    def close(self) -> None:
        """Close all connections; a second call does nothing."""
        self._closed = True
        while self._readers:
            self._readers.pop().close()
        with self._lock:
            self._writer.close()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Return where the data are."""
        return f"Store({self.path!r})"


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[Transaction]:
    connection.execute(begin)
    try:
        yield Transaction(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back on its own, on a full disk for one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _claim(connection: sqlite3.Connection, path: str) -> None:
    """Make a new file the sandbox's, or find that an existing one is; a file of anybody else is not touched."""
    try:
        with _transaction(connection, "BEGIN"):
            layout = _layout_of(connection, path)
        if layout is None:
            _use_wal(connection)
        if layout != LAYOUT_VERSION:
            with _transaction(connection, "BEGIN IMMEDIATE"):
                # Another process may have been first, between the look and the lock.
                layout = _layout_of(connection, path)
                if layout is None:
                    _lay_out(connection)
                elif layout == _FIRST_LAYOUT:
                    upgrade(connection)
                    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


def _use_wal(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # The one statement for which SQLite itself does not wait until others are done with the file.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether another connection had the file locked, for longer than is waited for."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the upper bits only say which kind of busy


def _unusable(path: str, error: sqlite3.Error) -> ConfigurationError:
    return ConfigurationError(
        f"{path!r} cannot be used as a sandbox file: {error}; name another one, in a folder that exists and can be "
        "written to"
    )


def _layout_of(connection: sqlite3.Connection, path: str) -> int | None:
    """Return the version of a file's layout, None if it is new."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        return None
    if owner != _APPLICATION_ID:
        raise ConfigurationError(f"{path!r} is the database of another program; name another file for the sandbox")
    if version not in (_FIRST_LAYOUT, LAYOUT_VERSION):
        raise ConfigurationError(
            f"{path!r} was written by another version of this package (layout {version}, this one reads "
            f"{LAYOUT_VERSION}); name another file, or open it with that version"
        )
    return int(version)


def _lay_out(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
    for statement in LAYOUT:
        connection.execute(statement)
