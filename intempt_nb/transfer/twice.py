"""Rows that would be there twice: keys made of content and row number are others when the content was corrected."""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.transfer.journal import read_posts
from intempt_nb.transfer.journal_files import journal_path, journals, look, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.transfer.journal_files import Run

__all__ = ["TwiceWarning", "runs_of_file", "warn_of_twice"]


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
    if journal_path(folder, run.id).exists() or not _was_sent_otherwise(folder, run):
        return None
    message = (
        f"{run.origin} was uploaded into {run.collection} before, with other content. Its rows bring no key, and those "
        "made for them depend on the whole content: rows that are in both will be there twice. To put rejected "
        "rows right, give them alone to report.retry. For keys that stay, delete what is there, and pass key=['…'] "
        "(columns that tell the rows apart) or key='content'"
    )
    warnings.warn(message, TwiceWarning, stacklevel=stacklevel + 1)
    return message


def runs_of_file(folder: Path, org: str, host: str, collection_id: str, path: str) -> Iterator[tuple[Run, bool]]:
    """Yield the runs that uploaded a file into a collection, whatever it held, and whether any row was accepted.

    Parameters
    ----------
    folder
        The state folder.
    org, host, collection_id, path
        As a run has them.
    """
    wanted = (org, host, collection_id, path)
    for journal in journals(folder):
        try:
            with look(journal) as connection:
                header = read_header(connection)
                if header is None:
                    continue
                run = header.run
                if (run.org, run.host, run.collection_id, run.path) == wanted:
                    yield run, bool(read_posts(connection).accepted.any())
        except sqlite3.Error:  # under way, or damaged: nothing is known of it
            continue


def _was_sent_otherwise(folder: Path, run: Run) -> bool:
    """Return whether a run's file brought rows before, of other content.

    Frames may be the parts of a whole, so nothing is said of them.
    """
    if run.path is None or Path(run.path).parent == (folder / "uploads").absolute():
        return False
    earlier = runs_of_file(folder, run.org, run.host, run.collection_id, run.path)
    return any(has_sent and each.content != run.content for each, has_sent in earlier)
