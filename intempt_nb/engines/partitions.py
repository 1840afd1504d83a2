"""One partition, on a worker: uploaded as any rows are, and what became of it told in a form that travels."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.engines.outcomes import Outcome, failed, outcome_of
from intempt_nb.errors import UploadInterrupted
from intempt_nb.transfer.upload import upload

if TYPE_CHECKING:
    from intempt_nb.engines.pacing import SharedPace
    from intempt_nb.engines.places import Place
    from intempt_nb.transfer.options import Target, UploadOptions

__all__ = ["Order", "carry_out"]


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
        When requests may begin, asked of the driver.
    lot
        What keys are made of where rows have none; None if they need none.
    resume
        Whether rows of a file that an earlier run from the same machine has brought are left out.
    """

    place: Place
    target: Target
    options: UploadOptions
    pace: SharedPace
    lot: str | None = None
    resume: bool = True


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
        A path, or what an upload takes.
    """
    begun = time.perf_counter()
    try:
        report = upload(
            order.place.connect(),
            order.target,
            rows,
            order.options,
            resume=order.resume,
            kept=isinstance(rows, Path),
            pace=order.pace,
        )
        return outcome_of(report, number, origin)
    except UploadInterrupted:
        raise
    except Exception as error:  # noqa: BLE001  (of any library that reads a partition)
        return failed(error, number, origin, time.perf_counter() - begun)
