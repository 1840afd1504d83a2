"""When the next request to a server may begin: one rate and one circuit breaker for all workers of this machine.

What is known of a server is a small frozen `State`; pure functions of it and the time say what follows from a request
or an answer. A `Pace` keeps the state in a file, so that threads and processes share it.

The rate is found, not set. Without refusals there is none. A refusal (429) makes everybody pause. Servers are taken
for token buckets: what got through before the first refusal was mostly in the bucket, and what gets through between a
pause and the next refusal then tells the rate. It grows while nothing is refused, faster with time, and is dropped in
the end.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import random
import struct
import threading
import time
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from intempt_nb.api.retries import RETRY_AFTER_CAP
from intempt_nb.transfer.locking import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Pace", "Pacer", "State", "dropped", "failed", "limit", "permit", "reason", "refused", "succeeded"]

JITTER: Final = 0.03
"""Pauses are longer by up to this part, so that machines which were refused together do not come back together."""

FIRST_PAUSE: Final = 1.0
"""The pause after a refusal that does not say how long; it doubles with each further one."""

SHORTEST_PAUSE: Final = 0.02
"""Refusals of requests that were under way together count as one by this."""

SHORTEST_TIME: Final = 0.001
"""Requests are not counted over less."""

SLOWEST: Final = 0.1
"""The lowest rate; below it, the pauses that a server asks for do the rest."""

WINDOW: Final = 10.0
"""What gets through is counted over about these last seconds."""

SLACK: Final = 0.05
"""Seconds of unused slots that may be made up for, since no sleep ends on time."""

BUCKET: Final = 0.25
"""The part of the pause that a bucket is taken to hold the requests of, while there is nothing to tell it by."""

FIRST_DOUBLING: Final = 1.5
DOUBLING: Final = 25.0
FEWEST: Final = 8
"""Seconds in which the rate doubles while nothing is refused: from the first on where it is a guess, but not before so
many requests; with the cube of the time, slowly first and then fast, where it was measured."""

CLEAR: Final = 1.25
"""A rate was measured if the highest that fits what got through is so many times the lowest at most."""

FORGET: Final = 60.0
"""After so many seconds without a refusal there is no limit any more."""

MOST_FAILURES: Final = 10
"""Failures in a row, of all workers, that open the circuit."""

COOL_DOWN: Final = 1.0
LONGEST_COOL_DOWN: Final = 30.0
"""Nothing is sent for so long when the circuit opens; twice as long each time that a probe fails, up to this."""

PROBE_TIME: Final = 30.0
"""A probe without an outcome by then is given up: its process may be gone."""

PROBE_POLL: Final = 0.25
"""Workers that wait for another one's probe ask as often."""

RESTARTED: Final = 1.0
"""A record from further in the future was written before the machine, and with it the clock, started anew."""


class State(NamedTuple):
    """What is known of a server. Times are seconds of a monotonic clock; see the functions for what they do."""

    written: float = 0.0
    paused_until: float = 0.0
    rate: float = math.inf
    rate_since: float = 0.0
    next_slot: float = 0.0
    counted_since: float = 0.0
    passed: float = 0.0
    refused_at: float = 0.0
    burst: float = 0.0
    burst_time: float = math.inf
    open_until: float = 0.0
    refusals: int = 0
    failures: int = 0
    trips: int = 0
    probing: bool = False
    guessed: bool = False


def limit(state: State, now: float) -> float:
    """Return the requests a second that are let through now."""
    quiet = max(now - state.rate_since, 0.0)
    if quiet > FORGET:
        return math.inf
    if state.guessed:
        return state.rate * 2 ** (quiet / _doubling(state))
    return state.rate * (1 + (quiet / DOUBLING) ** 3)


def _doubling(state: State) -> float:
    return max(FIRST_DOUBLING, FEWEST / state.rate)


