"""A file of the browser's machine, received in pieces: binary messages with an answer for each.

ipywidgets' own FileUpload sends a file as one message and fails silently from about 10 MB on (ipywidgets#2522).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, BinaryIO

from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Receiving"]


@dataclass(slots=True)
class Receiving:
    """A file that is being received.

    Parameters
    ----------
    path
        Where it will stand once it is whole; until then it has ``.part`` behind its name.
    size
        Its bytes.
    received
        How many have come.
    """

    path: Path
    size: int
    received: int
    _file: BinaryIO

    @classmethod
    def begin(cls, folder: Path, name: str, size: int) -> Receiving:
        """Begin to receive a file; of its name only the last part counts.

        Raises
        ------
        DataError
            If that is no name of a file.
        """
        last = PureWindowsPath(PurePosixPath(name).name).name
        if last in ("", ".", "..") or "\0" in last:
            raise DataError(f"{name!r} is no name of a file")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / last
        return cls(path, size, 0, path.with_name(f"{last}.part").open("wb"))

    def take(self, offset: int, pieces: Sequence[memoryview]) -> bool:
        """Take the next piece; return whether the file is whole, and stands at `path` then.

        Raises
        ------
        DataError
            If it is not the next one, or the file becomes larger than was said.
        """
        piece = pieces[0] if pieces else memoryview(b"")
        if offset != self.received or offset + piece.nbytes > self.size:
            self.cancel()
            raise DataError(f"{self.path.name}: a piece was lost on the way from the browser; choose the file again")
        self._file.write(piece)
        self.received += piece.nbytes
        if self.received < self.size:
            return False
        self._file.close()
        Path(self._file.name).replace(self.path)
        return True

    def cancel(self) -> None:
        """Forget what has come."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)
