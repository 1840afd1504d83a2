"""What is shown of an upload: its progress, and what came of it; as JSON, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, IntemptError, UploadInterrupted
from intempt_nb.transfer.report import size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.transfer.control import UploadProgress
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.widgets.uploading.running import Rate, Running

__all__ = ["MOST_REJECTS", "outcome_view", "progress_view", "report_view"]

MOST_REJECTS = 200
"""Rejects that are shown; the file has all."""

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
        "warned": running.control.warned,
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


def outcome_view(running: Running) -> dict[str, Any]:
    """Return what came of an upload that is over."""
    error, report = running.error, running.report
    cancelled = isinstance(error, UploadInterrupted)  # its notes are for those who called
    return {
        "label": running.label,
        "kind": _kind(running),
        "warned": running.control.warned,
        "text": _text(running),
        "notes": [] if cancelled else [shorten(note, 1_000) for note in getattr(error, "__notes__", ())],
        "again": error is not None and not isinstance(error, DataError),
        "report": None if report is None else report_view(report),
    }


def _kind(running: Running) -> str:
    if isinstance(running.error, UploadInterrupted):
        return "warning"
    if running.error is not None:
        return "error"
    report = running.report
    return "warning" if report is not None and (report.rejected or report.unknown) else "success"


def _text(running: Running) -> str:
    error, report = running.error, running.report
    if isinstance(error, UploadInterrupted):
        return "The check was cancelled." if running.dry_run else "The upload was cancelled. What was sent stays."
    if error is not None:
        told = str(error) if isinstance(error, IntemptError) else f"{type(error).__name__}: {error}"
        return shorten(told, 2_000)
    assert report is not None  # noqa: S101  # without an error there is one
    told = f"{report.accepted:,} of {report.rows:,} rows are in the collection"
    if report.dry_run:
        told = f"{report.planned:,} of {report.rows:,} rows can be sent"
    left = [
        f"{count:,} {word}" for count, word in ((report.rejected, "rejected"), (report.unknown, "unknown")) if count
    ]
    return f"{told}{'; ' if left else ''}{', '.join(left)}."


def report_view(report: UploadReport) -> dict[str, Any]:
    """Return a report, with the first of the rejects."""
    shown = report.rejects_table.slice(0, MOST_REJECTS).to_pylist()
    more = len(report.rejects_table) - len(shown)
    return {
        "summary": [(label, shorten(text, 1_000)) for label, text in report._summary()],
        "columns": report.rejects_table.column_names,
        "rejects": [[None if each is None else shorten(each, _LONG) for each in row.values()] for row in shown],
        "rejected": report.rejected,
        "more": more,
        "numbering": report.numbering,
    }
