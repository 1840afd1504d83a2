"""What is shown of an upload: its progress, and what came of it; as JSON, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, UploadInterrupted
from intempt_nb.transfer.jobs import SourceChangedError
from intempt_nb.transfer.report import size_text
from intempt_nb.widgets.uploading.wording import TWICE, counted, error_text, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.transfer.control import UploadProgress
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.widgets.uploading.running import Rate, Running

__all__ = ["MOST_REJECTS", "outcome_view", "progress_view", "report_view"]

MOST_REJECTS = 200
"""Rejects that are shown; the file has all."""

REJECT_COLUMNS = ["row", "field", "reason", "value", "expected"]
"""The reason stands before what may be long."""

_LONG = 200
_DOING = {
    "reading": "Reading and checking",
    "sending": "Sending",
    "paused": "Paused",
    "cancelling": "Stopping: waiting for the requests under way",
    "done": "Ending",
}


def progress_view(running: Running, rate: Rate) -> dict[str, Any]:
    """Return how far an upload has come."""
    now = running.control.progress
    settled = now.rows if running.dry_run else now.accepted + now.rejected + now.unknown
    exact = now.total_rows is not None
    total = now.total_rows if exact else running.expected
    if total is not None and not exact:
        total = max(total, now.rows)
    speed = rate.after(now.seconds, settled - now.known)
    left = None if speed is None or total is None or now.state != "sending" else (total - settled) / speed
    doing = _DOING["reading" if running.dry_run and now.state == "sending" else now.state]
    of = "" if total is None else f" of {'' if exact else 'about '}{total:,}"
    return {
        "label": running.label,
        "dry_run": running.dry_run,
        "state": now.state,
        "doing": doing,
        "warned": None if running.control.warned is None else TWICE,
        "value": None if total is None else settled,
        "max": max(total or 1, 1),
        "facts": _facts(now, f"{settled:,}{of}", speed, left, dry_run=running.dry_run),
        "said": f"{doing}: {settled:,}{of} rows",
    }


def _facts(
    now: UploadProgress, rows: str, speed: float | None, left: float | None, *, dry_run: bool
) -> list[tuple[str, str]]:
    """Return what is known, a label and a text each."""
    facts = [("Rows", rows)]
    if not dry_run:
        facts.append(("Accepted", f"{now.accepted:,}" + (f", {now.known:,} of them before" if now.known else "")))
    facts.append(("Rejected", f"{now.rejected:,}"))
    if now.unknown:
        facts.append(("Unknown", f"{now.unknown:,}"))
    verb = "Would take" if dry_run else "Sent"
    facts.append((verb, f"{size_text(now.sent_bytes)}, {now.requests:,} request{'' if now.requests == 1 else 's'}"))
    if now.state in ("reading", "sending"):
        facts.append(("Rate", "not known yet" if speed is None else f"{speed:,.0f} rows a second"))
    if left is not None:
        facts.append(("Time left", f"about {_time(left)}"))
    facts.append(("Time", _time(now.seconds)))
    if now.troubles:
        facts.append(("Sent again after", _troubles(now.troubles)))
    if now.waiting:
        facts.append(("Waiting", now.waiting))
    return facts


def _time(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _troubles(troubles: Mapping[str, int]) -> str:
    words = {"429": "too many requests (429)"}
    told = (
        f"{words.get(what, what if not what.isdigit() else f'status {what}')}: {count:,}"
        for what, count in troubles.items()
    )
    return ", ".join(told)


def outcome_view(running: Running, *, again: bool = False) -> dict[str, Any]:
    """Return what came of an upload that is over.

    Parameters
    ----------
    running
        The upload.
    again
        Whether it can be gone on with, if it ended early.
    """
    error, report = running.error, running.report
    again = again and error is not None and not isinstance(error, DataError)
    return {
        "label": running.label,
        "title": _title(error),
        "kind": _kind(running),
        "warned": None if running.control.warned is None else TWICE,
        "text": _text(running, again=again),
        "again": again,
        "changed": isinstance(error, SourceChangedError),
        "report": None if report is None else report_view(report, again=again),
    }


def _title(error: BaseException | None) -> str:
    if error is None:
        return "the upload is over"
    return "the upload was cancelled" if isinstance(error, UploadInterrupted) else "the upload ended early"


def _kind(running: Running) -> str:
    if isinstance(running.error, UploadInterrupted):
        return "warning"
    if running.error is not None:
        return "error"
    report = running.report
    return "warning" if report is not None and (report.rejected or report.unknown) else "success"


def _text(running: Running, *, again: bool) -> str:
    error, report = running.error, running.report
    if isinstance(error, UploadInterrupted):
        return "The check was cancelled." if running.dry_run else "The upload was cancelled. What was sent stays."
    if error is not None:
        told = error_text(error, running.label, again=again)
        sent = 0 if report is None or report.dry_run else report.accepted
        return f"{told}\n{sent:,} rows were accepted before this, and they stay." if sent else told
    assert report is not None  # noqa: S101  # without an error there is one
    return counted(report, running.before)


def report_view(report: UploadReport, *, again: bool) -> dict[str, Any]:
    """Return a report, with the first of the rejects; `again`: whether the panel offers to go on."""
    shown = report.rejects_table.slice(0, MOST_REJECTS).select(REJECT_COLUMNS).to_pylist()
    more = len(report.rejects_table) - len(shown)
    return {
        "summary": list(summary(report, again=again)),
        "columns": REJECT_COLUMNS,
        "rejects": [_reject(each) for each in shown],
        "rejected": report.rejected,
        "more": more,
        "numbering": report.numbering,
    }


def _reject(reject: Mapping[str, Any]) -> list[str | None]:
    """Return a rejected row as cells; one that could not be cut into cells is meant as a whole."""
    told = {**reject, "field": "(whole line)" if reject["field"] is None else reject["field"]}
    return [None if each is None else shorten(each, _LONG) for each in told.values()]