def permit(state: State, now: float, most: float = math.inf) -> tuple[State, float]:
    """Let a request begin, or return the seconds after which to ask again; no more than `most` begin in a second."""
    wait = max(state.paused_until, state.open_until) - now
    if wait > 0:
        return state, min(wait, PROBE_POLL) if state.probing else wait
    if state.trips:
        return state._replace(probing=True, open_until=now + PROBE_TIME), 0.0
    state = _move_window(state, now)
    gap = 1 / min(limit(state, now), most)
    slot = max(state.next_slot, now - max(gap, SLACK)) if gap else 0.0
    return (state, slot - now) if slot > now else (state._replace(next_slot=slot + gap), 0.0)


def reason(state: State, now: float) -> str:
    """Return what a request that may not begin now waits for, in words for a person."""
    if state.open_until > max(now, state.paused_until):
        return "the server does not answer as it should"
    return "the server asked to wait" if state.paused_until > now else "the server takes no more requests a second"


def dropped(state: State, now: float, most: float = math.inf) -> State:
    """Take back a permit whose request has no outcome: another may have its slot, or be the probe."""
    if state.probing:
        return state._replace(probing=False, open_until=now)
    if state.trips:
        return state
    return state._replace(next_slot=max(state.next_slot - 1 / min(limit(state, now), most), state.paused_until))


def succeeded(state: State, now: float) -> State:
    """Note an answer that shows a working server: it closes the circuit."""
    state = state._replace(refusals=0, failures=0, trips=0, probing=False, open_until=0.0)
    if now < state.paused_until:  # sent before the pause, and no measure of what comes after it
        return state
    state = _move_window(state, now)
    if not state.passed:
        state = state._replace(counted_since=now)  # not what it took the first answer to come
    return state._replace(passed=state.passed + 1)


def refused(
    state: State,
    now: float,
    retry_after: float | None,
    jitter: float = 0.0,
    longest: float = RETRY_AFTER_CAP,
    most: float = math.inf,
) -> State:
    """Note that requests came too fast: all pause, and go on at the rate that got through."""
    state = state._replace(failures=0, trips=0, probing=False, open_until=0.0)
    asked = FIRST_PAUSE * 2 ** min(state.refusals, 10) if retry_after is None else max(retry_after, SHORTEST_PAUSE)
    asked = min(asked, longest)
    pause = asked * (1 + JITTER * jitter)
    if now < state.paused_until:  # of the same haste as the refusal that made the pause
        longer = retry_after is not None and now + asked > state.paused_until
        return _pause_until(state, now + pause) if longer else state._replace(refused_at=now)
    if limit(state, now) == math.inf:
        state = _guess(state, now, pause)
    elif state.passed:  # else nothing was learned since the last refusal
        state = _measure(state, now, min(limit(state, now), most))
    return _pause_until(state._replace(refusals=state.refusals + 1, refused_at=now), now + pause)


def _guess(state: State, now: float, pause: float) -> State:
    """Tell a rate by the first refusal: what got through, which was as much as the bucket held, over a part of a pause.

    That part is a guess, and soon doubted; how much it was is known from now on.
    """
    taken = max(now - state.counted_since, SHORTEST_TIME) if state.passed else SHORTEST_TIME
    rate = max((state.passed + 1) / (taken + BUCKET * pause), SLOWEST)
    return state._replace(rate=rate, guessed=True, burst=state.passed, burst_time=taken)


