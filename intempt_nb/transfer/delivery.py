"""One body → what became of it: sent when the pace permits, again where that is safe, until it is known or too late.

What an answer, or its absence, means:

=============================================  =====================================================================
no connection                                  not delivered: sent again
400, 413, 422                                  refused, nothing stored: for the caller to narrow down
401, 403, 404 and all others below 500         the upload cannot go on
429, 503                                       nothing stored: sent again, all workers slower or later
500, 501, 502, 504, connection lost, time-out  may be stored: sent again if that is harmless (`Delivery.on_unknown`)
the same again and again                       a row that the server breaks on: for the caller to narrow down
=============================================  =====================================================================
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from intempt_nb.api import endpoints
from intempt_nb.api.answers import Answer, error_for_status
from intempt_nb.api.retries import Failure, backoff, may_have_acted
from intempt_nb.errors import IntemptError, RejectedError, TransportError, UploadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from intempt_nb.api.transport import Transport
    from intempt_nb.transfer.options import Delivery
    from intempt_nb.transfer.pacing import Pacer

__all__ = ["Accepted", "Courier", "Doubtful", "Halted", "Outcome", "Refused", "Stubborn"]

PATIENCE = 120.0
"""Seconds without any answer that brings an upload forward, after which it gives up."""

HELD_POLL = 0.2
"""Seconds after which a request that is held back looks whether it still is."""

SHOWN_WAIT = 0.5
"""Seconds of a wait that are worth a word."""

STUBBORN = 5
"""After so many requests with the same body that may have been carried out, parts of it are tried."""

_NARROWED = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not take it, and stored nothing of it."""

    error: RejectedError


@dataclass(frozen=True, slots=True)
class Stubborn:
    """The server failed on it each time, and may have stored it all the same."""

    error: IntemptError


@dataclass(frozen=True, slots=True)
class Doubtful:
    """It was sent, no answer came, and it is not to be sent again."""

    error: IntemptError


@dataclass(frozen=True, slots=True)
class Halted:
    """The upload cannot go on, or was told to stop (no error then); `uncertain` if the server may have this one."""

    error: IntemptError | None
    uncertain: bool


Outcome: TypeAlias = Accepted | Refused | Stubborn | Doubtful | Halted


