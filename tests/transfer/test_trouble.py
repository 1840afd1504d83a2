"""One trouble at a time, each with the real sandbox: what the error says, and that the same call brings the rest."""

from __future__ import annotations

import _thread
import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import formatdate
from itertools import cycle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import uvicorn.server
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

import intempt_nb as inb
from intempt_nb.api import answers
from intempt_nb.server.serve import EmbeddedServer
from intempt_nb.transfer import journal, lanes
from intempt_nb.transfer.outgoing import AHEAD
from limits import file_limit
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FIELDS: list[dict[str, Any]] = [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]
ROWS = 600
TENS = inb.Limits(batch_rows=10)


@dataclass
class Wire:
    """What comes to the bulk endpoint, and a function that may answer in place of the sandbox, given a row of each."""

    answer: Callable[[int], Any] = lambda first: None
    came: list[list[int]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)


class Watch:
    """Middleware that tells a wire of every bulk request."""

    def __init__(self, app: Any, wire: Wire) -> None:
        self.app = app
        self.wire = wire

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or "/sources/" not in scope["path"]:
            await self.app(scope, receive, send)
            return
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
        rows = [item["n"] for item in answers._object(body)["things"]]  # type: ignore[index]  # the tests' own items
        self.wire.came.append(rows)
        answer = await asyncio.to_thread(self.wire.answer, rows[0])
        if answer is not None:
            await answer(scope, receive, send)
            return

        async def replay() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)
        self.wire.stored += rows


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def server(wire: Wire) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(middleware=[Middleware(Watch, wire=wire)]) as running:
        yield running


@contextmanager
def connected(server: EmbeddedServer, timeout: float = 30.0) -> Iterator[inb.Client]:
    with inb.Client(server.org, server.api_key, server.url, timeout=timeout) as client:
        yield client


@pytest.fixture
def things(server: EmbeddedServer) -> Iterator[inb.CollectionHandle]:
    with connected(server) as client:
        things = client.create_source("shop").create_collection(
            "things", {"type": "record", "name": "things", "fields": FIELDS}
        )
        things.create_identifier("key", fields=["id"])
        yield things


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "things.csv", range(ROWS))


def written(path: Path, numbers: Any) -> Path:
    path.write_text("id,n\n" + "".join(f"k{place},{n}\n" for place, n in enumerate(numbers)), encoding="utf-8")
    return path


def refusal(status: int, **headers: str) -> JSONResponse:
    return JSONResponse({"status": status, "error": "No", "message": "not now"}, status, headers)


def numbers(things: inb.CollectionHandle) -> list[int]:
    found: list[int] = sorted(things.load()["n"].tolist())
    return found


def check_the_rest(things: inb.CollectionHandle, path: Path, wire: Wire, *, twice: int, **options: Any) -> None:
    """The same call brings the rest, and sends no more rows again than were in doubt."""
    before = len(wire.stored)
    report = things.upload(path, limits=TENS, progress=False, **options)
    assert (report.complete, report.accepted, report.rejected, report.unknown) == (True, ROWS, 0, 0)
    assert ROWS <= len(wire.stored) <= ROWS + twice
    assert report.known >= before - twice > 0
    assert numbers(things) == list(range(ROWS))


def test_a_full_disk_stops_the_upload_and_nothing_is_lost(things: inb.CollectionHandle, path: Path, wire: Wire) -> None:
    with file_limit(200_000), pytest.raises(inb.UploadError, match="free some space, then run the same again") as full:
        things.upload(path, limits=inb.Limits(batch_rows=1), progress=False)
    report = full.value.report
    assert (report.complete, report.accepted) == (False, len(wire.stored))
    check_the_rest(things, path, wire, twice=AHEAD + 1)  # what was noted as about to be sent, and not as accepted


