"""Rows that would be there twice: keys made of content and row number are others when the content was corrected."""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.transfer.journal import read_posts
from intempt_nb.transfer.journal_files import journal_path, journals, look, read_header

if TYPE_CHECKING:
    from intempt_nb.transfer.journal_files import Run

__all__ = ["TwiceWarning", "warn_of_twice"]


class TwiceWarning(UserWarning):
    """Rows are uploaded that may be there already, under other keys."""


def warn_of_twice(folder: Path, run: Run, stacklevel: int = 1) -> str | None:
    """Warn if rows from the same place, of other content, were sent into the collection before.

    Parameters
    ----------
    folder
        The state folder.
    run
        A run whose keys are made of content and row number, and nobody asked for that; its journal is not open yet. One
        that goes on is not warned of again.
    stacklevel
        As :func:`warnings.warn` takes it: 1 for the line that calls this.

    Returns
    -------
    str or None
        What was warned of.

    Warns
    -----
    TwiceWarning
        With what to do instead.
    """
    if journal_path(folder, run.id).exists() or not any(_sent_alike(path, run) for path in journals(folder)):
        return None
    message = (
        f"{run.origin} was uploaded into {run.collection} before, with other content. Its rows bring no key, and those "
        "made for them depend on the whole content: rows that are in both will be there twice. To put rejected "
        "rows right, give them alone to report.retry. For keys that stay, delete what is there, and pass key=['…'] "
        "(columns that tell the rows apart) or key='content'"
    )
    warnings.warn(message, TwiceWarning, stacklevel=stacklevel + 1)
    return message


def _sent_alike(path: Path, run: Run) -> bool:
    """Return whether the run of a journal brought rows to the same collection, from the same place but not the same."""
    try:
        with look(path) as connection:
            header = read_header(connection)
            if header is None or not _is_alike(header.run, run, path.parent):
                return False
            return bool(read_posts(connection).accepted.any())
    except sqlite3.Error:  # under way, or damaged: nothing is known of it
        return False


def _is_alike(earlier: Run, run: Run, uploads: Path) -> bool:
    """Return whether two runs are of one file; frames may be the parts of a whole, so nothing is said of them."""
    is_file = run.path is not None and Path(run.path).parent != uploads.absolute()
    names = ("org", "host", "collection_id", "path")
    return is_file and earlier.content != run.content and all(getattr(earlier, n) == getattr(run, n) for n in names)
