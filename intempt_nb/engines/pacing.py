"""One rate limit for the workers of a cluster: the driver paces, the workers ask.

The driver's pace is the one that its machine keeps for the server, so that other uploads from there count, too. A
worker that cannot reach the driver goes by its share of the last rate that it knows, and by its own machine's pace.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from intempt_nb.engines.desk import LOOPBACK, Desk
from intempt_nb.engines.desk import PATIENCE as DESK_PATIENCE
from intempt_nb.errors import ConfigurationError
from intempt_nb.transfer.delivery import PATIENCE
from intempt_nb.transfer.pacing import Pace
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from intempt_nb.engines.desk import DeskAddress
    from intempt_nb.engines.places import Place

__all__ = ["SharedPace", "Warden", "pacing"]

TRY_AGAIN: Final = 3.0
"""Seconds after which a worker that could not reach the driver tries it again, each time twice as many…"""

TRY_AGAIN_MOST: Final = 60.0
"""…and never more than these;"""

TRY_FOR: Final = 1.0
"""seconds that it tries: where packets are dropped, no refusal comes."""

SLACK: Final = 0.05
"""Seconds of a share that may be made up for, since no sleep ends on time."""

FIRST_TOGETHER: Final = 2
MORE_AFTER: Final = 64
"""Where no rate is known, so many requests of all workers are under way at once, and twice as many after each so many
that got through since the last refusal…"""

OPENING: Final = 10.0
"""…for so many seconds at most: requests that hang hold up no others for longer."""

OPENING_POLL: Final = 0.02
"""Seconds after which a worker asks again meanwhile."""

LONGEST_TURN: Final = 1.0
"""Seconds by which a worker's wait is longer at most because others wait: the rate may rise in that time."""


