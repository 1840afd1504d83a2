"""Anything tabular → planned batches → posts → `UploadReport`.

The rows are checked and converted here first, so that a bad row costs no request. What is sent is written to a journal
before and after, so that the same call, made again, goes on where this one broke off.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import replace
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

from intempt_nb.api import endpoints
from intempt_nb.errors import IntemptError, UploadError, UploadInterrupted
from intempt_nb.transfer.batches import Routing
from intempt_nb.transfer.delivery import PATIENCE, Courier
from intempt_nb.transfer.jobs import make_job
from intempt_nb.transfer.journal import Journal
from intempt_nb.transfer.lanes import Lanes
from intempt_nb.transfer.pacing import Pace
from intempt_nb.transfer.sending import Sender, interval_of
from intempt_nb.transfer.state import state_folder
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from intempt_nb.api.transport import Transport
    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.transfer.batches import Batch
    from intempt_nb.transfer.jobs import Job
    from intempt_nb.transfer.options import Target, UploadOptions
    from intempt_nb.transfer.report import Again, UploadReport

__all__ = ["upload"]

AHEAD = 16
"""Batches that are noted in the journal at once."""


def upload(
    transport: Transport,
    target: Target,
    source: Any,
    options: UploadOptions,
    *,
    dry_run: bool = False,
    resume: bool = True,
    fixed: bool = False,
) -> UploadReport:
    """Upload rows into a collection through the bulk endpoint.

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
        If the journal cannot be kept, the deadline has passed, or the source has changed in the meantime.
    UploadInterrupted
        After Ctrl-C: the first waits for the requests under way, a second one does not.

    All of an upload that had begun carry the report so far, and a note on how to go on.
    """

    def again(rows: Any) -> UploadReport:
        return upload(transport, target, rows, options, fixed=True)

    job = make_job(target, source, options, copied=not dry_run, fixed=fixed)
    if dry_run:
        return _plan(transport, job, again)
    report = _upload(transport, job, again, resume=resume)
    if job.is_copy:  # kept for as long as the report may be asked for rejected rows
        finalize(report.letters, _remove, job.source, job.stamp)
    return report


def _remove(copy: Tabular, stamp: tuple[int, int] | None) -> None:
    """Remove a copy, unless another upload of the same rows has replaced it by its own."""
    if copy.path is not None and copy.stamp() == stamp:
        copy.path.unlink(missing_ok=True)


def _plan(transport: Transport, job: Job, again: Again) -> UploadReport:
    """Check and plan, send no row."""
    started, tally = time.perf_counter(), Tally()
    with closing(tally.repeats), closing(job.batches(Routing(job.workers), tally)) as batches:
        for _, batch in batches:
            tally.requests += 1
            tally.sent_bytes += batch.body_bytes(job.target.collection)
        here, asked = time.perf_counter() - started, time.perf_counter()
        endpoints.get_collection(transport, job.target.collection_id)
        there = (time.perf_counter() - asked) * tally.requests / job.workers
        report = job.report(tally, started, again)
    return replace(report, dry_run=True, estimated_seconds=max(here, there))


def _upload(transport: Transport, job: Job, again: Again, *, resume: bool) -> UploadReport:
    """Read, check and send."""
    started = time.perf_counter()
    folder = state_folder()
    run = job.run(transport.org, transport.base_url)
    with (
        closing(Journal.open(folder, run, lanes=job.workers, resume=resume)) as journal,
        closing(Tally()) as tally,
    ):
        outgoing = _Outgoing(transport, job, journal, Pace(folder, transport.base_url, longest_pause=PATIENCE), tally)

        def report() -> UploadReport:
            made = job.report(outgoing.tally_so_far(), started, again)
            return replace(made, run=run.id, earlier=journal.started if journal.resumed else None)

        try:
            outgoing.send(job.batches(outgoing.routing(), tally))
            # Another upload of the same rows may have replaced the copy by its own.
            if not job.is_copy and job.source.stamp() != job.stamp:
                raise UploadError(
                    f"{job.source.origin} has changed while it was uploaded; upload it again as it is now"
                )
            journal.finish()
        except KeyboardInterrupt:
            interrupted = UploadInterrupted("the upload was interrupted")
            _tell(interrupted, replace(report(), complete=False))
            raise interrupted from None
        except IntemptError as error:
            _tell(error, replace(report(), complete=False))
            raise
        return report()


class _Outgoing:
    """The part of an upload that talks to the server."""

    def __init__(self, transport: Transport, job: Job, journal: Journal, pace: Pace, tally: Tally) -> None:
        self._job = job
        self._journal = journal
        self._stop = Event()
        courier = Courier(transport, job.target.source_id, pace, job.options.delivery, self._stop)
        self._sender = Sender(job.target, courier, journal, job.options.delivery, self._stop)
        self._read = tally
        self._sent = Tally()
        self._lock = Lock()
        self._waiting: Callable[[int], list[tuple[int, Batch]]] = lambda count: []

    def routing(self) -> Routing:
        """Return which rows go out; what is known of the others is noted."""
        journal = self._journal
        self._read.reject_known(journal.known.rejects)
        known = journal.known if journal.resumed else None
        return Routing(journal.lanes, known, self._job.options.delivery.on_unknown, journal.leave_out)

    def send(self, batches: Generator[tuple[int, Batch]]) -> None:
        """Send all batches."""
        workers = self._job.workers
        lanes: Lanes[Batch] = Lanes(self._journal.lanes, workers, self._work, self._stop, _say_draining)
        self._waiting = lanes.waiting
        # Closed here, a file and threads do not stay for as long as someone keeps an error.
        try:
            with closing(batches), lanes:
                for lane, batch in batches:
                    lanes.put(lane, batch, batch.body_bytes(self._job.target.collection))
        finally:
            for lane, batch in lanes.waiting():
                self._journal.withdraw(*interval_of(lane, batch))

    def _work(self, lane: int, batch: Batch) -> None:
        tally = Tally()
        try:
            self._begin(lane, batch)
            self._sender.send(lane, batch, tally)
        finally:
            with self._lock:
                self._sent.add(tally)

    def _begin(self, lane: int, batch: Batch) -> None:
        """Note in the journal that a batch is about to be sent.

        Others that wait are noted with it, as each time waits for the disk. If the session dies they are in doubt,
        though they were not sent; so this is not done where rows in doubt are not sent again.
        """
        coming = self._waiting(AHEAD) if self._job.options.delivery.on_unknown == "repost" else []
        if not self._journal.has_begun(*interval_of(lane, batch)):
            self._journal.begin_all((*interval_of(at, each), len(each)) for at, each in [(lane, batch), *coming])

    def tally_so_far(self) -> Tally:
        """Return what was read and what was sent as one."""
        with self._lock:
            self._read.add(self._sent)
            self._sent = Tally()
        return self._read


def _say_draining(count: int) -> None:
    requests = f"{count} request{'' if count == 1 else 's'} under way"
    print(f"Stopping: waiting for {requests}. Interrupt again to stop at once.", file=sys.stderr, flush=True)


def _tell(error: IntemptError | UploadInterrupted, report: UploadReport) -> None:
    """Put the report so far on an error, and how to go on."""
    error.report = report
    if report.accepted:
        error.add_note(
            f"Before this, {report.accepted:,} rows were accepted, and they stay. Make the same call again to go on "
            "from there; error.report says what is known so far."
        )