class Courier:
    """Brings bodies to a source's bulk endpoint, for any number of threads.

    Parameters
    ----------
    transport, source_id
        Where to.
    pace
        When a request may begin.
    options
        What to do when no answer comes, and for how long.
    stop
        No request is begun once it is set.
    started
        When the deadline's time began, by :func:`time.monotonic`; None for now.
    waiting
        Told why nothing is sent while a request has to wait, and None when it goes on.
    held
        Says whether no request may begin for now.
    """

    def __init__(
        self,
        transport: Transport,
        source_id: str,
        pace: Pacer,
        options: Delivery,
        stop: Event,
        *,
        started: float | None = None,
        waiting: Callable[[str | None], None] = lambda reason: None,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self._transport = transport
        self._href = endpoints.source_data_path(source_id)
        self._pace = pace
        self._options = options
        self._stop = stop
        self._waiting = waiting
        self._held = held
        self._held_until = 0.0
        self._moved = time.monotonic()
        self._started = self._moved if started is None else started
        self._counting, self._troubles = Lock(), Counter[str]()

    @property
    def moved(self) -> float:
        """When an answer last brought the upload forward, by :func:`time.monotonic`."""
        return self._moved

    def has_patience(self, since: float) -> bool:
        """Return whether to go on with what was begun at some time: not if nothing came for too long, pauses aside."""
        return time.monotonic() - max(self._moved, self._held_until, since) <= PATIENCE

    @property
    def troubles(self) -> dict[str, int]:
        """What kept requests from getting through, and how often: ``{"429": 3, "no answer": 1}``."""
        with self._counting:
            return dict(self._troubles)

    def deliver(self, body: bytes, *, suspect: bool = False) -> Outcome:
        """Send a body until it is known what became of it.

        Parameters
        ----------
        body
            As it is sent.
        suspect
            Whether it is a part of one that the server broke on: that it breaks on this one says nothing of others.
        """
        begun, uncertain, failures, attempt = time.monotonic(), False, 0, 0
        while True:
            late = self._wait_for_permit()
            if late is not None or self._stop.is_set():
                return Halted(late, uncertain)
            try:
                outcome = self._transport.attempt(self._href, body, self._time_for_one())
            except TransportError as error:  # the connection was closed meanwhile
                self._pace.dropped()
                return Halted(error, uncertain)
            known = self._judge(outcome, uncertain, suspect)
            if known is not None:
                return known
            uncertain = uncertain or may_have_acted(outcome)
            failures += may_have_acted(outcome)
            if failures == STUBBORN:
                return Stubborn(self._error(outcome, uncertain))
            if not self.has_patience(begun):
                return Halted(self._error(outcome, uncertain), uncertain)
            self._pause(backoff(attempt))
            attempt += 1

    def _judge(self, outcome: Answer | Failure, uncertain: bool, suspect: bool) -> Outcome | None:
        """Return what an outcome means; None if the body is to be sent again. The pace is told."""
        if isinstance(outcome, Answer) and (outcome.ok or outcome.status in _NARROWED):
            self._pace.succeeded()
            self._moved = time.monotonic()
            if outcome.ok:
                return Accepted()
            error = error_for_status(outcome)
            assert isinstance(error, RejectedError)  # noqa: S101  (what the three statuses become)
            return Refused(error)
        acted = may_have_acted(outcome)
        asked = outcome.retry_after if isinstance(outcome, Answer) else None
        if not _is_passing(outcome) or (asked or 0.0) > PATIENCE:
            self._pace.succeeded() if isinstance(outcome, Answer) and outcome.status < 500 else self._pace.dropped()
            return Halted(self._error(outcome, uncertain), uncertain or acted)
        with self._counting:
            self._troubles[_trouble(outcome)] += 1
        if isinstance(outcome, Answer) and (outcome.status == 429 or (outcome.status == 503 and asked is not None)):
            self._pace.refused(asked)
        elif suspect and acted:
            self._pace.dropped()
        else:
            self._pace.failed(asked)
        if acted and self._options.on_unknown != "repost":
            return Doubtful(self._error(outcome, uncertain))
        return None

    def _error(self, outcome: Answer | Failure, uncertain: bool) -> IntemptError:
        return self._transport.error_of(self._href, outcome, uncertain=uncertain or may_have_acted(outcome))

    def _wait_for_permit(self) -> UploadError | None:
        """Wait until a request may begin; return why it must not any more."""
        told = False
        while not self._stop.is_set():
            left = self._time_left()
            if left is not None and left <= 0:
                return UploadError(f"not finished within the deadline of {self._options.deadline:g} s")
            if self._held():
                self._held_until = time.monotonic()
                self._pause(HELD_POLL)
                continue
            wait = self._pace.permit()
            if not wait:
                break
            if wait > SHOWN_WAIT:
                told = True
                self._waiting(self._pace.said())
            self._pause(wait)
        if told:
            self._waiting(None)
        return None

    def _pause(self, seconds: float) -> None:
        left = self._time_left()
        self._stop.wait(seconds if left is None else max(0.0, min(seconds, left)))

    def _time_left(self) -> float | None:
        if self._options.deadline is None:
            return None
        return self._options.deadline - (time.monotonic() - self._started)

    def _time_for_one(self) -> float:
        """Return the seconds that one request may take, whatever the server does."""
        left = self._time_left()
        return PATIENCE if left is None else max(0.001, min(left, PATIENCE))


def _trouble(outcome: Answer | Failure) -> str:
    if isinstance(outcome, Answer):
        return str(outcome.status)
    return "no answer" if outcome.sent else "no connection"


def _is_passing(outcome: Answer | Failure) -> bool:
    """Return whether another attempt can have another outcome."""
    return outcome.retry if isinstance(outcome, Failure) else outcome.status == 429 or outcome.status >= 500
