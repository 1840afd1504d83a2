"""The folder of journals: what a run is, whose file is whose, what one says of itself, and which may go.

``uploads/<id>.db`` is a run's journal; ``uploads/<digest>-<random>.arrow`` a copy of rows that came from no file; and
``uploads/last/…`` holds for each collection the id of the run that sent into it last, which tells without a clock
whether what an earlier run sent is still what the collection has.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from intempt_nb.errors import UploadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "COPY_SUFFIX",
    "FORMAT",
    "PART_SUFFIX",
    "Header",
    "Run",
    "connect",
    "explained",
    "fault_of",
    "in_group",
    "journal_path",
    "journals",
    "last_run",
    "look",
    "look_past",
    "make_folder",
    "note_last",
    "read_header",
    "remove",
    "remove_copies",
    "tidy",
]

FORMAT: Final = 1
COPY_SUFFIX: Final = ".arrow"
PART_SUFFIX: Final = ".part"

KEPT_DAYS: Final = 30
"""Finished runs, and copies of rows that no run needs, are removed when they are older."""

BUSY_TIME: Final = 1.0
"""Seconds to wait for a journal that someone has open: a listing takes far less, an upload far more."""

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says where a disk is full, a quota used up, a file too large for a limit, a disk broken."""

_DAY: Final = 86_400.0

Fault: TypeAlias = Literal["locked", "damaged", "full", "not writable"]

_FAULTS: Final[Mapping[int, Fault]] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "full",
    sqlite3.SQLITE_READONLY: "not writable",
    sqlite3.SQLITE_CANTOPEN: "not writable",
    sqlite3.SQLITE_PERM: "not writable",
}
"""What SQLite's errors mean; all others, that the file does not hold what it should."""

_NOT_IDENTITY: Final = ("origin", "path", "base_url", "retry_of", "on_unknown", "group")


@dataclass(frozen=True)
class Run:
    """What an upload is: the same rows into the same place in the same way are the same run.

    Parameters
    ----------
    content
        SHA-256 of the source, hexadecimal.
    columns
        Its columns.
    schema
        The Avro schema as it is sent, as JSON text.
    org, host, collection_id, collection, source_id, key
        Where the rows go; `key` names the fields of the primary identifier.
    options
        What else decides what is sent, as keyword arguments of an upload; JSON can hold it.
    origin, path, base_url
        Where the rows came from and went to, for people, and to go on from the command line. `path` is absolute, and
        that of the copy where the rows came from no file. They are not part of the identity.
    retry_of
        The id of the upload whose rejected rows these are, put right; of a retry of a retry, still that of the first.
        None for all others. It belongs to that upload, and does not overwrite it. Not part of the identity.
    on_unknown
        What becomes of rows in doubt when it is gone on with from the command line. Not part of the identity.
    group
        Which runs it goes side by side with, and which call of theirs was the first, ``"group:call"``: they do not
        overwrite each other. None for a run of its own. Not part of the identity.
    """

    content: str
    columns: tuple[str, ...]
    schema: str
    org: str
    host: str
    collection_id: str
    collection: str
    source_id: str
    key: tuple[str, ...]
    options: Mapping[str, Any]
    origin: str
    path: str | None
    base_url: str
    retry_of: str | None = None
    on_unknown: str = "repost"
    group: str | None = None

    @cached_property
    def id(self) -> str:
        """32 hexadecimal digits that stand for everything that decides what is sent."""
        deciding = {name: value for name, value in self._values().items() if name not in _NOT_IDENTITY}
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]

    def to_json(self) -> str:
        """Return the run as text."""
        return json.dumps(self._values())

    def _values(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"options": dict(self.options)}

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Read what `to_json` wrote."""
        told = json.loads(text)
        values = {each.name: told[each.name] for each in fields(cls) if each.name in told}
        return cls(**{**values, "columns": tuple(values["columns"]), "key": tuple(values["key"])})


@dataclass(frozen=True, slots=True)
class Header:
    """What a journal says of its run."""

    run: Run
    lanes: int
    started: datetime
    finished: datetime | None


def fault_of(error: sqlite3.Error) -> Fault:
    """Return what an error of SQLite means for a journal."""
    return _FAULTS.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF, "damaged")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the file system into one that says what to do.

    Raises
    ------
    UploadError
        In their place.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise UploadError(_message(path, fault_of(error), str(error))) from error
    except OSError as error:
        fault: Fault = "full" if error.errno in _NO_SPACE else "not writable"
        raise UploadError(_message(path, fault, error.strerror or str(error))) from error


def _message(path: Path, fault: Fault, told: str) -> str:
    match fault:
        case "locked":
            return (
                "this upload is under way in another process, notebook or thread; wait for it, or stop that one "
                f"(its journal is {path})"
            )
        case "damaged":
            return (
                f"the journal of this upload cannot be read ({told}): {path}. Upload with resume=False to send every "
                f"row again, or remove it: intempt-nb uploads forget {path.stem}"
            )
        case "full":
            return (
                f"the journal of this upload cannot be written ({told}): {path}. If the disk or a quota is full, free "
                "some space, then run the same again: it goes on from where it came to"
            )
        case "not writable":
            return (
                f"the journal of this upload cannot be opened for writing ({told}): {path}. Make that possible, or set "
                "the environment variable INTEMPT_NB_STATE to another folder"
            )


def make_folder(folder: Path) -> Path:
    """Return the folder of journals in the state folder; made if it is not there."""
    uploads = folder / "uploads"
    with explained(uploads):
        uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    return uploads


def journal_path(folder: Path, run_id: str) -> Path:
    """Return where a run's journal is in the state folder."""
    return folder / "uploads" / f"{run_id}.db"


