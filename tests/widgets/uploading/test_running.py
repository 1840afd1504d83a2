"""Uploads on threads of their own: what is kept of them, and for whom."""

from __future__ import annotations

import gc
from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import ref

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.widgets.uploading.running import Running
from panels import act

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from intempt_nb.transfer.report import UploadReport

FIELDS: list[dict[str, Any]] = [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]


@pytest.fixture
def things(shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> inb.CollectionHandle:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    found = shop.create_collection("things", {"type": "record", "name": "things", "fields": FIELDS}, kind="event")
    found.create_identifier("id", fields=["id"])
    return found


@pytest.mark.parametrize("status", [200, 401])
def test_an_upload_that_is_over_lets_go_of_its_rows(
    things: inb.CollectionHandle, client: inb.Client, status: int
) -> None:
    if status != 200:
        client.sandbox.faults({"path": "/sources/*/data", "status": status})
    frame = pd.DataFrame({"id": ["a"], "n": [1]})
    kept, panel = ref(frame), inb.widgets.UploadPanel(things, frame)
    panel.wait(30)
    state = act(panel, "start")
    assert state["outcome"]["kind"] == ("success" if status == 200 else "error")
    panel.close()
    del frame, panel, state
    gc.collect()
    assert kept() is None
    assert inb.widgets.UploadPanel(things).state["stage"] == "done"  # what came of it is still shown


def failing(rows: object) -> Callable[[inb.UploadControl], UploadReport]:
    def work(control: inb.UploadControl) -> UploadReport:
        try:
            raise KeyError(id(rows))
        except KeyError as error:
            raise ValueError("broken") from error

    return work


def test_what_went_wrong_is_logged_and_kept_without_the_rows(caplog: pytest.LogCaptureFixture) -> None:
    rows = pd.DataFrame({"id": ["a"]})
    kept, running = ref(rows), Running("rows", failing(rows))
    del rows
    running.start()
    assert running.wait(30)
    gc.collect()
    assert str(running.error) == "broken"
    assert "in work" in caplog.text
    assert kept() is None


def test_a_panel_that_is_closed_is_still_waited_for(things: inb.CollectionHandle) -> None:
    panel = inb.widgets.UploadPanel(things, pd.DataFrame({"id": ["a"], "n": [1]}))
    panel.wait(30)
    go_on, upload = Event(), things.upload
    things.upload = lambda *rows, **options: go_on.wait(30) and upload(*rows, **options)  # type: ignore[method-assign]  # held up until it is closed
    act(panel, "start", wait=None)
    panel.close()
    with pytest.raises(TimeoutError):
        panel.wait(0.6)
    go_on.set()
    panel.wait(30)
    assert panel.report.accepted == 1
