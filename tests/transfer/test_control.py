"""An upload in other hands, with the real sandbox: paused, gone on with, cancelled at each point, looked at."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = pd.DataFrame({"id": [f"i{n}" for n in range(400)], "n": range(400)})
TENS = inb.Limits(batch_rows=10)
POSTS = "/sources/*/data"
COUNTS = ("rows", "accepted", "rejected", "known", "unknown", "requests", "sent_bytes", "seconds")


@pytest.fixture
def things(shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> inb.CollectionHandle:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    fields: list[dict[str, Any]] = [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]
    found = shop.create_collection("things", {"type": "record", "name": "things", "fields": fields}, kind="event")
    found.create_identifier("id", fields=["id"])
    return found


class Upload:
    """An upload in a thread that is not the main one, as a panel runs it."""

    def __init__(self, call: Callable[[], inb.UploadReport]) -> None:
        self.report: inb.UploadReport | None = None
        self.error: BaseException | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.report = self._call()
        except BaseException as error:  # noqa: BLE001  (looked at by the tests)
            self.error = error

    def ended(self) -> Upload:
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert not [each.name for each in threading.enumerate() if each.name.startswith("intempt-")]
        return self


def upload(things: inb.CollectionHandle, control: inb.UploadControl, rows: Any = ROWS, **options: Any) -> Upload:
    return Upload(lambda: things.upload(rows, limits=TENS, control=control, **options))


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def watched(control: inb.UploadControl) -> Iterator[list[Any]]:
    """Look at a control all the time."""
    seen, over = [control.progress], threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            seen.append(control.progress)

    thread = threading.Thread(target=look)
    thread.start()
    yield seen
    over.set()
    thread.join()


@pytest.mark.parametrize("workers", [1, 3])
def test_nothing_is_sent_while_it_is_paused_and_all_of_it_in_the_end(
    client: inb.Client, things: inb.CollectionHandle, workers: int
) -> None:
    control = inb.UploadControl()
    client.sandbox.faults({"path": POSTS, "delay": 0.02})
    with watched(control) as seen:
        running = upload(things, control, workers=workers)
        until(lambda: control.progress.accepted >= 20)
        control.pause()
        assert (control.paused, control.progress.state) == (True, "paused")
        time.sleep(0.3)  # for the requests under way
        before = len(things.load())
        time.sleep(0.4)
        assert len(things.load()) == before == control.progress.accepted < 400
        control.resume()
        report = running.ended().report
    assert report is not None
    assert (report.accepted, len(things.load())) == (400, 400)
    assert all(getattr(one, name) <= getattr(two, name) for one, two in pairwise(seen) for name in COUNTS)
    assert {"reading", "sending", "paused"} <= {each.state for each in seen}
    last = control.progress
    assert (last.state, last.total_rows, last.rows, last.accepted) == ("done", 400, 400, 400)
    assert (last.requests, last.sent_bytes) == (report.requests, report.sent_bytes)


def while_sending(client: inb.Client, control: inb.UploadControl) -> None:
    until(lambda: control.progress.accepted >= 50)


def while_paused(client: inb.Client, control: inb.UploadControl) -> None:
    while_sending(client, control)
    control.pause()
    time.sleep(0.3)


def while_it_has_to_wait(client: inb.Client, control: inb.UploadControl) -> None:
    while_sending(client, control)
    client.sandbox.faults({"path": POSTS, "status": 503, "retry_after": 60})
    until(lambda: control.progress.waiting)
    assert control.progress.waiting == "the server asked to wait"
    assert control.progress.troubles["503"] >= 1
    control.pause()
    assert control.progress.waiting is None


@pytest.mark.parametrize("moment", [while_sending, while_paused, while_it_has_to_wait])
@pytest.mark.parametrize(("workers", "on_unknown"), [(1, "repost"), (3, "repost"), (2, "skip")])
def test_it_is_cancelled_and_the_same_call_brings_the_rest(
    client: inb.Client,
    things: inb.CollectionHandle,
    capfd: pytest.CaptureFixture[str],
    moment: Callable[[inb.Client, inb.UploadControl], None],
    workers: int,
    on_unknown: str,
) -> None:
    client.sandbox.faults({"path": POSTS, "delay": 0.02})
    control = inb.UploadControl()
    running = upload(things, control, workers=workers, on_unknown=on_unknown, progress=False)
    moment(client, control)
    control.cancel()
    error = running.ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert str(error) == "the upload was cancelled"
    assert error.__notes__[-1] == "Make the same call again to go on from there."
    stored = len(things.load())
    assert (error.report.accepted, error.report.complete, error.report.unknown) == (stored, False, 0)
    assert 50 <= stored < 400
    assert (control.progress.state, control.progress.accepted) == ("done", stored)
    assert "Stopping" not in capfd.readouterr().err
    (listed,) = inb.uploads()
    assert (listed.state, listed.accepted, listed.unknown) == ("unfinished", stored, 0)
    client.sandbox.clear_faults()
    for pace in state_folder().glob("*.pace"):  # it would keep to the wait that was asked for
        pace.unlink()
    report = things.upload(ROWS, limits=TENS, on_unknown=on_unknown)
    assert (report.known, report.accepted, len(things.load())) == (stored, 400, 400)


def test_it_is_cancelled_while_there_is_no_room_for_more(client: inb.Client, things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    client.sandbox.faults({"path": POSTS, "delay": 0.1})
    running = Upload(lambda: things.upload(ROWS, limits=inb.Limits(batch_rows=1), control=control, progress=False))
    until(lambda: control.progress.accepted >= 3)
    control.cancel()
    error = running.ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert 3 <= error.report.accepted == len(things.load()) < 100


def test_a_copy_that_is_being_made_goes_when_it_is_cancelled(things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    (batch,) = pa.table({"id": ["a"] * 65_536, "n": [1] * 65_536}).to_batches()

    def endless() -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            yield batch
        control.cancel()
        while True:
            yield batch

    stream = pa.RecordBatchReader.from_batches(batch.schema, endless())
    error = upload(things, control, stream).ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert (error.report, control.progress.state, list(inb.uploads())) == (None, "done", [])
    assert list((state_folder() / "uploads").iterdir()) == []


class AtSecondBlock(inb.UploadControl):
    """Is cancelled when some rows have been read."""

    def _check(self) -> None:
        if self.progress.rows:
            self.cancel()
        super()._check()


def test_it_is_cancelled_while_the_content_is_looked_at(things: inb.CollectionHandle, tmp_path: Path) -> None:
    path, control = tmp_path / "things.csv", AtSecondLook()
    ROWS.to_csv(path, index=False)
    error = upload(things, control, path).ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert (error.report, control.looks, list(inb.uploads())) == (None, 2, [])


class AtSecondLook(inb.UploadControl):
    """Is cancelled right after the upload has begun."""

    looks = 0

    def _check(self) -> None:
        self.looks += 1
        if self.looks == 2:
            self.cancel()
        super()._check()


@pytest.mark.parametrize("dry_run", [True, False])
def test_it_is_cancelled_while_it_finds_nothing_to_send(things: inb.CollectionHandle, dry_run: bool) -> None:
    bad = pd.DataFrame({"id": ["a"] * 200_000, "n": ["x"] * 200_000})
    error = upload(things, AtSecondBlock(), bad, dry_run=dry_run).ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert 0 < error.report.rows == error.report.rejected < 200_000
    assert (error.report.requests, error.report.dry_run, error.report.complete) == (0, dry_run, False)
    assert ("the same call goes on" in repr(error.report)) is not dry_run


def test_who_cancels_is_not_told_to_interrupt_again(
    client: inb.Client, things: inb.CollectionHandle, capfd: pytest.CaptureFixture[str]
) -> None:
    client.sandbox.faults({"path": POSTS, "delay": 1.0})
    rows = pd.DataFrame({"id": ["a"] * 200_000, "n": 1})
    control = AtSecondBlock()
    error = Upload(lambda: things.upload(rows, control=control, progress=False)).ended().error
    assert isinstance(error, inb.UploadInterrupted)
    assert "Stopping" not in capfd.readouterr().err


def test_a_dry_run_waits_and_is_cancelled_too(things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    control.pause()
    running = upload(things, control, dry_run=True)
    time.sleep(0.2)
    assert (control.progress.state, control.progress.rows) == ("paused", 0)
    control.resume()
    assert running.ended().report is not None
    assert (control.progress.state, control.progress.total_rows, control.progress.accepted) == ("done", 400, 0)
    control.pause()
    running = upload(things, control, dry_run=True)
    until(lambda: control.progress.state == "paused")
    control.cancel()
    assert isinstance(running.ended().error, inb.UploadInterrupted)


def test_what_fails_ends_it_although_it_is_paused(client: inb.Client, things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    client.sandbox.faults({"path": POSTS, "on": 1, "status": 401, "delay": 0.6}, {"path": POSTS, "delay": 0.02})
    running = upload(things, control, workers=3)
    until(lambda: control.progress.accepted)
    control.pause()
    assert isinstance(running.ended().error, inb.AuthenticationError)
    assert control.paused
    assert control.progress.state == "done"


def test_a_deadline_counts_pauses(things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    control.pause()
    error = upload(things, control, deadline=0.4).ended().error
    assert isinstance(error, inb.UploadError)
    assert "not finished within the deadline of 0.4 s" in str(error)
    assert len(things.load()) == 0


def test_a_control_serves_one_upload_at_a_time_until_it_is_cancelled(things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    assert control.progress.state == "reading"
    control.pause()
    running = upload(things, control)
    until(lambda: control.progress.rows)
    with pytest.raises(inb.UploadError, match=r"serves an upload that is under way; make another inb\.UploadControl"):
        things.upload(ROWS, control=control)
    control.resume()
    assert running.ended().report is not None
    report = things.upload(ROWS, control=control)
    assert (report.known, control.progress.known, control.progress.requests) == (400, 400, 0)
    control.cancel()
    with pytest.raises(inb.UploadInterrupted, match="the upload was cancelled"):
        things.upload(ROWS, control=control)
    assert (control.cancelled, control.progress.state) == (True, "done")
    with pytest.raises(inb.ConfigurationError, match=r"control is True; expected inb\.UploadControl\(\), or None"):
        things.upload(ROWS, control=True)  # type: ignore[arg-type]  # a slip


@pytest.mark.filterwarnings("ignore::intempt_nb.transfer.twice.TwiceWarning")
def test_a_warning_is_told_until_the_next_upload(things: inb.CollectionHandle, tmp_path: Path) -> None:
    path, control = tmp_path / "a.csv", inb.UploadControl()
    path.write_text("n\n1\n")
    things.upload(path, control=control)
    path.write_text("n\n2\n")
    things.upload(path, control=control)
    assert "other content" in str(control.warned)
    things.upload(ROWS, control=control)
    assert control.warned is None


def test_rows_put_right_are_in_other_hands_too(things: inb.CollectionHandle) -> None:
    control = inb.UploadControl()
    report = things.upload(ROWS.astype({"n": str}).replace({"n": {"7": "seven"}}), control=control)
    assert (control.progress.rejected, report.rejected) == (1, 1)
    report.retry(report.rejected_rows.assign(n="7"), control=control)
    assert (control.progress.accepted, control.progress.rejected) == (1, 0)
