"""One partition, on a worker: uploaded as any rows are, and what became of it told in a form that travels."""

from __future__ import annotations

import multiprocessing
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import Condition
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.engines.keys import with_keys
from intempt_nb.engines.outcomes import Outcome, failed, outcome_of
from intempt_nb.errors import UploadInterrupted
from intempt_nb.transfer.control import UploadControl
from intempt_nb.transfer.upload import upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.engines.places import Place
    from intempt_nb.transfer.options import Target, UploadOptions
    from intempt_nb.transfer.pacing import Pacer
    from intempt_nb.transfer.report import UploadReport

__all__ = ["Order", "carry_out", "noted", "stop", "stopped"]


@dataclass(frozen=True, slots=True)
class Order:
    """What every worker is told; pickled, and so seen by whoever sees a task: it holds no key.

    Parameters
    ----------
    place
        The server.
    target
        The collection.
    options
        How rows are uploaded.
    pace
        When requests may begin, asked of the driver; None for what all uploads of a worker's machine go by.
    lot
        What keys are made of where rows have none; None if they need none.
    resume
        Whether rows of a file that an earlier run from the same machine has brought are left out.
    files
        What tells these files, all of them as they are, from others; None for what is no files. They do not overwrite
        each other's rows, so that each is gone on with though others were uploaded meanwhile.
    call
        Tells this upload from others, so that its partitions can be stopped.
    """

    place: Place
    target: Target
    options: UploadOptions
    pace: Pacer | None
    lot: str | None = None
    resume: bool = True
    files: str | None = None
    call: str = field(default_factory=token_hex)


def carry_out(order: Order, number: int, origin: str, rows: Any) -> Outcome:
    """Upload a partition; whatever ends it becomes a part of the outcome, as an error would cost the others' outcomes.

    A file has a journal on the worker's machine; other rows have none: they are sent again as a whole, with the same
    keys, if the worker dies.

    Parameters
    ----------
    order
        What to do.
    number, origin
        Which partition it is, and what it is called in the report.
    rows
        A path, a DataFrame, or Arrow data.

    Raises
    ------
    UploadInterrupted
        After Ctrl-C in this very process, if no other started it as its worker; with the report so far.
    """
    begun = time.perf_counter()
    with _under_way(order.call) as running:
        try:
            running.outcome = outcome_of(_upload(order, number, rows, running.control), number, origin)
        except UploadInterrupted as error:
            if not running.control.cancelled and multiprocessing.parent_process() is None:
                raise  # in a worker's process it would have to travel, which it cannot
            running.outcome = failed(error, number, origin, time.perf_counter() - begun)
        except Exception as error:  # noqa: BLE001  (of any library that reads a partition)
            running.outcome = failed(error, number, origin, time.perf_counter() - begun)
    outcome: Outcome = running.outcome
    return outcome


def _upload(order: Order, number: int, rows: Any, control: UploadControl) -> UploadReport:
    is_file = isinstance(rows, Path)
    options = order.options
    if not is_file:
        rows, options = with_keys(rows, order.lot, number, order.target, options)
    return upload(
        order.place.connect(),
        order.target,
        rows,
        options,
        resume=order.resume,
        control=control,
        kept=is_file,
        pace=order.pace,
        group=f"{order.files}:{order.call}" if is_file and order.files else None,
    )


@dataclass(slots=True, eq=False)
class _Running:
    control: UploadControl
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Call:
    """The partitions of one upload that this process is at, and those that ended while they were noted."""

    running: list[_Running] = field(default_factory=list)
    ended: list[Outcome] = field(default_factory=list)
    is_noted: bool = False
    is_stopped: bool = False

    @property
    def is_over(self) -> bool:
        return not (self.running or self.is_noted or self.is_stopped)


_changed: Final = Condition()
_calls: Final = defaultdict[str, _Call](_Call)


@contextmanager
def _under_way(call: str) -> Iterator[Any]:
    """Have a partition be stopped with the others of its upload."""
    running = _Running(UploadControl())
    with _changed:
        _calls[call].running.append(running)
        if _calls[call].is_stopped:
            running.control.cancel()
    try:
        yield running
    finally:
        with _changed:
            known = _calls[call]
            known.running.remove(running)
            if (known.is_noted or known.is_stopped) and running.outcome is not None:
                known.ended.append(running.outcome)
            if known.is_over:
                del _calls[call]
            _changed.notify_all()


@contextmanager
def noted(call: str) -> Iterator[None]:
    """Note the partitions of an upload that end in this process, for :func:`stopped`: a result may be on its way."""
    with _changed:
        _calls[call].is_noted = True
    try:
        yield
    finally:
        with _changed:
            _calls[call].is_noted = False
            if _calls[call].is_over:
                del _calls[call]


def stop(call: str) -> None:
    """End the partitions of an upload that this process is at, as Ctrl-C would; later ones do not begin."""
    with _changed:
        _calls[call].is_stopped = True
        for each in _calls[call].running:
            each.control.cancel()


def stopped(call: str) -> list[Outcome]:
    """Stop an upload in this process, wait for its requests under way, and return what was noted of its partitions."""
    stop(call)
    with _changed:
        while _calls[call].running:
            _changed.wait(0.2)  # some libraries keep a signal from ending a wait without a time
        return _calls[call].ended