def _measure(state: State, now: float, sent: float) -> State:
    """Tell the rate by what got through since the pause, while `sent` requests a second were tried.

    ``burst`` requests passed in ``burst_time`` before the first refusal, of a bucket that holds a whole number of them:
    ``held = ⌈burst - rate·burst_time⌉``. Full after the pause, it let ``passed`` through, the last one not later than
    ``1/sent`` before the refusal: ``passed ≤ held + rate·(taken - 1/sent)``; and not one more until then: ``passed + 1
    > held + rate·taken``. Where the pause was too short to fill it, ``passed ≈ rate·(pause + taken)``, which then is
    the higher rate of the two.
    """
    passed, taken = state.passed, max(now - state.counted_since, SHORTEST_TIME)
    unfilled = passed / (taken + state.counted_since - state.refused_at)
    rate = low = high = min(sent, passed / taken)
    for _ in range(3):  # the bucket's size and the rate follow from each other
        held = min(max(math.ceil(state.burst - rate * state.burst_time), 1), passed)
        low = max(unfilled, (passed - held) / max(taken - 1 / sent, SHORTEST_TIME))
        high = max(low, (passed + 1 - held) / taken)
        if state.guessed and (slower := _crossed(sent, held, _doubling(state))) > state.rate:
            low, high = slower, _crossed(sent, held - 1, _doubling(state))
        rate = min(math.sqrt(low * high), sent)
    if taken < state.burst_time / 2:  # says more of the bucket
        state = state._replace(burst=passed, burst_time=taken)
    return state._replace(rate=max(rate, SLOWEST), guessed=high > CLEAR * low)


def _crossed(sent: float, held: float, doubling: float) -> float:
    """Return the rate at which a full bucket was emptied of what it held by requests that double, up to `sent`.

    Where they were slower at first, the bucket was full and let some of its tokens go to waste.
    """
    low, high = 0.0, sent
    for _ in range(30):
        rate = (low + high) / 2
        emptied = doubling / math.log(2) * (sent - rate - rate * math.log(sent / rate))
        low, high = (rate, high) if emptied > held else (low, rate)
    return high


def failed(
    state: State, now: float, retry_after: float | None = None, jitter: float = 0.0, longest: float = RETRY_AFTER_CAP
) -> State:
    """Note a request without a useful answer. Many in a row open the circuit, a failed probe keeps it open longer."""
    if retry_after is not None:
        pause = min(retry_after, longest) * (1 + JITTER * jitter)
        state = state._replace(paused_until=max(state.paused_until, now + pause))
    if state.trips and not state.probing:  # sent before the circuit opened
        return state
    state = state._replace(failures=state.failures + 1)
    if not state.probing and state.failures < MOST_FAILURES:
        return state
    cool_down = min(COOL_DOWN * 2 ** min(state.trips, 10), LONGEST_COOL_DOWN) * (1 + JITTER * jitter)
    return state._replace(trips=state.trips + 1, probing=False, open_until=now + cool_down)


def _pause_until(state: State, end: float) -> State:
    return state._replace(paused_until=end, next_slot=end, rate_since=end, counted_since=end, passed=0.0)


def _move_window(state: State, now: float) -> State:
    """Give less weight to what got through long ago, and none to it if nothing was sent since."""
    age = now - state.counted_since
    if age <= WINDOW:
        return state
    if age > 2 * WINDOW:
        return state._replace(passed=0.0, counted_since=now)
    # The last refusal is long past: the bucket was full, whatever the pause.
    passed, since = state.passed * WINDOW / 2 / age, now - WINDOW / 2
    return state._replace(passed=passed, counted_since=since, refused_at=-math.inf)


class Pacer(Protocol):
    """What an upload asks before each request, and tells of each answer; see `Pace` for what the methods mean."""

    def permit(self) -> float:
        """Return 0.0 if a request may begin now; else the seconds after which to ask again."""

    def said(self) -> str | None:
        """Return why the last :meth:`permit` was not given, in words for a person; None if it was."""

    def dropped(self) -> None:
        """Give back a permit that came to nothing."""

    def succeeded(self) -> None:
        """Note an answer that shows a working server."""

    def refused(self, retry_after: float | None) -> None:
        """Note an answer that says that requests come too fast."""

    def failed(self, retry_after: float | None = None) -> None:
        """Note a request without a useful answer."""


