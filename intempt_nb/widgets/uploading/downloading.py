"""A report's rejected rows as a file: saved on the kernel's machine, or sent to the browser in pieces."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from intempt_nb.transfer.report import UploadReport

__all__ = ["Download", "rejects_name"]

PIECE_BYTES = 1 << 20


def rejects_name(report: UploadReport) -> str:
    """Return the name of a file for a report's rejected rows: of the kind of its source, if it is CSV."""
    origin = Path(report.origin)
    stem = (
        origin.name.partition(".")[0]
        if report.letters.source.dialect is not None
        else report.collection.replace("/", "-")
    )
    suffix = ".tsv" if ".tsv" in origin.suffixes else ".csv"
    return f"{stem}-rejected{suffix}"


class Download:
    """A file of rejected rows on its way to the browser; written to a place of its own, and removed by `close`.

    Parameters
    ----------
    report
        Whose rows.
    """

    def __init__(self, report: UploadReport) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="intempt-nb-"))
        try:
            self._path = self._folder / rejects_name(report)
            try:
                report.write_rejects(self._path)
            except DataError:  # nested values have no form in CSV
                if report.letters.source.dialect is not None:
                    raise
                self._path = self._path.with_suffix(".jsonl")
                report.write_rejects(self._path)
            self.size = self._path.stat().st_size
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._path.name

    def piece(self, offset: int) -> bytes:
        """Return the bytes from some place on, as many as are sent at once."""
        with self._path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE_BYTES)

    def close(self) -> None:
        """Remove the file."""
        shutil.rmtree(self._folder, ignore_errors=True)
