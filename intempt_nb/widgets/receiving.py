"""A file of the browser's machine, received in pieces: binary messages with an answer for each.

ipywidgets' own FileUpload sends a file as one message and fails silently from about 10 MB on (ipywidgets#2522).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO

from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Receiver"]


@dataclass(slots=True)
class _Arrival:
    """A file that is on its way.

    Parameters
    ----------
    view
        Who sends it.
    path
        Where it will stand once it is whole; until then it has ``.part`` behind its name.
    size, received
        Its bytes, and how many have come.
    """

    view: str
    path: Path
    size: int
    file: BinaryIO
    received: int = 0


class Receiver:
    """Receives one file at a time, from one view of a panel.

    Parameters
    ----------
    folder
        Returns where the next file is to stand, and makes that folder if need be.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._arrival: _Arrival | None = None

    def shown(self) -> dict[str, Any] | None:
        """Return how far a file has come, as JSON; None if there is none."""
        coming = self._arrival
        if coming is None:
            return None
        return {"name": coming.path.name, "size": coming.size, "received": coming.received}

    def begin(self, view: str, name: str, size: object) -> None:
        """Begin to receive a file, in the place of another one; of its name only the last part counts.

        Raises
        ------
        DataError
            If that is no name of a file or no size, or the file cannot be kept.
        """
        last = PureWindowsPath(PurePosixPath(name).name).name
        if last in ("", ".", "..") or "\0" in last:
            raise DataError(f"{shorten(name)!r} is no name of a file")
        if not isinstance(size, int) or size < 0:
            raise DataError(f"{shorten(repr(size))} is no size of a file")
        self.cancel()
        try:
            path = self._folder() / last
            self._arrival = _Arrival(view, path, size, path.with_name(f"{last}.part").open("wb"))
        except OSError as error:
            raise DataError(f"{shorten(last)} cannot be kept: {error.strerror}") from None

    def take(self, view: str, offset: int, pieces: Sequence[memoryview]) -> Path | None:
        """Take the next piece; return the file once it is whole. What another view sends of its own is left out.

        Raises
        ------
        DataError
            If it is not the next one, the file becomes larger than was said, or cannot be kept.
        """
        coming = self._arrival
        if coming is None or coming.view != view:
            return None
        piece = pieces[0] if pieces else memoryview(b"")
        if offset != coming.received or offset + piece.nbytes > coming.size:
            self.cancel()
            raise DataError(f"{coming.path.name}: a piece was lost on the way from the browser; choose the file again")
        try:
            coming.file.write(piece)
            coming.received += piece.nbytes
            if coming.received < coming.size:
                return None
            coming.file.close()
            self._arrival = None
            return Path(coming.file.name).replace(coming.path)
        except OSError as error:
            self._arrival = coming
            self.cancel()
            raise DataError(f"{coming.path.name} cannot be kept: {error.strerror}") from None

    def cancel(self) -> None:
        """Forget what has come, and the folder if nothing else is in it."""
        coming = self._arrival
        if coming is None:
            return
        self._arrival = None
        with suppress(OSError):
            coming.file.close()  # what could not be written is tried once more
        with suppress(OSError):
            Path(coming.file.name).unlink()
            coming.path.parent.rmdir()
