"""Whether rows of a file would be in a collection twice: asked before they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.files import file_digest
from intempt_nb.transfer.jobs import place_of
from intempt_nb.transfer.options import MissingValues, UploadOptions
from intempt_nb.transfer.state import state_folder
from intempt_nb.transfer.twice import runs_of_file

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.transfer.journal_files import Run
    from intempt_nb.widgets.uploading.model import Settings
    from intempt_nb.widgets.uploading.running import Place

__all__ = ["Earlier", "earlier_runs"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The uploads of a file into a collection.

    Parameters
    ----------
    content
        SHA-256 of the file as it is now; empty where it was not uploaded before.
    runs
        What was uploaded, and whether any row was accepted.
    """

    content: str = ""
    runs: tuple[tuple[Run, bool], ...] = ()

    def is_other(self, settings: Settings) -> bool:
        """Return whether rows of other content are there, and an upload with these settings has not begun yet."""
        deciding = _deciding(settings)
        if any(run.content == self.content and dict(run.options) == deciding for run, _ in self.runs):
            return False
        return any(has_sent and run.content != self.content for run, has_sent in self.runs)


def earlier_runs(place: Place, path: Path) -> Earlier:
    """Return the uploads of a file into a collection; the file is read only if there are any."""
    base_url, org, collection_id = place
    runs = tuple(runs_of_file(state_folder(), org, place_of(base_url), collection_id, str(path.absolute())))
    return Earlier(file_digest(path), runs) if runs else Earlier()


def _deciding(settings: Settings) -> dict[str, Any]:
    return UploadOptions(
        csv=CsvOptions(**settings.csv()),
        missing=MissingValues(settings.nulls, settings.nan),
        key=settings.key,
        columns=settings.columns,
    ).deciding()
