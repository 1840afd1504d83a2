"""A queue of events and the thread that sends it; nobody who puts an event in waits for the network.

Events leave in *rounds*: all that wait by the time a round begins, cut into requests. What is refused is narrowed down
to the events meant. If the server cannot be used at all, the round stays where it is and is tried again later.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, Final, assert_never

from intempt_nb.display import shorten
from intempt_nb.errors import IntemptError, TransportError
from intempt_nb.transfer.delivery import Accepted, Doubtful, Halted, Refused, Stubborn
from intempt_nb.transfer.events import by_collection, cut_events, events_body
from intempt_nb.transfer.refusals import named_items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from intempt_nb.errors import RejectedError
    from intempt_nb.transfer.delivery import Courier, Outcome
    from intempt_nb.transfer.events import Event as Tracked
    from intempt_nb.transfer.options import Limits

__all__ = ["LOGGER", "Outbox", "RejectedEvent", "Rules"]

LOGGER: Final = "intempt_nb.tracker"
_log: Final = logging.getLogger(LOGGER)

RETRY: Final = 60.0
"""Seconds before what could not be sent is tried again by itself."""

KEPT: Final = 1_000
"""So many refused events are kept, the last ones."""

POLL: Final = 0.2
"""No wait is longer: Ctrl-C does not end one once a library has the system go on with what a signal interrupts."""


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that the server does not take.

    Parameters
    ----------
    collection
        The name of its collection.
    event
        As it was sent.
    field
        Where the server sees the mistake, if it says so.
    reason
        What it says.
    """

    collection: str
    event: dict[str, Any]
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """When an outbox sends, and how much it holds.

    Parameters
    ----------
    flush_at
        So many events in the queue are sent at once…
    flush_interval
        …and fewer once the oldest is so many seconds old.
    max_queue
        The most events that are held; further ones are dropped.
    limits
        How they are cut into requests.
    """

    flush_at: int
    flush_interval: float
    max_queue: int
    limits: Limits


