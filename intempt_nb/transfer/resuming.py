"""An upload that was broken off, gone on with by its id: from the file as it was, or from the copy of its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.codecs.rows.files import file_digest, missing_file
from intempt_nb.codecs.rows.tabular import is_csv
from intempt_nb.errors import UploadError
from intempt_nb.transfer.control import UploadControl
from intempt_nb.transfer.jobs import SourceChangedError, options_of, place_of
from intempt_nb.transfer.upload import upload

if TYPE_CHECKING:
    from intempt_nb.api.transport import Transport
    from intempt_nb.transfer.journal_files import Run
    from intempt_nb.transfer.options import Target
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.transfer.runs import UploadRun

__all__ = ["require_place", "resume_run", "run_of"]


def run_of(found: UploadRun) -> Run:
    """Return what an upload is.

    Raises
    ------
    UploadError
        If its journal does not say so.
    """
    if found.run is None:
        raise UploadError(f"the upload {found.id} is {found.state}, so it cannot be gone on with")
    return found.run


def require_place(run: Run, base_url: str) -> None:
    """Raise `UploadError` if an upload went to another server than the one at an address."""
    if run.host != place_of(base_url):
        raise UploadError(f"the upload {run.id} went to {run.host}, not to {base_url}")


def resume_run(
    transport: Transport,
    target: Target,
    found: UploadRun,
    *,
    workers: int,
    progress: bool | None,
    control: UploadControl | None,
) -> UploadReport:
    """Go on with an upload, with the options that it had.

    Parameters
    ----------
    transport, target
        Where it went.
    found
        The upload.
    workers, progress, control
        As :func:`intempt_nb.transfer.upload.upload` has them.

    Raises
    ------
    DataError, UploadError
        If its rows are not there any more, or it went elsewhere; as an upload raises them.
    """
    run = run_of(found)
    require_place(run, transport.base_url)
    if (run.org, run.collection_id) != (transport.org, target.collection_id):
        raise UploadError(f"the upload {run.id} went to {run.collection} of {run.org}; resume it from that collection")
    control = UploadControl() if control is None else control
    path = _unchanged(run, control)
    options = replace(options_of(run), workers=workers, progress=progress)
    # A copy of rows may be of some that were put right, and be read as they were: as cells of a CSV.
    return upload(transport, target, path, options, fixed=not is_csv(path), control=control)


def _unchanged(run: Run, control: UploadControl) -> Path:
    """Return the file of an upload if it is what it was."""
    if run.path is None:
        raise UploadError(f"the rows came from {run.origin}, and there is no copy of them; upload them again instead")
    path = Path(run.path)
    if not path.is_file():
        raise missing_file(path)
    if file_digest(path, control._check) != run.content:
        raise SourceChangedError(
            f"{path} is not what it was when the upload began, so it cannot go on. Upload the file as another one, or "
            "put the old one back"
        )
    return path