def test_a_damaged_journal_is_a_clear_error_and_can_be_passed_over(
    things: inb.CollectionHandle, path: Path, wire: Wire, state: Path
) -> None:
    run = things.upload(path, progress=False).run
    wire.stored.clear()
    (state / "uploads" / f"{run}.db").write_bytes(b"no journal" * 1000)
    with pytest.raises(inb.UploadError, match=f"cannot be read.*resume=False.*intempt-nb uploads forget {run}"):
        things.upload(path, progress=False)
    assert wire.stored == []
    report = things.upload(path, resume=False, progress=False)
    assert (report.accepted, report.known, sorted(wire.stored)) == (ROWS, 0, list(range(ROWS)))
    assert things.upload(path, progress=False).known == ROWS


@pytest.mark.parametrize("copied", [False, True])
def test_of_two_uploads_of_the_same_at_once_the_second_is_refused(
    things: inb.CollectionHandle, path: Path, wire: Wire, copied: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def answer(first: int) -> None:
        begun.set()
        go_on.wait(60)

    def first() -> None:
        reports.append(things.upload(source(), progress=False))

    def source() -> Any:
        return pd.read_csv(path) if copied else path

    reports: list[inb.UploadReport] = []
    wire.answer = answer
    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert begun.wait(60)
        with pytest.raises(inb.UploadError, match="under way in another process, notebook or thread"):
            things.upload(source(), progress=False)
        assert len(wire.came) == 1
    finally:
        go_on.set()
        thread.join()
    assert [(each.complete, each.accepted) for each in reports] == [(True, ROWS)]
    assert sorted(wire.stored) == list(range(ROWS))


def test_a_clock_that_jumps_changes_nothing(
    things: inb.CollectionHandle, path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = cycle([0, -30, 500, 3, -200, 1])
    now = time.time  # the server's own clock is right

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=next(hours))

    def answer(first: int) -> Any:
        if len(wire.came) == 40:
            return refusal(429, **{"retry-after": formatdate(now() + 1, usegmt=True)})
        return refusal(503) if len(wire.came) == 6 else None

    wire.answer = answer
    monkeypatch.setattr(time, "time", lambda: now() + next(hours) * 3600)
    monkeypatch.setattr(uvicorn.server, "time", SimpleNamespace(time=now))
    monkeypatch.setattr(answers, "datetime", Jumping)
    monkeypatch.setattr(journal, "datetime", Jumping)
    report = things.upload(path, limits=TENS, workers=4, deadline=60, progress=False)
    assert (report.complete, report.accepted) == (True, ROWS)
    assert sorted(wire.stored) == list(range(ROWS))
    assert things.upload(path, progress=False).requests == 0


def test_a_key_that_is_refused_in_the_middle_stops_at_once(
    things: inb.CollectionHandle, path: Path, wire: Wire
) -> None:
    refused: list[int] = []

    def answer(first: int) -> Any:
        if len(wire.stored) < 100 and not refused:
            return None
        refused.append(first)
        return refusal(401)

    wire.answer = answer
    with pytest.raises(inb.AuthenticationError) as caught:
        things.upload(path, limits=TENS, workers=4, progress=False)
    assert len(refused) <= 4
    report = caught.value.report
    assert (report.complete, report.accepted) == (False, len(wire.stored))
    assert f"{report.accepted} rows were accepted" in "".join(caught.value.__notes__)
    wire.answer = lambda first: None
    check_the_rest(things, path, wire, twice=0, workers=4)


def test_rows_that_were_never_sent_are_not_in_doubt(things: inb.CollectionHandle, path: Path, wire: Wire) -> None:
    """Batches are sent in halves here, so that the upload stops in the middle of one."""

    def answer(first: int) -> Any:
        if len(wire.came[-1]) > 5:
            return refusal(413)
        return refusal(401) if first == 105 and stops else None

    stops = True
    wire.answer = answer
    with pytest.raises(inb.AuthenticationError):
        things.upload(path, limits=TENS, on_unknown="skip", progress=False)
    stops = False
    check_the_rest(things, path, wire, twice=0, on_unknown="skip")


def test_rows_in_doubt_are_an_error_each_time_until_someone_decides(
    server: EmbeddedServer, things: inb.CollectionHandle, path: Path, wire: Wire
) -> None:
    with connected(server) as client, client.sandbox.faults({"path": "/sources/*/data", "on": 3, "drop": "after"}):
        for error in ("it was sent, but no answer came", "choose on_unknown='repost' to send them again, or 'skip'"):
            with pytest.raises(inb.DeliveryUnknownError, match=error):
                things.upload(path, limits=TENS, on_unknown="raise", progress=False)
            assert wire.stored == list(range(30))
        check_the_rest(things, path, wire, twice=10)


def test_a_file_that_changes_meanwhile_is_an_error_and_is_sent_as_it_is_then(
    things: inb.CollectionHandle, path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "WAITING", 1)  # the end of it is not read before the first is sent
    wire.answer = lambda first: written(path, range(1, ROWS + 1)) and None if first == 300 else None
    with pytest.raises(inb.UploadError, match="has changed while it was uploaded; upload it again") as caught:
        things.upload(path, limits=TENS, progress=False)
    assert not caught.value.report.complete
    assert things.upload(path, limits=TENS, progress=False).known == 0
    assert numbers(things) == list(range(1, ROWS + 1))


def test_a_second_interruption_does_not_wait(
    things: inb.CollectionHandle, path: Path, wire: Wire, capfd: pytest.CaptureFixture[str]
) -> None:
    waits, go_on = threading.Event(), threading.Event()

    def answer(first: int) -> None:
        if len(wire.stored) >= 200 and not go_on.is_set():
            waits.set()
            go_on.wait(60)

    def interrupt_twice() -> None:
        waits.wait(60)
        _thread.interrupt_main()
        said = ""
        while "Interrupt again to stop at once" not in said:
            time.sleep(0.05)
            said += capfd.readouterr().err
        _thread.interrupt_main()

    wire.answer = answer
    thread = threading.Thread(target=interrupt_twice)
    thread.start()
    with pytest.raises(inb.UploadInterrupted) as caught:
        things.upload(path, limits=TENS, progress=False)
    assert not go_on.is_set()
    thread.join()
    assert caught.value.report.accepted == len(wire.stored) == 200
    go_on.set()
    check_the_rest(things, path, wire, twice=10)


def test_the_deadline_ends_an_upload_that_goes_on_later(things: inb.CollectionHandle, path: Path, wire: Wire) -> None:
    go_on = threading.Event()
    wire.answer = lambda first: go_on.wait(60) and None if len(wire.came) >= 10 else None
    with pytest.raises(inb.UploadError, match=r"not finished within the deadline of 2 s") as caught:
        things.upload(path, limits=TENS, deadline=2, progress=False)
    go_on.set()
    assert caught.value.report.accepted <= 90
    check_the_rest(things, path, wire, twice=10)


def test_a_server_that_comes_up_late_is_waited_for(path: Path, tmp_path: Path) -> None:
    db, port = tmp_path / "server.db", free_port()
    with EmbeddedServer(db, port=port) as server, connected(server) as client:
        things = client.create_source("shop").create_collection(
            "things", {"type": "record", "name": "things", "fields": FIELDS}
        )
        things.create_identifier("key", fields=["id"])
        server.stop()
        later: list[EmbeddedServer] = []
        timer = threading.Timer(1.0, lambda: later.append(EmbeddedServer(db, api_key=server.api_key, port=port)))
        timer.start()
        try:
            assert things.upload(path, progress=False).accepted == ROWS
            assert numbers(things) == list(range(ROWS))
        finally:
            timer.join()
            later[0].stop()


def test_what_another_upload_has_overwritten_is_sent_again(
    things: inb.CollectionHandle, path: Path, tmp_path: Path, wire: Wire
) -> None:
    other = written(tmp_path / "other.csv", range(ROWS, 2 * ROWS))
    for each, first in ((path, 0), (other, ROWS), (path, 0)):
        report = things.upload(each, progress=False)
        assert (report.accepted, report.known) == (ROWS, 0)
        assert numbers(things) == list(range(first, first + ROWS))
    assert (things.upload(path, progress=False).known, len(wire.stored)) == (ROWS, 3 * ROWS)
