"""The part of an upload that talks to the server: lanes of batches, each noted in the journal, sent, and counted."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from threading import Event, Lock
from typing import TYPE_CHECKING

from intempt_nb.transfer.batches import Routing
from intempt_nb.transfer.control import progress_of
from intempt_nb.transfer.delivery import Courier
from intempt_nb.transfer.lanes import Lanes
from intempt_nb.transfer.sending import Sender, interval_of
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from intempt_nb.api.transport import Transport
    from intempt_nb.transfer.batches import Batch
    from intempt_nb.transfer.control import UploadControl, UploadProgress
    from intempt_nb.transfer.jobs import Job
    from intempt_nb.transfer.journal import Journal
    from intempt_nb.transfer.pacing import Pacer
    from intempt_nb.transfer.progress import Progress
    from intempt_nb.transfer.unkept import Unkept

__all__ = ["Outgoing"]

AHEAD = 16
"""Batches that are noted in the journal at once."""


class Outgoing:
    """Sends the batches of an upload.

    Parameters
    ----------
    transport
        The connection.
    job
        What is uploaded.
    journal
        Knows what was sent, and is told.
    pace
        Of the server.
    tally
        Of what is read.
    progress
        Is told how far it came.
    begun
        When the upload began, by :func:`time.monotonic`.
    control
        May have it wait, or end.
    """

    def __init__(
        self,
        transport: Transport,
        job: Job,
        journal: Journal | Unkept,
        pace: Pacer,
        tally: Tally,
        progress: Progress,
        begun: float,
        control: UploadControl,
    ) -> None:
        self._job = job
        self._control = control
        self._journal = journal
        self._progress = progress
        self._stop = Event()
        delivery = job.options.delivery
        self._courier = Courier(
            transport,
            job.target.source_id,
            pace,
            delivery,
            self._stop,
            started=begun,
            waiting=progress.wait,
            held=lambda: control.paused,
        )
        self._sender = Sender(job.target, self._courier, journal, delivery, self._stop)
        if any(session.accepted for session in journal.known.sessions):
            self._sender.proven.set()
        self._read = tally
        self._sent = Tally()
        self._lock = Lock()
        self._flying: dict[int, Batch] = {}
        self._waiting: Callable[[int], list[tuple[int, Batch]]] = lambda count: []
        self._is_sending = False
        self._total = job.source.length
        control._watch(self.so_far, self._stop)

    @property
    def troubles(self) -> dict[str, int]:
        """What kept requests from getting through, and how often."""
        return self._courier.troubles

    def routing(self) -> Routing:
        """Return which rows go out; what is known of the others is noted."""
        journal = self._journal
        self._read.reject_known(journal.known.rejects)
        known = journal.known if journal.resumed else None
        return Routing(journal.lanes, known, self._job.options.delivery.on_unknown, journal.leave_out)

    def send(self, batches: Generator[tuple[int, Batch]]) -> None:
        """Send all batches.

        Raises
        ------
        UploadInterrupted
            If it is cancelled.
        """
        workers = self._job.options.workers
        lanes: Lanes[Batch] = Lanes(self._journal.lanes, workers, self._work, self._stop, self._say_draining)
        self._waiting = lanes.waiting
        # Closed here, a file and threads do not stay for as long as someone keeps an error.
        try:
            with closing(batches), lanes:
                for lane, batch in batches:
                    self._is_sending = True
                    lanes.put(lane, batch, batch.body_bytes(self._job.target.collection))
                    self._advance()
                self._total = self._read.rows
        finally:
            for lane, batch in lanes.waiting():
                self._journal.withdraw(*interval_of(lane, batch))
        self._control._check()  # its threads leave what waits, and that is no failure
        self._advance()

    def _work(self, lane: int, batch: Batch) -> None:
        tally = Tally()
        self._flying[lane] = batch
        try:
            self._begin(lane, batch)
            self._sender.send(lane, batch, tally)
        finally:
            with self._lock:
                self._sent.add(tally)
                self._flying.pop(lane, None)
            self._advance()

    def _begin(self, lane: int, batch: Batch) -> None:
        """Note in the journal that a batch is about to be sent, and others that wait, as each time waits for the disk.

        If the session ends they are in doubt, though they may not have been sent; so where rows in doubt are not sent
        again, nothing is noted here, but each request by itself.
        """
        if self._job.options.delivery.on_unknown == "repost" and not self._journal.has_begun(*interval_of(lane, batch)):
            coming = [(lane, batch), *self._waiting(AHEAD)]
            self._journal.begin_all((*interval_of(at, each), len(each)) for at, each in coming)

    def _advance(self) -> None:
        with self._lock:
            settled = self._sent.accepted + self._sent.rejected + self._read.rejected + self._read.known
        self._progress.reach(settled)

    def so_far(self) -> UploadProgress:
        """Return how far it came."""
        with self._lock:
            counts = progress_of(self._total, self._read, self._sent)
        return replace(
            counts,
            waiting=self._progress.waiting,
            troubles=self.troubles,
            state="sending" if self._is_sending else "reading",
        )

    def tally_so_far(self) -> Tally:
        """Return what was read and what was sent as one; of batches under way it is not known what became of them."""
        with self._lock:
            self._read.add(self._sent)
            self._read.unknown += [batch.rows for batch in self._flying.values()]
            self._sent = Tally()
        return self._read

    def _say_draining(self, count: int) -> None:
        if not self._control.cancelled:  # who cancels sees it in the control
            _say_draining(count)


def _say_draining(count: int) -> None:
    requests = f"{count} request{'' if count == 1 else 's'} under way"
    print(f"Stopping: waiting for {requests}. Interrupt again to stop at once.", file=sys.stderr, flush=True)
