"""`Tracker`: events sent as they happen, without waiting for the network."""

from __future__ import annotations

import atexit
import logging
import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn
from weakref import WeakSet

from intempt_nb.display import html_table
from intempt_nb.errors import ConfigurationError, DataError, suggest
from intempt_nb.handles import SourceHandle
from intempt_nb.transfer.delivery import Courier
from intempt_nb.transfer.events import EventForm
from intempt_nb.transfer.options import Delivery, Limits
from intempt_nb.transfer.outbox import LOGGER, Outbox, Rules
from intempt_nb.transfer.pacing import Pace
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event as Stop
    from types import TracebackType
    from typing import Self

    from intempt_nb.errors import IntemptError
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.transfer.events import Event
    from intempt_nb.transfer.outbox import RejectedEvent

__all__ = ["Flushed", "Tracker"]

EXIT_SECONDS: Final = 5.0

_log: Final = logging.getLogger(LOGGER)
_open: WeakSet[Tracker] = WeakSet()


@dataclass(frozen=True, slots=True)
class Flushed:
    """What came of a flush.

    Parameters
    ----------
    sent, rejected
        How many events the server took and refused meanwhile.
    queued
        How many are still in the queue: the time was over, or others were tracked meanwhile.
    """

    sent: int
    rejected: int
    queued: int