def journals(folder: Path) -> list[Path]:
    """Return the journals that there are in the state folder."""
    return sorted((folder / "uploads").glob("*.db"))


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal for this connection alone; made if it is not there. It is readable by its owner only."""
    # Made here: SQLite would make it for everybody to read. Opened anew where it exists, closing it would end the lock
    # that another thread has on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIME,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("pages do not fit together")
        _with_suffix(path, "-shm").unlink(missing_ok=True)  # a listing's; nobody else can have it in use now
    except BaseException:
        connection.close()
        raise
    return connection


def read_header(connection: sqlite3.Connection) -> Header | None:
    """Return what a journal says of its run; None if nothing was begun.

    Raises
    ------
    sqlite3.Error
        If it cannot be read, or this version does not understand it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        return None
    if version != FORMAT:
        raise sqlite3.DatabaseError(f"it is of version {version}, this package reads version {FORMAT}")
    row = connection.execute("SELECT about, lanes, started, finished FROM run").fetchone()
    if row is None:
        return None
    about, lanes, started, finished = row
    try:
        ended = None if finished is None else datetime.fromisoformat(finished)
        return Header(Run.from_json(about), lanes, datetime.fromisoformat(started), ended)
    except (KeyError, TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"what it says of the upload cannot be read: {error}") from error


@contextmanager
def look(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal to read it, without a trace and without waiting for who has it open.

    Raises
    ------
    sqlite3.Error
        If that cannot be.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
        yield connection


def look_past(path: Path) -> Header | None:
    """Return what the journal of an upload that is under way says of it; None if that cannot be made out.

    It was written before the upload began to send, and is read without a lock: nothing else there can be relied on.
    """
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection,
    ):
        return read_header(connection)
    return None


def last_run(folder: Path, run: Run) -> str | None:
    """Return the run that sent last into a run's collection, or its group; None if that is not known."""
    try:
        return _last(folder, run).read_text(encoding="ascii")
    except OSError:
        return None


def in_group(folder: Path, run: Run) -> Run:
    """Return a run as one of an earlier call of its group, if nobody else has sent into the collection since."""
    last = last_run(folder, run)
    if run.group is None or last is None or last.partition(":")[0] != run.group.partition(":")[0]:
        return run
    return replace(run, group=last)


def note_last(folder: Path, run: Run) -> None:
    """Note that a run, or its group, is the last to send into its collection."""
    path = _last(folder, run)
    with explained(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=PART_SUFFIX, dir=path.parents[1])
        try:
            try:
                os.write(handle, (run.group or run.id).encode("ascii"))
            finally:
                os.close(handle)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _last(folder: Path, run: Run) -> Path:
    target = json.dumps([run.org, run.host, run.collection_id])
    return folder / "uploads" / "last" / hashlib.sha256(target.encode()).hexdigest()[:32]


def remove(path: Path) -> None:
    """Remove a journal, and the copy of rows that only its run needs.

    Raises
    ------
    UploadError
        If its upload is under way.
    """
    with explained(path):
        try:
            with look(path) as connection:  # refused while its upload is under way
                header = read_header(connection)
        except sqlite3.Error as error:
            if fault_of(error) != "damaged":
                raise
            header = None
        for suffix in ("", "-wal", "-shm", "-journal"):
            _with_suffix(path, suffix).unlink(missing_ok=True)
        if header is not None and header.run.path is not None:
            remove_copies(path.parent, [Path(header.run.path)])


def tidy(folder: Path) -> None:
    """Remove finished runs and copies of rows that no run needs after `KEPT_DAYS`, and what killed processes left.

    Unfinished runs stay until they are forgotten by hand.
    """
    uploads = folder / "uploads"
    now = time.time()
    with suppress(OSError):  # what another process removed in the meantime, and folders that cannot be read
        old = [each for each in uploads.iterdir() if now - each.stat().st_mtime > KEPT_DAYS * _DAY]
        for path in old:
            if path.suffix == ".db" and _is_finished(path):
                with suppress(UploadError):
                    remove(path)
        remove_copies(uploads, [path for path in old if path.suffix == COPY_SUFFIX])
        for path in uploads.glob(f"*{PART_SUFFIX}"):
            if now - path.stat().st_mtime > _DAY:
                path.unlink(missing_ok=True)


def _is_finished(path: Path) -> bool:
    try:
        with look(path) as connection:
            header = read_header(connection)
    except sqlite3.Error:
        return False
    return header is not None and header.finished is not None


def remove_copies(uploads: Path, copies: list[Path]) -> None:
    """Remove copies of rows, unless a run goes on with them, or may: a journal that cannot be read does not say."""
    chosen = {path for path in copies if path.parent == uploads and path.suffix == COPY_SUFFIX}
    if not chosen:
        return
    for journal in uploads.glob("*.db"):
        try:
            with look(journal) as connection:
                header = read_header(connection)
        except sqlite3.Error:
            return
        if header is not None and header.finished is None and header.run.path is not None:
            chosen.discard(Path(header.run.path))
    for path in chosen:
        path.unlink(missing_ok=True)


def _with_suffix(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
