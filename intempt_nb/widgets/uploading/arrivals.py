"""Where files of the browser's machine are kept until they are uploaded: beside the journals, to be gone on with.

A file lies at ``received/<collection>/<number>/<name>``. The number is the first that is free, nearly always 0, so that
the same name stands at the same place each time: by its place it is seen that a file was uploaded before.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from intempt_nb.transfer.runs import uploads
from intempt_nb.transfer.state import state_folder

__all__ = ["folder_for", "release"]

KEPT_SECONDS = 86_400.0
"""A file that no upload needs is removed when it is older: its kernel was killed, or someone still looks at it."""


def folder_for(target: tuple[str, ...]) -> Path:
    """Make an empty folder for a file that is to go into a collection, and remove what was left behind.

    Parameters
    ----------
    target
        What names the collection.
    """
    root = _root()
    digest = hashlib.sha256(json.dumps(target).encode()).hexdigest()[:16]
    _tidy(root)
    for number in count():
        folder = root / digest / str(number)
        with suppress(FileExistsError):
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            return folder
    raise AssertionError  # the numbers do not end


def release(path: Path) -> None:
    """Remove a received file, unless an upload goes on with it, or may; other files are left alone."""
    if _root() in path.parents and path not in _needed():
        shutil.rmtree(path.parent, ignore_errors=True)


def _root() -> Path:
    return state_folder() / "received"


def _needed() -> set[Path]:
    """Return the files of uploads that are not finished."""
    return {
        Path(each.run.path)
        for each in uploads()
        if each.state != "finished" and each.run is not None and each.run.path is not None
    }


def _tidy(root: Path) -> None:
    """Remove what no upload needs, and is old."""
    old = [each for each in root.glob("*/*") if time.time() - each.stat().st_mtime > KEPT_SECONDS]
    needed = {path.parent for path in _needed()} if old else set()
    for folder in old:
        if folder not in needed:
            shutil.rmtree(folder, ignore_errors=True)
