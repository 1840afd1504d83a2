"""A small browser of the folders on the kernel's machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intempt_nb.codecs.rows.tabular import is_known
from intempt_nb.errors import DataError

__all__ = ["Folder", "look_into", "typed"]

MOST = 500
"""Folders, and files, that are listed."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What is in a folder.

    Parameters
    ----------
    path
        The folder, absolute.
    folders
        Names of those in it.
    files
        Names and sizes of the files whose suffix is known.
    more
        How many of both are not listed.
    """

    path: Path
    folders: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    more: int = 0


def look_into(path: Path) -> Folder:
    """Return what is in a folder, by name; hidden things are left out.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    folders, files = [], []
    try:
        for each in path.iterdir():
            if each.name.startswith(".") or not _is_text(each.name):
                continue
            if each.is_dir():
                folders.append(each.name)
            elif is_known(each) and each.is_file():
                files.append((each.name, each.stat().st_size))
    except OSError as error:
        raise DataError(f"the folder {path} cannot be read: {error.strerror}") from None
    folders.sort(key=str.casefold)
    files.sort(key=lambda file: file[0].casefold())
    more = max(len(folders) - MOST, 0) + max(len(files) - MOST, 0)
    return Folder(path, tuple(folders[:MOST]), tuple(files[:MOST]), more)


def typed(text: str, folder: Path) -> Path:
    """Return the path that someone typed, seen from a folder.

    Raises
    ------
    DataError
        If there is neither a file nor a folder.
    """
    try:
        path = Path(text.strip()).expanduser()
        path = path if path.is_absolute() else folder / path
        if text.strip() and path.exists():
            return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a name too long, a home that is not known, a zero byte
        pass
    raise DataError(f"there is no file or folder {text.strip()!r}; paths begin at {folder}")


def _is_text(name: str) -> bool:
    """Return whether a name can be sent to the browser; one that the system has in another encoding cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
