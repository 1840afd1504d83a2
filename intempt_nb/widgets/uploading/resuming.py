"""Uploads into a collection that were broken off, to be gone on with or forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.transfer.jobs import place_of
from intempt_nb.transfer.runs import uploads
from intempt_nb.widgets.uploading.arrivals import release

if TYPE_CHECKING:
    from intempt_nb.transfer.runs import UploadRun
    from intempt_nb.widgets.uploading.running import Place

__all__ = ["forget", "name_of", "run_view", "unfinished"]

MOST = 20


def unfinished(place: Place) -> list[UploadRun]:
    """Return the uploads into a collection that are not finished, the latest first."""
    base_url, org, collection_id = place
    target = (place_of(base_url), org, collection_id)
    return [
        each
        for each in uploads()
        if each.state in ("unfinished", "under way")
        and each.run is not None
        and (each.run.host, each.run.org, each.run.collection_id) == target
    ][:MOST]


def name_of(upload: UploadRun) -> str:
    """Return what the rows came from, in short: the name of a file without its folder."""
    origin = upload.origin or ""
    return shorten(Path(origin).name or origin)


def run_view(upload: UploadRun) -> dict[str, Any]:
    """Return an upload as JSON."""
    started = "" if upload.started is None else f"{upload.started.astimezone():%Y-%m-%d %H:%M}"
    counts = [
        f"{count:,} rows {word}"
        for count, word in ((upload.accepted, "accepted"), (upload.refused, "refused"), (upload.unknown, "unknown"))
        if count
    ]
    return {
        "id": upload.id,
        "name": name_of(upload),
        "told": ", ".join([*([f"begun {started}"] if started else []), *(counts or ["nothing accepted yet"])]),
        "elsewhere": upload.state == "under way",
    }


def forget(upload: UploadRun) -> None:
    """Forget an upload, and remove its file if it was received from the browser."""
    upload.forget()
    if upload.run is not None and upload.run.path is not None:
        release(Path(upload.run.path))