class Tracker:
    """Sends events to a source's collections from a thread of its own; a context manager, which closes it.

    An event is checked where it is tracked, against its collection's schema: what does not fit is a `DataError` there
    and then, with the field, since it would be lost unseen otherwise. Trouble with the network is never an error of
    :meth:`track`: events wait in the queue until the server is back.

    Parameters
    ----------
    source
        Where the events come from: ``client.sources["mywebsource"]``. Its collections are asked for once, here.
    visitor_id
        The ``visitorId`` of events that bring none; None for one of this tracker's own, the same for all of them.
    flush_at, flush_interval
        So many waiting events are sent at once, fewer when the oldest has waited for so many seconds.
    max_queue
        The most events held while the server cannot be reached. Further ones are dropped, the newest first, and
        counted: the program goes on, its memory is spared, and what came before the gap is complete.
    limits
        How events are cut into requests, and how large one may be.
    verbose
        Whether to print what is sent; it is logged to ``intempt_nb.tracker`` in any case.

    Raises
    ------
    ConfigurationError
        For an argument that cannot be used.
    ApiError, TransportError
        If the source's collections cannot be had.

    Attributes
    ----------
    source, visitor_id
        As given or made.

    Examples
    --------
    >>> tracker = inb.Tracker(source, verbose=True)
    >>> tracker.track("flight-booking", {"bookingId": "1", "bookingDate": "2020-05-25"})
    >>> tracker.close()
    [Intempt] Flushing events queue 1
    [Intempt] Successfully sent batch of event
    """

    def __init__(
        self,
        source: SourceHandle,
        visitor_id: str | None = None,
        *,
        flush_at: int = 50,
        flush_interval: float = 1.0,
        max_queue: int = 10_000,
        limits: Limits | None = None,
        verbose: bool = False,
    ) -> None:
        if not isinstance(source, SourceHandle):
            raise ConfigurationError(f"source is {source!r}; expected a source: client.sources['…']")
        if visitor_id is not None and (not isinstance(visitor_id, str) or not visitor_id):
            raise ConfigurationError(f"visitor_id is {visitor_id!r}; expected text, or None for a new one")
        self.source = source
        self.visitor_id = uuid.uuid4().hex if visitor_id is None else visitor_id
        self._rules = _checked(Rules(flush_at, flush_interval, max_queue, limits or Limits()))
        self._verbose = verbose
        self._collections: dict[str, CollectionHandle] = source.collections.entries()
        self._forms: dict[str, EventForm] = {}
        self._strays: set[tuple[str, str]] = set()
        self._begin()
        _open.add(self)

    def _begin(self) -> None:
        """Begin with an empty queue: at first, and in a forked process, as the events there are its parent's."""
        transport, source_id = self.source._transport, self.source.id
        pace = Pace(state_folder(), transport.base_url)

        def courier(stop: Stop) -> Courier:
            return Courier(transport, source_id, pace, Delivery("repost"), stop)

        self._outbox = Outbox(courier, self._rules, self._say)

    def track(self, collection: str, properties: Mapping[str, Any] | None = None) -> str | None:
        """Put an event in the queue; it is sent soon, or when the server can be reached again.

        Parameters
        ----------
        collection
            The name of one of the source's collections.
        properties
            Values by field: Python's, NumPy's or pandas'; missing ones (None, NaN, NaT, NA) are null. ``eventId`` (a
            random UUID without dashes), ``visitorId`` and ``timestamp`` (now, in milliseconds) are added where the
            schema has them and they are not given. What the schema does not have is left out, which the log says once.

        Returns
        -------
        str or None
            The event's ``eventId``; None if its collection has none, or the queue is full.

        Raises
        ------
        DataError
            If the source has no such collection, or the event does not fit its schema or is too large.
        TransportError
            If the tracker was closed.
        """
        event = self._form(collection).event({} if properties is None else properties, self.visitor_id)
        most = self._rules.limits.item_bytes
        if len(event.data) > most:
            raise DataError(f"{len(event.data):,} bytes as JSON, in an event for {collection!r}; it may have {most:,}")
        self._tell_strays(event)
        return event.event_id if self._outbox.put(event) else None

    def flush(self, timeout: float | None = None) -> Flushed:
        """Send what is in the queue now, and wait until the server has answered.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for as long as it takes. A server that gives no answer for two minutes is an
            error.

        Raises
        ------
        IntemptError
            If the server cannot be used: a wrong key, say. The events stay in the queue.
        """
        box = self._outbox
        sent, refused = box.sent, box.refused
        trouble = box.flush(timeout)
        if trouble is not None:
            raise trouble
        return Flushed(box.sent - sent, box.refused - refused, box.queued)

    def close(self, timeout: float = EXIT_SECONDS) -> None:
        """Take no more events, send what is in the queue, and stop; the log says how many were left when time was over.

        The end of the program does the same. Close the tracker before the client. A second call does nothing.

        Parameters
        ----------
        timeout
            Seconds to wait at most.

        Raises
        ------
        IntemptError
            If the server cannot be used.
        """
        trouble = self._end(timeout)
        if trouble is not None:
            raise trouble

    def _end(self, timeout: float) -> IntemptError | None:
        _open.discard(self)
        return self._outbox.close(timeout)

    @property
    def queued(self) -> int:
        """How many events wait or are under way."""
        return self._outbox.queued

    @property
    def sent(self) -> int:
        """How many events the server has taken."""
        return self._outbox.sent

    @property
    def dropped(self) -> int:
        """How many events found the queue full."""
        return self._outbox.dropped

    @property
    def rejected(self) -> list[RejectedEvent]:
        """The events that the server refused, each with the reason; of more than 1,000 the last."""
        return self._outbox.rejected()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._end(EXIT_SECONDS)

    def __repr__(self) -> str:
        counts = ", ".join(f"{label}={count}" for label, count in self._counts())
        return f"Tracker({self.source._key!r}, {counts})"

    def _repr_html_(self) -> str:
        rows = [("visitorId", self.visitor_id), *((label, f"{count:,}") for label, count in self._counts())]
        return html_table((f"Tracker of {self.source._key}", ""), rows)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Tracker holds a connection and a thread, so it is never pickled: make one where it is used")

    def _counts(self) -> list[tuple[str, int]]:
        box = self._outbox
        return [("queued", box.queued), ("sent", box.sent), ("rejected", box.refused), ("dropped", box.dropped)]

    def _form(self, collection: str) -> EventForm:
        form = self._forms.get(collection)
        if form is None:
            handle = self._collections.get(collection)
            if handle is None:
                raise DataError(
                    f"source {self.source.name!r} had no collection {collection!r} when this tracker was made"
                    f"{suggest(collection, self._collections)}"
                )
            form = self._forms[collection] = EventForm(handle.name, handle.schema)
        return form

    def _tell_strays(self, event: Event) -> None:
        for stray in event.strays:
            place = event.collection, stray.path
            if place not in self._strays:
                self._strays.add(place)
                message = "[Intempt] %r in events for %r is not sent: %s"
                _log.warning(message, stray.path.removeprefix("."), event.collection, stray.reason)

    def _say(self, line: str) -> None:
        _log.info(line)
        if self._verbose:
            with suppress(OSError, ValueError):  # an output that was closed keeps no event back
                print(line, flush=True)


def _checked(rules: Rules) -> Rules:
    for name in ("flush_at", "max_queue"):
        value = getattr(rules, name)
        if not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"{name} is {value!r}; expected a whole number of at least 1")
    if not isinstance(rules.flush_interval, int | float) or not rules.flush_interval > 0:
        raise ConfigurationError(f"flush_interval is {rules.flush_interval!r}; expected seconds above zero")
    return rules


def _close_all() -> None:
    """Send what is left at the end of the program, all trackers within the same few seconds."""
    end = time.monotonic() + EXIT_SECONDS
    for tracker in list(_open):
        tracker._end(max(end - time.monotonic(), 0.0))


def _begin_all() -> None:
    for tracker in list(_open):
        tracker._begin()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_all)
