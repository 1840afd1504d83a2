"""Anything tabular → planned batches → posts → `UploadReport`.

The rows are checked and converted here first, so that a bad row costs no request. What is sent is written to a journal
before and after, so that the same call, made again, goes on where this one broke off.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from intempt_nb.api import endpoints
from intempt_nb.errors import (
    ApiError,
    DataError,
    DeliveryUnknownError,
    IntemptError,
    TransportError,
    UploadInterrupted,
)
from intempt_nb.transfer.batches import Routing
from intempt_nb.transfer.control import progress_of, serving
from intempt_nb.transfer.delivery import PATIENCE
from intempt_nb.transfer.jobs import make_job
from intempt_nb.transfer.journal import Journal
from intempt_nb.transfer.journal_files import remove_copies
from intempt_nb.transfer.outgoing import Outgoing
from intempt_nb.transfer.pacing import Pace
from intempt_nb.transfer.progress import Progress
from intempt_nb.transfer.state import state_folder
from intempt_nb.transfer.tally import Tally
from intempt_nb.transfer.twice import warn_of_twice
from intempt_nb.transfer.unkept import Unkept

if TYPE_CHECKING:
    from intempt_nb.api.transport import Transport
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.jobs import Job
    from intempt_nb.transfer.journal import Run
    from intempt_nb.transfer.options import Target, UploadOptions
    from intempt_nb.transfer.pacing import Pacer
    from intempt_nb.transfer.report import Again, UploadReport

__all__ = ["upload"]


def upload(
    transport: Transport,
    target: Target,
    source: Any,
    options: UploadOptions,
    *,
    dry_run: bool = False,
    resume: bool = True,
    fixed: bool = False,
    retry_of: str | None = None,
    control: UploadControl | None = None,
    kept: bool = True,
    pace: Pacer | None = None,
    group: str | None = None,
) -> UploadReport:
    """Upload rows into a collection through the bulk endpoint.

    What ends an upload that had begun carries the report so far, and a note on how to go on.

    Parameters
    ----------
    transport
        The connection.
    target
        The collection.
    source
        The rows, as :func:`intempt_nb.codecs.rows.tabular.open_tabular` takes them.
    options
        How.
    dry_run
        Check and plan, send no row. The time is estimated from how long that took, and from one small request: it is
        the least that the upload can take.
    resume
        Whether rows that an earlier run of the same upload has brought are left out; otherwise all are sent again.
    fixed
        Whether the rows are of an earlier upload with these options, put right: no file then, or one of another kind,
        is read as if its cells came from that CSV.
    retry_of
        The run of that earlier upload, which stays the last one that went into the collection.
    control
        May have it wait or end, and sees how far it came; None for nobody.
    kept
        Whether a journal is kept, and rows that are in no file are copied to one. Otherwise an upload that breaks off
        is made again from its first row.
    pace
        When a request may begin; None for what all uploads of this machine go by.
    group
        Which uploads this one goes side by side with, and the call they are of, as `Run` has it; None if with none.

    Returns
    -------
    UploadReport
        Counts and rejects.

    Raises
    ------
    DataError
        Before anything is sent: the source cannot be opened, a required field has no column. While sending: a column is
        of the wrong kind, or the source cannot be read on.
    ApiError, TransportError, DeliveryUnknownError
        If the server cannot be used (wrong key, not found, no answer for two minutes).
    UploadError
        If the journal cannot be kept, the deadline has passed, the source has changed in the meantime, or the control
        serves another upload.
    UploadInterrupted
        After Ctrl-C: the first waits for the requests under way, a second one does not. If the control was cancelled.

    Warns
    -----
    TwiceWarning
        If the file was uploaded before with other content, and has no keys of its own.
    """
    begun = time.monotonic()
    with serving(control) as served:
        noted = kept and not dry_run
        job = make_job(target, source, options, copied=noted, fixed=fixed, look=served._check)
        run = _run(transport, job, retry_of, group) if noted else None

        def again(rows: Any, control: UploadControl | None) -> UploadReport:
            retried = None if run is None else run.id
            return upload(
                transport, target, rows, options, fixed=True, retry_of=retried, control=control, kept=kept, pace=pace
            )

        if dry_run:
            return _plan(transport, job, again, served)
        if run is not None and job.is_keyed_unasked:
            served._warned = warn_of_twice(state_folder(), run, stacklevel=3)
        report = _upload(transport, job, run, again, served, pace, resume=resume, begun=begun)
    if job.is_copy:  # kept for as long as the report may be asked for rejected rows
        finalize(report.letters, job.discard)
    return report


def _run(transport: Transport, job: Job, retry_of: str | None, group: str | None) -> Run:
    """Return what identifies an upload; its copy of rows goes if that cannot be made out."""
    try:
        return job.run(transport.org, transport.base_url, retry_of, group)
    except BaseException:
        job.discard()
        raise


def _plan(transport: Transport, job: Job, again: Again, control: UploadControl) -> UploadReport:
    """Check and plan, send no row."""
    started, tally = time.perf_counter(), Tally()
    control._watch(lambda: progress_of(job.source.length, tally))
    with (
        closing(tally.repeats),
        closing(job.batches(Routing(job.options.workers), tally, control._hold)) as batches,
        Progress(job.source.length, job.options.progress) as progress,
    ):
        try:
            for _, batch in batches:
                tally.requests += 1
                tally.sent_bytes += batch.body_bytes(job.target.collection)
                progress.reach(tally.rows)
            progress.reach(tally.rows)
            control._watch(lambda: progress_of(tally.rows, tally))
            here = time.perf_counter() - started
            trip = _round_trip(transport, job)
            control._check()
        except UploadInterrupted as cancelled:
            cancelled.report = replace(job.report(tally, started, again), dry_run=True, complete=False)
            raise
        report = job.report(tally, started, again)
    estimate = None if trip is None else max(here, trip * tally.requests / job.options.workers)
    return replace(report, dry_run=True, estimated_seconds=estimate)


def _round_trip(transport: Transport, job: Job) -> float | None:
    """Return the seconds that a small request takes now; None if the server does not answer."""
    asked = time.perf_counter()
    try:
        endpoints.get_collection(transport, job.target.collection_id)
    except (ApiError, TransportError):
        return None
    return time.perf_counter() - asked


def _upload(
    transport: Transport,
    job: Job,
    run: Run | None,
    again: Again,
    control: UploadControl,
    pace: Pacer | None,
    *,
    resume: bool,
    begun: float,
) -> UploadReport:
    """Read, check and send; without a run, nothing is noted."""
    started = time.perf_counter()
    with (
        closing(_open_journal(run, job, resume=resume)) as journal,
        closing(Tally()) as tally,
        Progress(job.source.length, job.options.progress) as progress,
    ):
        pace = Pace(state_folder(), transport.base_url, longest_pause=PATIENCE) if pace is None else pace
        outgoing = Outgoing(transport, job, journal, pace, tally, progress, begun, control)

        def report() -> UploadReport:
            made = job.report(outgoing.tally_so_far(), started, again)
            earlier = journal.started if journal.resumed else None
            return replace(made, run=None if run is None else run.id, earlier=earlier, troubles=outgoing.troubles)

        try:
            outgoing.send(job.batches(outgoing.routing(), tally, control._check))
            journal.finish()
            return report()
        except KeyboardInterrupt as error:
            cancelled = isinstance(error, UploadInterrupted)
            interrupted = UploadInterrupted(f"the upload was {'cancelled' if cancelled else 'interrupted'}")
            _tell(interrupted, replace(report(), complete=False), job, resume=resume)
            raise interrupted from None
        except IntemptError as error:
            _tell(error, replace(report(), complete=False), job, resume=resume)
            raise


def _open_journal(run: Run | None, job: Job, *, resume: bool) -> Journal | Unkept:
    """Open the journal; the copy that it named before is not needed any more, nor this one's if it cannot be opened."""
    if run is None:
        return Unkept(job.options.workers)
    folder, anew = state_folder(), job.options.delivery.on_unknown == "repost"
    try:
        journal = Journal.open(folder, run, lanes=job.options.workers, resume=resume, anew=anew)
    except BaseException:
        job.discard()
        raise
    if journal.former_path is not None:
        remove_copies(folder / "uploads", [Path(journal.former_path)])
    return journal


def _tell(error: IntemptError | UploadInterrupted, report: UploadReport, job: Job, *, resume: bool) -> None:
    """Put the report so far on an error, and how to go on."""
    error.report = report
    if report.accepted:
        error.add_note(f"Before this, {report.accepted:,} rows were accepted, and they stay: see error.report.")
    if isinstance(error, DataError) or job.has_changed():
        return  # the same would happen again
    if isinstance(error, DeliveryUnknownError) and job.options.delivery.on_unknown == "raise":
        error.add_note("To go on, make the same call with on_unknown='repost' or 'skip'.")
    elif report.requests or report.accepted:
        error.add_note(f"Make the same call again{'' if resume else ', without resume=False,'} to go on from there.")
