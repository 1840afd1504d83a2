"""A copy on disk of rows that came from no file, so that an upload can go on after the program that had them is gone.

The copy holds the very bytes that the rows' digest is of (`intempt_nb.codecs.rows.streams`), so that, opened as a
source, it has the digest that the rows had. It is not compressed: that would cost more time than it saves.
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.codecs.rows.streams import write_stream
from intempt_nb.errors import UploadError
from intempt_nb.transfer.journal_files import COPY_SUFFIX, PART_SUFFIX, explained, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["Spooled", "spool"]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A copy of rows.

    Parameters
    ----------
    path
        An Arrow IPC stream, to be opened as any file of that kind.
    digest
        The SHA-256 of the rows, and of the file, hexadecimal.
    """

    path: Path
    digest: str


def spool(rows: pa.Table | pa.RecordBatchReader, folder: Path, look: Callable[[], None] = lambda: None) -> Spooled:
    """Write a copy of rows into the state folder, with a name of its own: no other upload needs it.

    Parameters
    ----------
    rows
        A reader is read to its end, a block of rows at a time.
    folder
        The state folder.
    look
        Called from time to time; what it raises ends the copy.

    Raises
    ------
    DataError
        If the rows cannot be read, or Arrow cannot write such columns.
    UploadError
        If there is no room for the copy, or the folder cannot be written.
    """
    uploads = make_folder(folder)
    with explained(uploads):
        handle, name = tempfile.mkstemp(suffix=PART_SUFFIX, dir=uploads)  # readable by its owner only
    part, digest = Path(name), hashlib.sha256()

    def write(data: bytes) -> None:
        look()
        digest.update(data)
        left = memoryview(data)
        try:
            while left:  # a disk that is nearly full takes a part, and says so with the rest only
                left = left[file.write(left) :]
        except OSError as error:
            raise _error(error, uploads) from error

    try:
        # Not buffered: what could not be written would be tried again when it is closed, and be an error of its own.
        with open(handle, "wb", buffering=0) as file:
            write_stream(rows, write)
        with explained(uploads):
            name = f"{digest.hexdigest()[:32]}-{secrets.token_hex(4)}{COPY_SUFFIX}"
            return Spooled(part.replace(uploads / name), digest.hexdigest())
    finally:
        part.unlink(missing_ok=True)


def _error(error: OSError, folder: Path) -> UploadError:
    return UploadError(
        f"the copy of the rows, which lets an upload go on later, cannot be written ({error.strerror}): {folder}. If "
        "the disk or a quota is full, free some space, or set the environment variable INTEMPT_NB_STATE to a folder on "
        "another disk. Nothing was sent"
    )
