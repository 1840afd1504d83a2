"""An upload that was broken off, gone on with by its id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.transfer.runs import UploadRun

ROWS = pd.DataFrame({"key": [f"i{n}" for n in range(100)], "total": range(100)})
BY_HAND = {"key": "id", "total": "n"}


@pytest.fixture
def things(shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> inb.CollectionHandle:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    return collection(shop, "things")


def collection(shop: inb.SourceHandle, name: str) -> inb.CollectionHandle:
    fields: list[dict[str, Any]] = [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]
    found = shop.create_collection(name, {"type": "record", "name": name, "fields": fields}, kind="event")
    found.create_identifier("id", fields=["id"])
    return found


def broken_off(client: inb.Client, things: inb.CollectionHandle, source: Any = ROWS) -> UploadRun:
    client.sandbox.faults({"path": "/sources/*/data", "on": 4, "status": 401})
    with pytest.raises(inb.AuthenticationError):
        things.upload(source, limits=inb.Limits(batch_rows=10), columns=BY_HAND)
    return next(each for each in inb.uploads() if each.collection == things.name)


def test_rows_of_a_frame_that_is_gone_are_gone_on_with_as_they_were_mapped(
    client: inb.Client, things: inb.CollectionHandle
) -> None:
    run, control = broken_off(client, things), inb.UploadControl()
    report = things.resume_upload(run, workers=2, control=control)
    assert (report.known, report.accepted, control.progress.accepted) == (30, 100, 100)
    assert things.load()["n"].sum() == sum(range(100))
    assert (inb.uploads().find(run.id).state, len(inb.uploads())) == ("finished", 1)


def test_it_is_cancelled_and_gone_on_with_again(client: inb.Client, things: inb.CollectionHandle) -> None:
    run, control = broken_off(client, things), inb.UploadControl()
    control.cancel()
    with pytest.raises(inb.UploadInterrupted, match="the upload was cancelled"):
        things.resume_upload(run, control=control)
    assert inb.uploads().find(run.id).accepted == 30
    assert things.resume_upload(run).accepted == 100


def test_it_goes_on_only_where_it_went(
    client: inb.Client, things: inb.CollectionHandle, shop: inb.SourceHandle, tmp_path: Path
) -> None:
    path = tmp_path / "things.csv"
    ROWS.to_csv(path, index=False)
    run = broken_off(client, things, path)
    with pytest.raises(inb.UploadError, match="went to things of sandbox; resume it from that collection"):
        collection(shop, "others").resume_upload(run)
    assert run.run is not None
    with pytest.raises(inb.UploadError, match="went to elsewhere, not to http"):
        things.resume_upload(replace(run, run=replace(run.run, host="elsewhere")))
    with pytest.raises(inb.UploadError, match="went to things of others; resume it from that collection"):
        things.resume_upload(replace(run, run=replace(run.run, org="others")))
    with pytest.raises(inb.ConfigurationError, match="workers is 0"):
        things.resume_upload(run, workers=0)
    path.write_text(path.read_text() + "x,1\n")
    with pytest.raises(inb.UploadError, match=r"things\.csv is not what it was when the upload began"):
        things.resume_upload(run)
    path.unlink()
    with pytest.raises(inb.DataError, match=r"no file .*things\.csv"):
        things.resume_upload(run)
    assert len(things.load()) == 30
