"""What the driver's desk is told of a write, as JSON: its outcomes one by one, then that it is over."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from intempt_nb.engines.desk import LONGEST
from intempt_nb.engines.outcomes import EngineReport, Outcome
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from intempt_nb.engines.desk import DeskAddress

__all__ = ["Hearing", "tell"]

_LOG: Final = logging.getLogger("intempt_nb")
_ROOM: Final = LONGEST - 100_000


def tell(desk: DeskAddress | None, write: str, report: EngineReport) -> None:
    """Tell the driver what became of a write, or the log where the driver cannot be reached.

    Parameters
    ----------
    desk
        The driver's; None if there is none.
    write
        Tells this write from others.
    report
        Of the write.
    """
    try:
        if desk is None:
            raise ConnectionError("the data source was not registered with a client")
        for outcome in report.outcomes:
            desk.call("outcome", {"write": write, "outcome": _short(outcome)})
        desk.call("report", {"write": write, "collection": report.collection, "seconds": report.seconds})
    except (OSError, TransportError) as error:  # the rows are there all the same
        _LOG.warning("the driver does not hear of this write (%s):\n%s", error, report)


def _short(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON that is no longer than a line may be."""
    told = _told(outcome)
    if len(json.dumps(told)) <= _ROOM:
        return told
    _LOG.warning("the rejected rows of %s are too long for the driver, which is told only why", outcome.origin)
    return _told(replace(outcome, rejected_rows=None))


def _told(outcome: Outcome) -> dict[str, Any]:
    rows = outcome.rejected_rows
    return {
        "number": outcome.number,
        "origin": outcome.origin,
        "counts": dict(outcome.counts),
        "seconds": outcome.seconds,
        "host": outcome.host,
        "rejects": _text(outcome.rejects),
        "rejected_rows": None if rows is None else _text(rows),
        "unknown_rows": _text(pa.table({"row": outcome.unknown_rows})),
        "troubles": dict(outcome.troubles),
        "key_rule": outcome.key_rule,
        "ignored": list(outcome.ignored),
        "error": outcome.error,
    }


def _heard(told: dict[str, Any]) -> Outcome:
    rows = told["rejected_rows"]
    unknown = _table(told["unknown_rows"]).column("row").combine_chunks()
    return Outcome(
        **{
            **told,
            "rejects": _table(told["rejects"]),
            "rejected_rows": None if rows is None else _table(rows),
            "unknown_rows": unknown,
            "ignored": tuple(told["ignored"]),
        }
    )


def _text(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table)
    return base64.b64encode(sink.getvalue()).decode()


def _table(text: str) -> pa.Table:
    return pa.ipc.open_stream(base64.b64decode(text)).read_all()


class Hearing:
    """The driver's end: makes reports of what is told.

    Parameters
    ----------
    done
        Called with each report.
    """

    def __init__(self, done: Callable[[EngineReport], None]) -> None:
        self._done = done
        self._outcomes: dict[str, list[Outcome]] = {}

    def handlers(self) -> dict[str, Callable[[Any], Any]]:
        """Return what the desk answers."""
        return {"outcome": self._outcome, "report": self._report}

    def _outcome(self, value: dict[str, Any]) -> None:
        self._outcomes.setdefault(value["write"], []).append(_heard(value["outcome"]))

    def _report(self, value: dict[str, Any]) -> None:
        found = {each.number: each for each in self._outcomes.pop(value["write"], [])}  # a line may come twice
        outcomes = tuple(found[number] for number in sorted(found))
        self._done(EngineReport(value["collection"], outcomes, value["seconds"]))
