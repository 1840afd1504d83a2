"""The choice of rows: a file of the kernel's machine, one of the browser's, or a DataFrame of the notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.tabular import known_suffixes
from intempt_nb.widgets.namespace import frame_of, frames
from intempt_nb.widgets.receiving import Receiver
from intempt_nb.widgets.uploading.arrivals import folder_for
from intempt_nb.widgets.uploading.folders import Folder, look_into, typed
from intempt_nb.widgets.uploading.model import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.widgets.uploading.running import Place

__all__ = ["Picking"]


class Picking:
    """What someone looks at while they choose.

    Parameters
    ----------
    place
        The collection that the rows are for.
    """

    def __init__(self, place: Place) -> None:
        self._folder = Folder(Path.cwd())
        self._receiver = Receiver(lambda: folder_for(place))

    def view(self) -> dict[str, Any]:
        """Return what is shown, as JSON."""
        folder = self._folder
        return {
            "folder": str(folder.path),
            "top": folder.path.parent == folder.path,
            "folders": list(folder.folders),
            "files": [list(file) for file in folder.files],
            "more": folder.more,
            "frames": [[name, *frame_of(name).shape] for name in frames()],
            "accept": ",".join(known_suffixes()),
            "receiving": self._receiver.shown(),
        }

    def look(self, folder: Path | None = None) -> None:
        """Read a folder; None for the same again."""
        self._folder = look_into(folder or self._folder.path)

    def enter(self, name: str) -> None:
        """Go into a folder of this one, or with ``..`` to its parent."""
        self.look(self._folder.path.parent if name == ".." else self._folder.path / name)

    def go(self, path: str) -> Source | None:
        """Go to the folder that was typed, or return the file."""
        found = typed(path, self._folder.path)
        if found.is_dir():
            self.look(found)
            return None
        return Source("file", found.name, found)

    def file(self, name: str) -> Source:
        """Return a file of this folder."""
        return Source("file", name, self._folder.path / name)

    def frame(self, name: str) -> Source:
        """Return a DataFrame of the notebook."""
        frame_of(name)
        return Source("frame", name)

    def begin(self, view: str, name: str, size: int) -> None:
        """Begin to receive a file of the browser's machine, from a view of the panel."""
        self._receiver.begin(view, name, size)

    def take(self, view: str, offset: int, pieces: Sequence[memoryview]) -> Source | None:
        """Take a piece of it, and return the file once it is whole."""
        path = self._receiver.take(view, offset, pieces)
        return None if path is None else Source("received", path.name, path)

    def cancel(self) -> None:
        """Forget what was received so far."""
        self._receiver.cancel()