@contextmanager
def pacing(
    place: Place,
    workers: int,
    *,
    rate: float | None = None,
    host: str = LOOPBACK,
    handlers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Iterator[SharedPace]:
    """Pace the requests of all workers, from this process, for as long as the context lasts.

    Parameters
    ----------
    place
        The server.
    workers
        How many processes will send; each gets that part of the rate while it cannot reach this one.
    rate
        Requests a second that the server is known to allow, for all workers together, kept from the first request on;
        None to find out. Where the server refuses requests all the same, fewer are sent.
    host
        The address to listen at, see :func:`intempt_nb.engines.desk.reachable_host`.
    handlers
        What else workers can ask at ``pace.desk``, see :class:`intempt_nb.engines.desk.Desk`.

    Yields
    ------
    SharedPace
        What each worker asks; may be pickled.

    Raises
    ------
    ConfigurationError
        The rate or the number of workers is not above zero, or there is no folder for the pace.
    OSError
        Nothing can listen at `host`.
    """
    if rate is not None and not (isinstance(rate, SupportsFloat) and 0 < rate < math.inf):
        raise ConfigurationError(f"rate is {rate!r}; expected requests a second, above zero, or None to find out")
    if workers < 1:
        raise ConfigurationError(f"workers is {workers!r}; expected how many processes will send, from 1 up")
    most = math.inf if rate is None else rate
    warden = Warden(Pace(state_folder(), place.base_url, longest_pause=PATIENCE, most=most), careful=rate is None)
    with Desk({**(handlers or {}), **warden.handlers()}, host, gone=warden.gone) as desk:
        yield SharedPace(desk.address, place.base_url, workers, rate)


class Warden:
    """The driver's pace, as connections ask it; each is served by a thread of its own.

    Where no rate is known, few requests are under way at once at first, as a server that limits them refuses all that
    are. Workers that wait are told different times, each its turn. A permit whose connection ends before its outcome is
    known is given back: the worker died, and others need not wait for what it was to find out.

    Parameters
    ----------
    pace
        The driver's.
    careful
        Whether no rate is known.
    clock
        The pace's.
    """

    def __init__(self, pace: Pace, *, careful: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._careful = careful
        self._began = math.inf
        self._turn = -math.inf
        self._passed = 0
        self._permits = Counter[int]()
        self._lock = threading.Lock()

    def handlers(self) -> dict[str, Callable[[Any], Any]]:
        """Return what workers can ask, by name."""
        return {
            "permit": self._permit,
            "dropped": lambda _: self._end(self._pace.dropped),
            "succeeded": self._succeeded,
            "refused": self._refused,
            "failed": lambda asked: self._end(lambda: self._pace.failed(asked)),
        }

    def _permit(self, _: Any) -> tuple[float, str | None, float | None]:
        with self._lock:
            now = self._clock()
            if self._is_crowded(now):
                return OPENING_POLL, None, None
            wait, why, rate = self._pace.ask()
            if not wait:
                self._permits[threading.get_ident()] += 1
            return self._turn_of(wait, rate, now), why, None if rate == math.inf else rate

    def _is_crowded(self, now: float) -> bool:
        self._began = min(self._began, now)
        if not self._careful or now > self._began + OPENING:
            return False
        return self._permits.total() >= FIRST_TOGETHER << self._passed // MORE_AFTER

    def _turn_of(self, wait: float, rate: float, now: float) -> float:
        """Return a wait after which a slot will be free for this worker, not the one that all wait for."""
        if not wait or wait < 0.5 / rate:  # its turn has come, or nearly
            return wait
        self._turn = min(max(self._turn + 1 / rate, now + wait), now + wait + LONGEST_TURN)
        return self._turn - now

    def _succeeded(self, _: Any) -> None:
        with self._lock:
            self._passed += 1
        self._end(self._pace.succeeded)

    def _refused(self, asked: float | None) -> None:
        with self._lock:
            self._passed = 0
        self._end(lambda: self._pace.refused(asked))

    def _end(self, tell: Callable[[], None]) -> None:
        with self._lock:
            if self._permits[threading.get_ident()]:  # else it was given to a connection that broke
                self._permits[threading.get_ident()] -= 1
        tell()

    def gone(self) -> None:
        """Give back the permits of a connection that ended, in its thread."""
        with self._lock:
            left = self._permits.pop(threading.get_ident(), 0)
        for _ in range(left):
            self._pace.dropped()


@dataclass(frozen=True, slots=True)
class SharedPace:
    """When the next request of any worker may begin; a `Pacer` that may be pickled.

    Parameters
    ----------
    desk
        The driver's, which is asked.
    address
        The server's base URL.
    workers
        How many processes send.
    rate
        Requests a second of all of them, if that was said.
    """

    desk: DeskAddress
    address: str
    workers: int
    rate: float | None = None

    def permit(self) -> float:
        """Return 0.0 if a request may begin now; else the seconds after which to ask again."""
        side = _side_of(self)
        answer, reached = side.ask("permit", None)
        if not reached:
            return side.permit_alone()
        wait, side.reason, rate = answer
        side.rate = self.rate if rate is None else rate
        return float(wait)

    def said(self) -> str | None:
        """Return why the last :meth:`permit` was not given, in words for a person; None if it was."""
        return _side_of(self).reason

    def dropped(self) -> None:
        """Give back a permit that came to nothing."""
        side = _side_of(self)
        if not side.ask("dropped", None)[1]:
            side.alone.dropped()

    def succeeded(self) -> None:
        """Note an answer that shows a working server."""
        side = _side_of(self)
        if not side.ask("succeeded", None)[1]:
            side.alone.succeeded()

    def refused(self, retry_after: float | None) -> None:
        """Note an answer that says that requests come too fast."""
        side = _side_of(self)
        if not side.ask("refused", retry_after)[1]:
            side.alone.refused(retry_after)

    def failed(self, retry_after: float | None = None) -> None:
        """Note a request without a useful answer."""
        side = _side_of(self)
        if not side.ask("failed", retry_after)[1]:
            side.alone.failed(retry_after)


class _Side:
    """What a process knows of a shared pace.

    Attributes
    ----------
    reason
        Why the last permit was not given.
    rate
        The last known rate of all workers together, a second; None for no limit.
    alone
        The pace of this machine, for when the driver is away.
    """

    def __init__(self, pace: SharedPace) -> None:
        self._desk, self._workers = pace.desk, pace.workers
        self.rate = pace.rate
        self.reason: str | None = None
        self.alone = Pace(_folder(), pace.address, longest_pause=PATIENCE)
        self._away_until = 0.0
        self._missed = 0
        self._trying = threading.Lock()
        self._next_slot = 0.0
        self._lock = threading.Lock()

    def ask(self, op: str, value: float | None) -> tuple[Any, bool]:
        """Return the driver's answer, and whether it could be reached."""
        if not self._missed:
            return self._try(op, value, DESK_PATIENCE)
        if time.monotonic() < self._away_until or not self._trying.acquire(blocking=False):
            return None, False
        try:
            return self._try(op, value, TRY_FOR)
        finally:
            self._trying.release()

    def _try(self, op: str, value: float | None, patience: float) -> tuple[Any, bool]:
        missed = self._missed
        try:
            answer = self._desk.call(op, value, patience=patience)
        except OSError:
            with self._lock:
                if missed == self._missed:  # else another thread has just found that out
                    self._away_until = time.monotonic() + min(TRY_AGAIN * 2 ** min(missed, 9), TRY_AGAIN_MOST)
                    self._missed += 1
            return None, False
        self._missed = 0
        return answer, True

    def permit_alone(self) -> float:
        """Let a request begin within this process's share of the rate, and its machine's pace."""
        with self._lock:
            gap = 0.0 if self.rate is None else self._workers / self.rate
            now = time.monotonic()
            slot = max(self._next_slot, now - max(gap, SLACK))
            if gap and slot > now:
                self.reason = "the driver cannot be reached, and this worker has its share of the rate only"
                return slot - now
            wait = self.alone.permit()
            self.reason = self.alone.said()
            if not wait:
                self._next_slot = slot + gap
            return wait


def _folder() -> Path:
    try:
        return state_folder()
    except ConfigurationError:  # a worker's machine; where nothing can be written there either, a process is on its own
        return Path(tempfile.gettempdir())


@lru_cache(maxsize=64)
def _side(process: int, pace: SharedPace) -> _Side:
    return _Side(pace)


def _side_of(pace: SharedPace) -> _Side:
    """Return what this process knows of a pace, and not the one that it was forked from."""
    return _side(os.getpid(), pace)
