"""Batches → requests: each lane in order, several lanes at once; what is refused is narrowed down to the rows meant.

Every step is in the journal before and after the request, so that a session that dies leaves nothing unknown behind.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, assert_never

import numpy as np

from intempt_nb.display import shorten
from intempt_nb.errors import ApiError
from intempt_nb.transfer.delivery import Accepted, Doubtful, Halted, Refused, Stubborn
from intempt_nb.transfer.refusals import named_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.errors import IntemptError, RejectedError
    from intempt_nb.transfer.batches import Batch
    from intempt_nb.transfer.delivery import Courier
    from intempt_nb.transfer.journal import Journal
    from intempt_nb.transfer.options import Delivery, Target
    from intempt_nb.transfer.tally import Tally
    from intempt_nb.transfer.unkept import Unkept

__all__ = ["Sender", "Width", "interval_of"]

PROBED = 5
WORTH_PROBING = 50
"""Rows of a batch from which on it pays to look at a few before it is narrowed down."""

ROUNDS = 3
"""So often the server fails on a row, five times each, and takes another one, before the row is given up."""

WIDER = 1.02
"""By how much the limit of a body grows with each one that comes near it: slowly, as each refusal costs a request."""


@dataclass(slots=True)
class Width:
    """The most bytes of a body that the server takes, as far as it has shown."""

    limit: float = float("inf")
    lock: Lock = field(default_factory=Lock)

    def too_large(self, size: int) -> None:
        """Note that a body of so many bytes was refused as too large."""
        with self.lock:
            self.limit = min(self.limit, size / 2)

    def restore(self, limit: float) -> None:
        """Take back what was learned from a row that is too large by itself."""
        with self.lock:
            self.limit = max(self.limit, limit)

    def taken(self, size: int) -> None:
        """Note that a body of so many bytes got through; as halving makes them, it is more than half of the limit."""
        with self.lock:
            if size > self.limit / 2:
                self.limit *= WIDER


@dataclass(slots=True)
class _Trip:
    """A batch on its way, whole or in parts.

    Parameters
    ----------
    lane, tally, begun
        Where, whom it tells, and since when.
    width
        The limit of a body as it began.
    suspect
        Whether the server broke on it.
    waiting
        The parts that are still to be sent; the last one first.
    stuck, rounds
        The row that the server breaks on now, and how often it did while it took others.
    """

    lane: int
    tally: Tally
    begun: float
    width: float
    suspect: bool = False
    waiting: list[Batch] = field(default_factory=list)
    stuck: int | None = None
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the batches of one upload, for any number of threads.

    Parameters
    ----------
    target
        Where they go.
    courier
        Brings them there.
    journal
        Is told before and after.
    options
        What to do with rows whose answer never comes.
    stop
        Nothing is begun once it is set.
    width
        What the server takes at once.
    proven
        Set once it has taken a row.
    taken
        The last row that it took of each lane.
    """

    target: Target
    courier: Courier
    journal: Journal | Unkept
    options: Delivery
    stop: Event
    width: Width = field(default_factory=Width)
    proven: Event = field(default_factory=Event)
    taken: dict[int, Batch] = field(default_factory=dict)

    def send(self, lane: int, batch: Batch, tally: Tally) -> None:
        """Send a batch, whole or in parts, and tell the tally.

        Raises
        ------
        IntemptError
            If the upload cannot go on.
        """
        trip = _Trip(lane, tally, time.monotonic(), self.width.limit, waiting=[batch])
        while trip.waiting and not self.stop.is_set():
            part = trip.waiting.pop()
            size = part.body_bytes(self.target.collection)
            if size > self.width.limit and len(part) > 1:
                trip.waiting += _halves(part)
            else:
                trip.waiting += self._post(part, trip)
        if trip.waiting and trip.waiting[0] is batch:  # noted in the journal ahead, and never sent
            self.journal.withdraw(*interval_of(lane, batch))

    def _post(self, batch: Batch, trip: _Trip) -> list[Batch]:
        """Post a batch; return what to send instead if it was not taken as it is."""
        interval, tally = interval_of(trip.lane, batch), trip.tally
        body = batch.body(self.target.collection)
        self.journal.begin(*interval, len(batch))
        begun = time.monotonic()
        outcome = self.courier.deliver(body, suspect=trip.suspect)
        tally.requests += 1
        tally.sent_bytes += len(body)
        match outcome:
            case Accepted():
                self.journal.accept(*interval)
                tally.accepted += len(batch)
                self.width.taken(len(body))
                self.proven.set()
                self.taken[trip.lane] = batch.pick(slice(len(batch) - 1, None))
                return []
            case Refused(error):
                self.journal.withdraw(*interval)
                if error.status == 413:
                    self.width.too_large(len(body))
                return self._narrow(batch, error, trip)
            case Stubborn(error):
                trip.suspect = True
                return self._narrow_stubborn(batch, error, trip, begun)
            case Doubtful(error):
                self.journal.doubt(*interval)
                tally.unknown.append(batch.rows)
                if self.options.on_unknown == "raise":
                    raise error
                return []
            case Halted(error, uncertain):
                if uncertain:
                    tally.unknown.append(batch.rows)
                else:
                    self.journal.withdraw(*interval)
                if error is not None:
                    raise error
                return []
        assert_never(outcome)

    def _narrow(self, batch: Batch, error: RejectedError, trip: _Trip) -> list[Batch]:
        """Return what to send instead of a refused batch; rows that are known to be bad are noted."""
        count = len(batch)
        named = _named_rows(error, self.target, count)
        if named:
            found = np.fromiter(named, np.int64)
            self._reject(batch.pick(found), error.status, list(named.values()), trip.tally)
            rest = np.setdiff1d(np.arange(count), found)
            return [batch.pick(rest)] if len(rest) else []
        if count == 1:
            size = f" ({int(batch.sizes[0]):,} bytes as JSON)" if error.status == 413 else ""
            if error.status == 413:
                self.width.restore(trip.width)  # it was this row, not the number of rows
            self._reject(batch, error.status, [(None, shorten(error.message, 300) + size)], trip.tally)
            return []
        if count >= WORTH_PROBING and not self.proven.is_set():
            self._probe(batch, trip.tally)
        return _halves(batch)

    def _narrow_stubborn(self, batch: Batch, error: IntemptError, trip: _Trip, begun: float) -> list[Batch]:
        """Return what to send instead of a batch that the server fails on each time.

        A single row is given up when the server has failed on it several times over and taken another row each time in
        between; if it takes no other either, it is not the row's fault.

        Raises
        ------
        IntemptError
            If the server takes nothing for too long.
        """
        if len(batch) > 1:
            return _halves(batch)
        row = int(batch.rows[0])
        if row != trip.stuck:
            trip.stuck, trip.rounds = row, 0
        if self._takes_others(trip, begun):
            trip.rounds += 1
            if trip.rounds == ROUNDS:
                status = error.status if isinstance(error, ApiError) else None
                self._reject(batch, status, [(None, shorten(error, 300))], trip.tally)
                return []
        elif not self.courier.has_patience(trip.begun):
            raise error
        return [batch]

    def _takes_others(self, trip: _Trip, begun: float) -> bool:
        """Return whether the server takes another row of the lane now: what is sent again replaces itself.

        The last one that it took has not been replaced by a later one yet, and one that waits comes again in its order.
        """
        other = self.taken.get(trip.lane) or (trip.waiting[-1].pick(slice(1)) if trip.waiting else None)
        if other is None:
            return self.courier.moved > begun
        body = other.body(self.target.collection)
        outcome = self.courier.deliver(body, suspect=True)
        trip.tally.requests += 1
        trip.tally.sent_bytes += len(body)
        if isinstance(outcome, Halted) and outcome.error is not None:
            raise outcome.error
        return isinstance(outcome, Accepted)

    def _reject(self, batch: Batch, status: int | None, found: Sequence[tuple[str | None, str]], tally: Tally) -> None:
        """Note rows that the server does not take: where in each, and in its words."""
        said = [(path, f"refused by the server: {message}") for path, message in found]
        rows = batch.rows.tolist()
        self.journal.reject([(row, path, status, reason) for row, (path, reason) in zip(rows, said, strict=True)])
        tally.reject(batch.rows, [reason for _, reason in said], [path for path, _ in said])
        if status is not None:
            tally.statuses |= dict.fromkeys(rows, status)

    def _probe(self, batch: Batch, tally: Tally) -> None:
        """Send a few rows one by one, as nothing was taken yet, to see whether anything is.

        They are sent again with the others, in their order. Where a second copy would hurt, nothing is probed.

        Raises
        ------
        RejectedError
            If all of them are refused.
        """
        if self.options.on_unknown != "repost":
            return
        refused: RejectedError | None = None
        for position in np.linspace(0, len(batch) - 1, PROBED).astype(np.int64):
            body = batch.pick(np.array([position])).body(self.target.collection)
            outcome = self.courier.deliver(body)
            tally.requests += 1
            tally.sent_bytes += len(body)
            if not isinstance(outcome, Refused):
                return
            refused = outcome.error
        if refused is not None:
            refused.add_note(
                f"It was said of each of {PROBED} rows of the first batch sent one by one, and no row was taken so "
                "far: the schema or the identifiers of the collection are probably not what they were."
            )
            raise refused


def interval_of(lane: int, batch: Batch) -> tuple[int, int, int]:
    """Return a batch as the journal knows it: lane, first and last row."""
    return lane, int(batch.rows[0]), int(batch.rows[-1])


def _halves(batch: Batch) -> list[Batch]:
    """Return the two halves of a batch, the one to be sent first last."""
    count = len(batch)
    return [batch.pick(slice(count // 2, count)), batch.pick(slice(count // 2))]


def _named_rows(error: RejectedError, target: Target, count: int) -> dict[int, tuple[str | None, str]]:
    """Return the rows that the server's answer names, if it has such a list: index → field and message."""
    named = named_items(error, {target.collection: count})
    return {index: said for (_, index), said in named.items()}
