"""A folder of files that is there whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.analysis.bundles.predict import FORMAT
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["put"]


def put(folder: Path, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write files into a folder that appears when all are written.

    Parameters
    ----------
    folder
        Where; its parents are made.
    files
        Names and bytes.
    overwrite
        Whether a bundle that is there may be replaced.

    Raises
    ------
    DataError
        If something else is there, or a bundle and `overwrite` is false; nothing is changed then.
    """
    folder = folder.absolute()
    _refuse_others(folder, overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new, old = aside / "new", aside / "old"
        new.mkdir()
        for name, content in files.items():
            with (new / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_others(folder: Path, overwrite: bool) -> None:
    if folder.is_symlink():
        raise DataError(f"{folder} is a link to {folder.readlink()}; give the folder itself: {folder.resolve()}")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        named = {"manifest.json", "__pycache__", *manifest["files"]} if manifest["format"] == FORMAT else set()
    except (OSError, ValueError, KeyError, TypeError):
        named = set()
    if not named:
        raise DataError(f"{folder} is there and is no model bundle; it is left alone, choose another folder")
    others = sorted(each.name for each in folder.iterdir() if each.name not in named)
    if others:
        raise DataError(
            f"{folder} is a model bundle, and has other files in it ({', '.join(others[:5])}); move them away"
        )
    if not overwrite:
        raise DataError(f"{folder} is a model bundle already; overwrite=True replaces it")