class Pace:
    """When the next request to a server may begin; shared by all threads and processes of this machine.

    A wait that a server asks for is kept, plus up to 3 % that chance adds, for at most `longest_pause` seconds: one
    that asks for more is tried again after these. What is known is a record of fixed size in a file; a damaged one is
    taken for nothing known. Where no file can be written, each `Pace` goes by what it is told itself.

    Parameters
    ----------
    folder
        Where the file is kept, one for each address.
    address
        The server's, as all who share the pace write it.
    longest_pause
        The longest wait, in seconds, that a server can ask for.
    most
        Requests a second that this one never goes beyond, whatever gets through.
    clock
        Seconds that pass the same for all processes of the machine and never go back, but where it starts anew.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        *,
        longest_pause: float = RETRY_AFTER_CAP,
        most: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # A folder may be shared with other machines, whose clocks started at another time.
        name = hashlib.sha256(f"{platform.node()}\n{address}".encode()).hexdigest()
        self._path = folder / f"{name[:32]}.pace"
        self._longest_pause = longest_pause
        self._most = most
        self._clock = clock
        self._known = State()
        self._reason: str | None = None
        self._mutex = threading.Lock()

    def permit(self) -> float:
        """Return 0.0 if a request may begin now, which takes its slot; else the seconds after which to ask again."""
        return self.ask()[0]

    def ask(self) -> tuple[float, str | None, float]:
        """Return what :meth:`permit` does, why so, and the requests a second that are let through now."""
        found: tuple[str | None, float] = (None, self._most)

        def ask(state: State, now: float) -> tuple[State, float]:
            nonlocal found
            after, seconds = permit(state, now, self._most)
            found = (reason(after, now) if seconds else None), min(limit(after, now), self._most)
            return after, seconds

        seconds = self._change(ask)
        self._reason = found[0]
        return seconds, *found

    def said(self) -> str | None:
        """Return why the last :meth:`permit` was not given, in words for a person; None if it was."""
        return self._reason

    def dropped(self) -> None:
        """Give back a permit whose request was not sent, or came to nothing that says something of the server."""
        self._change(lambda state, now: (dropped(state, now, self._most), 0.0))

    def succeeded(self) -> None:
        """Note an answer that shows a working server, be it a refusal of what was sent."""
        self._change(lambda state, now: (succeeded(state, now), 0.0))

    def refused(self, retry_after: float | None) -> None:
        """Note an answer that says that requests come too fast, and how many seconds to wait if it says so."""
        jitter, longest = _chance(), self._longest_pause
        self._change(lambda state, now: (refused(state, now, retry_after, jitter, longest, self._most), 0.0))

    def failed(self, retry_after: float | None = None) -> None:
        """Note a request without an answer, or with one that shows a server out of order."""
        jitter, longest = _chance(), self._longest_pause
        self._change(lambda state, now: (failed(state, now, retry_after, jitter, longest), 0.0))

    def _change(self, step: Callable[[State, float], tuple[State, float]]) -> float:
        """Bring what all know forward by a step; without a file for all, what is known here."""
        with self._mutex:
            try:
                with locked(self._path) as file:
                    known = _decode(os.read(file, RECORD_SIZE))
                    after, seconds = self._take(step, known)
                    if after != known:
                        os.lseek(file, 0, os.SEEK_SET)
                        os.write(file, _encode(after))
            except OSError:
                after, seconds = self._take(step, self._known)
            self._known = after
            return seconds

    def _take(self, step: Callable[[State, float], tuple[State, float]], known: State) -> tuple[State, float]:
        now = self._clock()
        if known.written > now + RESTARTED:
            known = State()
        now = max(now, known.written)
        after, seconds = step(known, now)
        return (known if after == known else after._replace(written=now)), seconds


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads load, hides nothing


_MAGIC: Final = b"inbpace2"
_FIELDS: Final = struct.Struct("<11d3q2?")
RECORD_SIZE: Final = len(_MAGIC) + _FIELDS.size + 4


def _encode(state: State) -> bytes:
    record = _MAGIC + _FIELDS.pack(*state)
    return record + zlib.crc32(record).to_bytes(4, "little")


def _decode(data: bytes) -> State:
    record, checksum = data[:-4], data[-4:]
    if len(data) != RECORD_SIZE or zlib.crc32(record).to_bytes(4, "little") != checksum:
        return State()
    return State(*_FIELDS.unpack(record[len(_MAGIC) :])) if record.startswith(_MAGIC) else State()
