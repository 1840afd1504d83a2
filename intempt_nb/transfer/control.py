"""An upload in other hands: paused, gone on with or cancelled from any thread, and looked at while it is under way."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Condition, Event
from typing import TYPE_CHECKING, Literal, TypeAlias

from intempt_nb.errors import ConfigurationError, UploadError, UploadInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from intempt_nb.transfer.tally import Tally

__all__ = ["UploadControl", "UploadProgress", "UploadState", "progress_of", "serving"]

UploadState: TypeAlias = Literal["reading", "sending", "paused", "cancelling", "done"]
"""What an upload is doing.

``reading``
    It reads and checks, or has not begun yet; nothing was sent so far.
``sending``
    It reads and sends.
``paused``
    Nothing new is sent.
``cancelling``
    It waits for the requests under way, and ends then.
``done``
    It has ended: with a report or an error.
"""

_LOOK = 0.2
"""Seconds between two looks at a condition: some libraries keep a signal from ending a wait without a time."""


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload has come. No number of an upload ever becomes smaller.

    Parameters
    ----------
    total_rows
        How many rows there are; None as long as that is not known, as of a CSV file that is not read to its end.
    rows
        Rows that were read.
    accepted
        Rows that the server has, those that earlier sessions brought included.
    rejected
        Rows that were not taken, here or by the server.
    known
        The accepted rows that an earlier session had brought.
    unknown
        Rows that were sent and whose answer never came.
    requests, sent_bytes
        What was sent; in a dry run, what would be.
    seconds
        Since the upload began, pauses included.
    waiting
        Why nothing is sent at the moment, in words for a person; None if something is.
    troubles
        What kept requests from getting through, and how often: ``{"429": 3, "no answer": 1}``.
    state
        See `UploadState`.
    """

    total_rows: int | None = None
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    known: int = 0
    unknown: int = 0
    requests: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0
    waiting: str | None = None
    troubles: Mapping[str, int] = field(default_factory=dict)
    state: UploadState = "reading"


def progress_of(total_rows: int | None, *tallies: Tally) -> UploadProgress:
    """Return what some tallies say together."""
    known = sum(each.known for each in tallies)
    return UploadProgress(
        total_rows=total_rows,
        rows=sum(each.rows for each in tallies),
        accepted=known + sum(each.accepted for each in tallies),
        rejected=sum(each.rejected for each in tallies),
        known=known,
        unknown=sum(len(rows) for each in tallies for rows in each.unknown),
        requests=sum(each.requests for each in tallies),
        sent_bytes=sum(each.sent_bytes for each in tallies),
    )


class UploadControl:
    """Pauses, goes on with or cancels an upload, and says how far it has come; for any number of threads.

    Given to ``collection.upload(…, control=control)``. It serves one upload at a time, and others after it, until it is
    cancelled.

    Attributes
    ----------
    progress
        How far the upload has come; after its end, how far it came.
    warned
        What the upload warned of, in words; None if there was nothing. Warnings of a thread reach nobody.
    paused, cancelled
        Whether :meth:`pause`, :meth:`cancel` was called.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._paused = self._cancelled = self._ended = False
        self._stop: Event | None = None
        self._look: Callable[[], UploadProgress] = UploadProgress
        self._begun: float | None = None
        self._last = UploadProgress()
        self._warned: str | None = None

    def pause(self) -> None:
        """Send nothing new; requests under way end. Time goes on: a deadline counts pauses as well."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def cancel(self) -> None:
        """End the upload as Ctrl-C does, for good; returns at once.

        The upload waits for the requests under way and raises `UploadInterrupted`, with the report so far if it had
        begun to read. What was sent stays, and the same call with another control goes on from there.
        """
        with self._changed:
            self._cancelled = True
            if self._stop is not None:
                self._stop.set()
            self._changed.notify_all()

    @property
    def paused(self) -> bool:
        """Whether nothing new is sent."""
        return self._paused

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    @property
    def warned(self) -> str | None:
        """What the upload warned of, for those who see no warnings of its thread; None if there was nothing."""
        return self._warned

    @property
    def progress(self) -> UploadProgress:
        """How far the upload has come; after its end, how far it came."""
        with self._changed:
            if self._begun is None:
                return replace(self._last, state=self._state(self._last.state))
            found = self._look()
            state = self._state(found.state)
            waiting = None if state == "paused" else found.waiting
            return replace(found, seconds=time.monotonic() - self._begun, state=state, waiting=waiting)

    def __repr__(self) -> str:
        """Return the state and the counts."""
        now = self.progress
        return f"UploadControl({now.state}: {now.accepted:,} accepted, {now.rejected:,} rejected of {now.rows:,} read)"

    def _state(self, otherwise: UploadState) -> UploadState:
        if self._ended:
            return "done"
        return "cancelling" if self._cancelled else "paused" if self._paused else otherwise

    def _watch(self, look: Callable[[], UploadProgress], stop: Event | None = None) -> None:
        """Take a way to look at the upload, and what tells its threads to stop."""
        with self._changed:
            self._look, self._stop = look, stop
            if self._cancelled and stop is not None:
                stop.set()

    def _check(self) -> None:
        """Raise if the upload was cancelled."""
        if self._cancelled:
            raise UploadInterrupted("the upload was cancelled")

    def _hold(self) -> None:
        """Wait while it is paused; raise if it was cancelled."""
        with self._changed:
            while self._paused and not self._cancelled:
                self._changed.wait(_LOOK)
        self._check()

    def _begin(self) -> None:
        with self._changed:
            if self._begun is not None:
                raise UploadError(
                    "this control serves an upload that is under way; make another inb.UploadControl() for this one"
                )
            self._ended = self._cancelled
            self._check()
            self._begun, self._warned = time.monotonic(), None

    def _end(self) -> None:
        last = replace(self.progress, state="done", waiting=None)
        with self._changed:
            self._last, self._ended, self._begun = last, True, None
            self._look, self._stop = UploadProgress, None


@contextmanager
def serving(control: UploadControl | None) -> Iterator[UploadControl]:
    """Have a control, or one that nobody else holds, serve an upload from here to the end.

    Raises
    ------
    ConfigurationError
        If it is no control.
    UploadError
        If it serves another one.
    UploadInterrupted
        If it was cancelled.
    """
    chosen = UploadControl() if control is None else control
    if not isinstance(chosen, UploadControl):
        raise ConfigurationError(f"control is {chosen!r}; expected inb.UploadControl(), or None")
    chosen._begin()
    try:
        yield chosen
    finally:
        chosen._end()