class Outbox:
    """Holds events and sends them.

    Parameters
    ----------
    courier
        Makes what brings bodies to the server, given what tells it to stop.
    rules
        When, and how much.
    say
        Is told what a tracker says in its log.

    Attributes
    ----------
    sent, refused, dropped
        How many events the server took, how many it did not, and how many found no room.
    queued
        How many wait or are under way.
    """

    def __init__(self, courier: Callable[[Event], Courier], rules: Rules, say: Callable[[str], None]) -> None:
        self._rules = rules
        self._say = say
        self._stop = Event()
        self._courier = courier(self._stop)
        self._changed = Condition()
        self._waiting: deque[Tracked] = deque()
        self._round: list[list[Tracked]] = []  # the thread's own; the next part last
        self._begun = self._done = self._wanted = 0  # events in rounds begun, in rounds done, and asked for by flushes
        self._trouble: IntemptError | None = None
        self._retry_at = 0.0
        self._full = self._told = self._closed = False
        self._thread: Thread | None = None
        self.sent = self.refused = self.dropped = self.queued = 0
        self._rejected: deque[RejectedEvent] = deque(maxlen=KEPT)

    def put(self, event: Tracked) -> bool:
        """Add an event; return False if there is no room for it, which is said in the log once.

        Raises
        ------
        TransportError
            If the outbox is closed.
        """
        with self._changed:
            if self._closed:
                raise TransportError("this tracker was closed; make a new one")
            if self.queued >= self._rules.max_queue:
                self.dropped += 1
                full, self._full = self._full, True
            else:
                self._waiting.append(event)
                self.queued += 1
                self._start()
                if len(self._waiting) in (1, self._rules.flush_at):
                    self._changed.notify_all()
                return True
        if not full:
            _log.warning(
                "[Intempt] The queue is full (%s events): new events are dropped until there is room, and counted in "
                "tracker.dropped",
                f"{self._rules.max_queue:,}",
            )
        return False

    def flush(self, timeout: float | None) -> IntemptError | None:
        """Send what is in the queue by now and wait for it; return what is in the way, None if nothing is."""
        end = float("inf") if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._wanted = target = self._begun + len(self._waiting)
            self._trouble, self._retry_at = None, 0.0
            if self.queued:
                self._start()
            self._changed.notify_all()
            while self._done < target and self._trouble is None and self._is_running():
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, POLL))
            return self._trouble if self._done < target else None

    def close(self, timeout: float) -> IntemptError | None:
        """Take no more events, and flush; what is left when the time is over stays unsent, which the log says."""
        with self._changed:
            again, self._closed = self._closed, True
        trouble = None if again else self.flush(timeout)
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
            left = self.queued
        if left and not again:
            why = shorten(trouble, 200) if trouble else f"not confirmed by the server within {timeout:g} s"
            _log.warning("[Intempt] %s given up: %s", _events(left), why)
        return trouble

    def rejected(self) -> list[RejectedEvent]:
        """Return the last events that the server refused."""
        with self._changed:
            return list(self._rejected)

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        if not self._is_running() and not self._stop.is_set():
            self._thread = Thread(target=self._run, name="intempt-tracker", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while count := self._begin_round():
            self._say(f"[Intempt] Flushing events queue {count}")
            refused = self.refused
            trouble = self._send_round()
            self._end_round(trouble, self.refused - refused)

    def _begin_round(self) -> int:
        """Wait until there is something to send; return how many events that is, 0 if there will be no more."""
        with self._changed:
            while not self._stop.is_set():
                wait = self._seconds_left()
                if wait <= 0:
                    events = list(self._waiting)
                    self._waiting.clear()
                    self._round[:0] = cut_events(events, self._rules.limits)[::-1]
                    self._begun += len(events)
                    return self.queued
                self._changed.wait(wait if self._waiting or self._round else None)
        return 0

    def _seconds_left(self) -> float:
        """Return after how long a round is due."""
        now = time.monotonic()
        if now < self._retry_at:
            return self._retry_at - now
        if self._round or self._wanted > self._begun or len(self._waiting) >= self._rules.flush_at:
            return 0.0
        return self._waiting[0].since + self._rules.flush_interval - now if self._waiting else float("inf")

    def _send_round(self) -> IntemptError | None:
        """Send all parts of a round; return what is in the way, if something is."""
        begun = time.monotonic()
        aside: list[tuple[list[Tracked], IntemptError]] = []
        while self._round:
            part = self._round[-1]
            outcome = self._deliver(part)
            if isinstance(outcome, Halted):
                self._round[:0] = [each for each, _ in aside]
                return outcome.error
            self._round.pop()
            match outcome:
                case Accepted():
                    self._settle(sent=len(part))
                    self._say("[Intempt] Successfully sent batch of event")
                case Refused(error):
                    self._round += self._narrow(part, error)
                case Stubborn(error) | Doubtful(error):  # there is no doubt where all is sent again
                    if len(part) > 1:
                        self._round += _halves(part)
                    else:
                        aside.append((part, error))
                case other:
                    assert_never(other)
        # An event that the server breaks on is given up only if others get through.
        if aside and self._courier.moved <= begun:
            self._round = [part for part, _ in aside]
            return aside[0][1]
        for part, error in aside:
            self._reject([(part[0], None, shorten(error, 300))])
        return None

    def _deliver(self, part: Sequence[Tracked]) -> Outcome:
        try:
            return self._courier.deliver(events_body(part))
        except IntemptError as error:  # the client was closed
            return Halted(error, uncertain=False)

    def _narrow(self, part: list[Tracked], error: RejectedError) -> list[list[Tracked]]:
        """Return what to send instead of a refused part, the first last; events known to be bad are noted."""
        groups = by_collection(part)
        named = named_items(error, {name: len(events) for name, events in groups.items()})
        if named:
            bad = [(groups[name][index], field, reason) for (name, index), (field, reason) in named.items()]
            self._reject(bad)
            gone = {id(event) for event, _, _ in bad}
            rest = [event for event in part if id(event) not in gone]
            return [rest] if rest else []
        if len(part) == 1:
            self._reject([(part[0], None, shorten(error.message, 300))])
            return []
        # What is wrong with a collection, such as having no key, then spoils no other.
        return list(groups.values())[::-1] if len(groups) > 1 else _halves(part)

    def _reject(self, found: Sequence[tuple[Tracked, str | None, str]]) -> None:
        with self._changed:
            self._rejected += [RejectedEvent(each.collection, each.item(), field, said) for each, field, said in found]
        self._settle(refused=len(found))

    def _settle(self, sent: int = 0, refused: int = 0) -> None:
        with self._changed:
            self.sent += sent
            self.refused += refused
            self.queued -= sent + refused
            self._full = self._told = False

    def _end_round(self, trouble: IntemptError | None, refused: int) -> None:
        if refused:
            last = self._rejected[-1]
            place = f", field {last.field!r}" if last.field else ""
            _log.warning(
                "[Intempt] The server refused %s, kept in tracker.rejected; the last in %r%s: %s",
                _events(refused), last.collection, place, last.reason,
            )  # fmt: skip
        with self._changed:
            if not self._round:
                self._done = self._begun
            if trouble is not None:
                self._retry_at = time.monotonic() + RETRY
                self._trouble = trouble
            told, self._told = self._told, self._told or trouble is not None
            self._changed.notify_all()
        if trouble is not None and not told:
            _log.error("[Intempt] %s in the queue, and the server cannot be used: %s", _events(self.queued), trouble)


def _halves(part: list[Tracked]) -> list[list[Tracked]]:
    """Return the two halves, the one to be sent first last."""
    return [part[len(part) // 2 :], part[: len(part) // 2]]


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"
