"""Uploads that run on threads of their own: a panel that is made later finds the one that runs."""

from __future__ import annotations

import logging
from collections import deque
from threading import Event, Lock, Thread
from traceback import format_exception
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from intempt_nb.errors import IntemptError, UploadError, UploadInterrupted
from intempt_nb.transfer.control import UploadControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from intempt_nb.transfer.report import UploadReport

__all__ = ["Place", "Rate", "Running", "begin", "latest", "put_away"]

Place: TypeAlias = tuple[str, str, str]
"""Base URL, organisation and id of a collection."""

RATE_SECONDS = 5.0

_Error = TypeVar("_Error", bound=BaseException)
_log = logging.getLogger(__name__)


class Running:
    """An upload, or its dry run, on a thread; what ends it is kept, and its rows are let go of then.

    Parameters
    ----------
    label
        What is uploaded, for people.
    work
        Uploads, and takes the control.
    code
        The call, in Python.
    dry_run
        Whether nothing is sent.
    expected
        About how many rows there are; None if that is not known.
    run
        The id of the upload that it goes on with; None if it begins one.
    before
        Rows that are there already: of the upload whose rejected rows these are, put right.

    Attributes
    ----------
    control
        Pauses, resumes, cancels, and knows the progress.
    report
        What it did, as far as it came; None before its end, and if it did nothing.
    error
        What ended it early; None otherwise.
    run
        The id that ``inb.uploads()`` knows it by; None as long as it has none.
    """

    def __init__(
        self,
        label: str,
        work: Callable[[UploadControl], UploadReport],
        *,
        code: str = "",
        dry_run: bool = False,
        expected: int | None = None,
        run: str | None = None,
        before: int = 0,
    ) -> None:
        self.label = label
        self.code = code
        self.dry_run = dry_run
        self.expected = expected
        self.run = run
        self.before = before
        self.control = UploadControl()
        self.report: UploadReport | None = None
        self.error: Exception | UploadInterrupted | None = None
        self._work: Callable[[UploadControl], UploadReport] | None = work
        self._ended = Event()

    def start(self) -> None:
        """Begin; the thread does not keep the kernel from ending, as the journal outlives it."""
        Thread(target=self._do, name=f"intempt-nb upload of {self.label}", daemon=True).start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end; return whether it has come."""
        return self._ended.wait(timeout)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()

    def _do(self) -> None:
        work, self._work = self._work, None
        assert work is not None  # noqa: S101  # it is begun once
        try:
            self.report = work(self.control)
        except (Exception, UploadInterrupted) as error:  # noqa: BLE001  # of a thread: the panel tells it
            self.error = _without_frames(error)
            self.report = getattr(error, "report", None)
        finally:
            if self.report is not None:
                self.run = self.report.run or self.run
            self._ended.set()


def _without_frames(error: _Error) -> _Error:
    """Return an error without what led to it, which holds on to the rows; of one that nobody foresaw that is logged."""
    if not isinstance(error, IntemptError | UploadInterrupted):
        _log.error("an upload failed\n%s", "".join(format_exception(error)))  # as text: log records may be kept
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


_lock = Lock()
_latest: dict[Place, Running] = {}


def begin(place: Place, running: Running) -> None:
    """Start an upload, which panels that are made from now on will show.

    Raises
    ------
    UploadError
        If one is under way there.
    """
    with _lock:
        earlier = _latest.get(place)
        if earlier is not None and not earlier.ended:
            raise UploadError(
                f"{earlier.label} is being uploaded into this collection, in another panel; wait for its end, or make "
                "a new panel to watch it"
            )
        _latest[place] = running
    running.start()


def latest(place: Place) -> Running | None:
    """Return the upload that runs into a collection, or the last one that did; None if there is none to show."""
    with _lock:
        return _latest.get(place)


def put_away(place: Place, running: Running) -> None:
    """Forget an upload that is over, so that no panel shows it any more."""
    with _lock:
        if _latest.get(place) is running and running.ended:
            del _latest[place]


class Rate:
    """Rows a second, of the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def after(self, seconds: float, rows: int) -> float | None:
        """Note how far it has come, and return the rate; None if that cannot be said yet.

        Parameters
        ----------
        seconds
            Since the beginning.
        rows
            Whose outcome is known.
        """
        self._seen.append((seconds, rows))
        while len(self._seen) > 2 and seconds - self._seen[1][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (rows - before) / (seconds - since) if seconds - since > 0.2 and rows > before else None
