from __future__ import annotations

import _thread
import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

import intempt_nb as inb
from intempt_nb.api.retries import Failure
from intempt_nb.api.transport import Transport
from intempt_nb.server.serve import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string"},
    {"name": "n", "type": ["null", "long"], "default": None},
]


def make(source: inb.SourceHandle, fields: list[dict[str, Any]] | None = None) -> inb.CollectionHandle:
    schema = {"type": "record", "name": "things", "fields": fields or FIELDS}
    things = source.create_collection("things", schema)
    things.create_identifier("key", fields=["id"])
    return things


@pytest.fixture
def things(shop: inb.SourceHandle) -> inb.CollectionHandle:
    return make(shop)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def frame_of(count: int) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"row-{i}" for i in range(count)], "n": range(count)})


def test_good_rows_get_through_and_the_others_are_listed(things: inb.CollectionHandle, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,n,extra\na,1,x\nb,two,x\nc\nd,,x\n,5,x\n\n")
    report = things.upload(path, progress=False)
    assert (report.rows, report.accepted, report.rejected, report.unknown, report.blank) == (5, 2, 3, 0, 1)
    assert report.ignored == ("extra",)
    assert report.key_rule is None
    assert report.rejects["row"].tolist() == [3, 4, 6]
    assert report.rejects["field"].tolist() == ["n", pd.NA, "id"]
    assert report.rejects["reason"].tolist() == [
        "not a whole number",
        "1 cell where the header has 3",
        "no value for a required field",
    ]
    assert things.load().to_dict("records") == [{"id": "a", "n": 1}, {"id": "d", "n": None}]
    with pytest.raises(inb.DataError, match=r"row 3, field 'n': not a whole number. 3 of 5 rows were rejected"):
        report.raise_for_rejects()


def test_the_later_row_of_a_key_wins(things: inb.CollectionHandle) -> None:
    frame = pd.DataFrame({"id": ["a", "b", "a"], "n": [1, 2, 3]})
    assert things.upload(frame, limits=inb.Limits(batch_rows=1), progress=False).accepted == 3
    assert sorted(things.load().itertuples(index=False, name=None)) == [("a", 3), ("b", 2)]


def test_batches_keep_to_rows_and_bytes(things: inb.CollectionHandle) -> None:
    frame = frame_of(1_000)
    report = things.upload(frame, limits=inb.Limits(batch_rows=300), workers=1, progress=False)
    assert (report.accepted, report.requests) == (1_000, 4)
    report = things.upload(frame, limits=inb.Limits(batch_bytes=5_000), resume=False, progress=False)
    assert report.accepted == 1_000
    assert report.sent_bytes / report.requests <= 5_000
    assert report.requests == -(-report.sent_bytes // 5_000)


def test_an_item_over_the_limit_is_rejected_with_its_size(things: inb.CollectionHandle) -> None:
    frame = pd.DataFrame({"id": ["a", "b" * 40_000, "c"], "n": [1, 2, 3]})
    report = things.upload(frame, progress=False)
    assert (report.accepted, report.rejected) == (2, 1)
    assert report.rejects.iloc[0].to_dict()["row"] == 1
    assert report.rejects.iloc[0].to_dict()["reason"] == "40,015 bytes as JSON; an item may have 32,000"


def test_several_workers_bring_every_row(things: inb.CollectionHandle) -> None:
    dry = things.upload(frame_of(2_000), workers=4, limits=inb.Limits(batch_rows=50), dry_run=True, progress=False)
    report = things.upload(frame_of(2_000), workers=4, limits=inb.Limits(batch_rows=50), progress=False)
    assert report.requests == dry.requests > 40  # four lanes, each with a rest
    assert report.accepted == 2_000
    assert sorted(things.load()["n"].tolist()) == list(range(2_000))


def test_a_dry_run_checks_and_plans_but_sends_nothing(things: inb.CollectionHandle) -> None:
    frame = pd.DataFrame({"id": ["a", None], "n": [1, 2]})
    report = things.upload(frame, dry_run=True, progress=False)
    assert (report.planned, report.accepted, report.rejected, report.requests) == (1, 0, 1, 1)
    assert report.dry_run
    assert len(things.load()) == 0
    sent = things.upload(frame, progress=False)
    assert (sent.planned, sent.rejected, sent.sent_bytes) == (report.planned, report.rejected, report.sent_bytes)


def stored(things: inb.CollectionHandle) -> dict[str, Any]:
    """Return the items as the server has them, by their ``id``."""
    ids = things.scan(item_ids="item").to_arrow()["item"].to_pylist()
    items = [things.get(each).data for each in ids]
    return {item["id"]: item for item in items}


def test_nulls_are_sent_or_left_out(shop: inb.SourceHandle) -> None:
    point = {"type": "record", "name": "point", "fields": [{"name": "x", "type": ["null", "long"]}]}
    things = make(shop, [*FIELDS, {"name": "at", "type": point}])
    frame = pd.DataFrame({"id": ["a"], "n": pd.array([None], "Int64"), "at": [{"x": None}]})
    things.upload(frame, progress=False)
    assert stored(things) == {"a": {"id": "a", "n": None, "at": {"x": None}}}
    dry = things.upload(frame, nulls="omit", dry_run=True, progress=False)
    report = things.upload(frame, nulls="omit", progress=False)
    assert stored(things) == {"a": {"id": "a", "at": {}}}
    assert dry.sent_bytes == report.sent_bytes
    assert things.load().to_dict("records") == [{"id": "a", "n": None, "at": {"x": None}}]


def test_rows_with_nan_are_rejected_or_sent_with_null(shop: inb.SourceHandle) -> None:
    fields = [
        {"name": "id", "type": "string"},
        {"name": "x", "type": ["null", "double"]},
        {"name": "need", "type": "double"},
        {"name": "l", "type": {"type": "array", "items": ["null", "float"]}},
        {"name": "d", "type": "double", "default": 0.5},
    ]
    things = make(shop, fields)
    nan, infinity = float("nan"), float("inf")
    table = pa.table(
        {
            "id": list("abcd"),
            "x": [1.0, nan, -infinity, None],
            "need": [1.0, 2.0, 3.0, nan],
            "l": [[], [1.0], [nan, 2.0, infinity], []],
            "d": [1.0, nan, 1.0, 1.0],
        }
    )
    report = things.upload(table, dry_run=True, progress=False)
    assert report.rejects[["row", "field", "value"]].to_numpy().tolist() == [
        *([1, "x", "nan"], [1, "d", "nan"]),
        *([2, "x", "-inf"], [2, "l[0]", "nan"], [2, "l[2]", "inf"]),
        *([3, "need", "nan"],),
    ]
    report = things.upload(table, nan="null", progress=False)
    assert report.rejects.to_dict("records") == [
        {"row": 3, "field": "need", "value": "nan", "expected": "double", "reason": "no value for a required field"}
    ]
    assert list(stored(things).values()) == [
        {"id": "a", "x": 1.0, "need": 1.0, "l": [], "d": 1.0},
        {"id": "b", "x": None, "need": 2.0, "l": [1.0], "d": 0.5},
        {"id": "c", "x": None, "need": 3.0, "l": [None, 2.0, None], "d": 1.0},
    ]


@pytest.mark.parametrize("option", [{"nulls": "drop"}, {"nan": "error"}])
def test_other_words_for_missing_values_are_refused(things: inb.CollectionHandle, option: dict[str, Any]) -> None:
    with pytest.raises(inb.ConfigurationError, match=r"expected '(explicit' or 'omit|reject' or 'null)'"):
        things.upload(frame_of(1), **option)


def test_a_text_key_without_a_column_is_made_of_content_and_row(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = make(shop)
    path = write(tmp_path / "a.csv", "n\n1\n2\n")
    report = things.upload(path, progress=False)
    assert report.key_rule == "id: made of the content's SHA-256 and the row number"
    ids = things.load()["id"].tolist()
    assert [each.partition("-")[2] for each in ids] == ["2", "3"]
    things.upload(path, progress=False)
    assert things.load()["id"].tolist() == ids
    things.upload(write(tmp_path / "b.csv", "n\n1\n3\n"), progress=False)
    assert len(things.load()) == 4


def test_a_key_whose_column_has_no_avro_name_is_found_not_made(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = shop.create_collection(
        "things", {"type": "record", "name": "things", "fields": [{"name": "my_id", "type": "string"}, FIELDS[1]]}
    )
    things.create_identifier("key", fields=["my_id"])
    report = things.upload(write(tmp_path / "a.csv", "my id,n\na,1\n"), progress=False)
    assert (report.accepted, report.key_rule) == (1, None)
    assert things.load()["my_id"].tolist() == ["a"]


def test_a_key_that_is_not_text_is_never_made(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = make(shop, [{"name": "id", "type": "long"}, FIELDS[1]])
    with pytest.raises(inb.DataError, match="no column for the required field 'id'"):
        things.upload(write(tmp_path / "a.csv", "n\n1\n"), progress=False)


def test_without_a_primary_identifier_the_error_says_what_to_do(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", {"type": "record", "name": "things", "fields": FIELDS})
    with pytest.raises(inb.RejectedError, match=r"has no primary identifier.*create_identifier"):
        things.upload(frame_of(1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a header line"),
        ("id,id\n1,2\n", "has 'id' more than once: columns 1 and 2"),
        ("n\n1\n", "no column for the required field 'id'"),
        ("x,y\n1,2\n", "no column for the required field 'id'. It has: 'x', 'y'"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_clear_error(
    shop: inb.SourceHandle, tmp_path: Path, text: str, message: str
) -> None:
    things = make(shop, [{"name": "id", "type": "long"}, FIELDS[1]])
    with pytest.raises(inb.DataError, match=message):
        things.upload(write(tmp_path / "a.csv", text))


def test_a_header_alone_uploads_nothing_and_says_so(things: inb.CollectionHandle, tmp_path: Path) -> None:
    report = things.upload(write(tmp_path / "a.csv", "id,n\n"), progress=False)
    assert (report.rows, report.accepted, report.requests) == (0, 0, 0)
    report.raise_for_rejects()


def test_a_latin_1_file_is_an_error_before_anything_is_sent_and_works_when_told(
    things: inb.CollectionHandle, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,n\ncafé,1\n".encode("latin-1"))
    with pytest.raises(inb.DataError, match="encoding='latin-1'"):
        things.upload(path)
    things.upload(path, encoding="latin-1", progress=False)
    assert things.load()["id"].tolist() == ["café"]


@pytest.mark.parametrize("limits", [{"batch_rows": 0}, {"batch_bytes": -1}, {"item_bytes": 1.5}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(inb.ConfigurationError, match="expected a whole number of at least 1"):
        inb.Limits(**limits)


def test_a_number_of_workers_that_makes_no_sense_is_refused(things: inb.CollectionHandle) -> None:
    with pytest.raises(inb.ConfigurationError, match="workers is 0"):
        things.upload(frame_of(1), workers=0)


def test_limits_that_are_none_are_refused(things: inb.CollectionHandle) -> None:
    with pytest.raises(inb.ConfigurationError, match=r"limits is 5; expected inb.Limits"):
        things.upload(frame_of(1), limits=5)  # type: ignore[arg-type]  # on purpose


def test_a_gap_in_the_primary_key_is_found_before_anything_is_sent(shop: inb.SourceHandle) -> None:
    things = make(shop, [{"name": "id", "type": ["null", "string"]}, FIELDS[1]])
    report = things.upload(pd.DataFrame({"id": ["a", None], "n": [1, 2]}), dry_run=True, progress=False)
    assert (report.planned, report.rejected) == (1, 1)
    assert report.rejects["reason"].tolist() == ["no value for a field of the primary key"]


def test_names_inside_records_are_matched_as_columns_are_and_others_are_reported(shop: inb.SourceHandle) -> None:
    frame = pd.DataFrame({"person": [{"first name": "Ann", "ok": 1}], "many": [[{"a b": 1}]]})
    schema = inb.infer_schema(frame).schema.with_field({"name": "id", "type": "string"})
    things = shop.create_collection("things", schema)
    things.create_identifier("key", fields=["id"])
    assert things.upload(frame, progress=False).ignored == ()
    assert things.load(["person", "many"]).to_dict("records") == [
        {"person": {"first_name": "Ann", "ok": 1}, "many": [{"a_b": 1}]}
    ]
    more = pd.DataFrame({"person": [{"first_name": "Ann", "ok": 1, "new": 2}], "many": [[{"a_b": 1, "c": 2}]]})
    assert things.upload(more, progress=False).ignored == ("person.new", "many[].c")


def test_an_error_before_anything_is_sent_carries_no_note(things: inb.CollectionHandle) -> None:
    with pytest.raises(inb.DataError) as caught:
        things.upload(pd.DataFrame({"id": ["a"], "n": [True]}))
    assert not hasattr(caught.value, "__notes__")


def test_other_kinds_of_source_are_refused_with_advice(things: inb.CollectionHandle, tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", "")
    with pytest.raises(inb.DataError, match=r"does not end in a known suffix .*, or pass a DataFrame"):
        things.upload(path)
    with pytest.raises(inb.DataError, match="rows cannot be read from set"):
        things.upload({"a"})


class Gate:
    """Middleware that lets a function answer instead of the sandbox, for the bulk endpoint."""

    def __init__(self, app: Any, decide: Callable[[dict[str, Any]], Any]) -> None:
        self.app = app
        self.decide = decide

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or "/sources/" not in scope["path"]:
            await self.app(scope, receive, send)
            return
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        answer = self.decide(json.loads(b"".join(chunks)))
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        elif answer is not None:
            await answer(scope, receive, send)
            return

        async def replay() -> dict[str, Any]:
            return {"type": "http.request", "body": b"".join(chunks), "more_body": False}

        await self.app(scope, replay, send)


@pytest.fixture
def gated(request: pytest.FixtureRequest) -> Iterator[inb.CollectionHandle]:
    """A collection behind a server whose bulk endpoint the test decides about."""
    with (
        EmbeddedServer(middleware=[Middleware(Gate, decide=request.param)]) as server,
        inb.Client(server.org, server.api_key, server.url, timeout=(5.0, 2.0)) as client,
    ):
        client._transport._retries = 0  # retries are the transport's own, and tested there
        yield make(client.create_source("shop"))


def refusal(status: int, **more: Any) -> JSONResponse:
    return JSONResponse({"status": status, "error": "Bad Request", "message": "no poison here", **more}, status)


def refuse_poison(body: dict[str, Any]) -> Any:
    return refusal(400) if any("poison" in item["id"] for item in body["things"]) else None


def list_poison(body: dict[str, Any]) -> Any:
    errors = [
        {"collection": "things", "index": index, "field": "id", "message": message}
        for index, item in enumerate(body["things"])
        if "poison" in item["id"]
        for message in ("it is poison", "and more of it")
    ]
    return refusal(400, errors=errors) if errors else None


POISONED = pd.DataFrame({"id": ["poison-0" if i in (3, 41, 99) else f"row-{i}" for i in range(100)], "n": range(100)})


@pytest.mark.parametrize("gated", [refuse_poison], indirect=True)
def test_rows_that_the_server_refuses_are_found_by_halves(gated: inb.CollectionHandle) -> None:
    report = gated.upload(POISONED, progress=False)
    assert (report.accepted, report.rejected) == (97, 3)
    assert report.rejects["row"].tolist() == [3, 41, 99]
    assert set(report.rejects["reason"]) == {"refused by the server: no poison here"}
    assert report.requests < 45
    assert sorted(gated.load()["n"].tolist()) == [i for i in range(100) if i not in (3, 41, 99)]


@pytest.mark.parametrize("gated", [list_poison], indirect=True)
def test_the_servers_own_list_of_bad_rows_is_used(gated: inb.CollectionHandle) -> None:
    report = gated.upload(POISONED, progress=False)
    assert (report.accepted, report.rejected, report.requests) == (97, 3, 2)
    assert report.rejects["row"].tolist() == [3, 41, 99]
    assert report.rejects["field"].tolist() == ["id"] * 3
    assert set(report.rejects["reason"]) == {"refused by the server: it is poison"}


@pytest.mark.parametrize("gated", [lambda body: refusal(413) if len(body["things"]) > 30 else None], indirect=True)
def test_a_batch_that_is_too_large_for_the_server_is_halved(gated: inb.CollectionHandle) -> None:
    report = gated.upload(frame_of(100), progress=False)
    assert (report.accepted, report.rejected) == (100, 0)
    assert gated.load()["n"].tolist() == list(range(100))


@pytest.mark.parametrize("gated", [lambda body: 3.0 if body["things"][0]["id"] == "row-10" else None], indirect=True)
def test_rows_without_an_answer_are_unknown_and_listed(gated: inb.CollectionHandle) -> None:
    report = gated.upload(frame_of(30), limits=inb.Limits(batch_rows=10), workers=1, on_unknown="skip", progress=False)
    assert (report.accepted, report.rejected, report.unknown) == (20, 0, 10)
    assert report.unknown_rows.to_pylist() == list(range(10, 20))
    assert "10 (sent, but no answer came)" in repr(report)
    with pytest.raises(inb.DataError, match="10 of 30 rows got no answer"):
        report.raise_for_rejects()


@pytest.mark.parametrize("gated", [lambda body: refusal(401) if body["things"][0]["n"] >= 20 else None], indirect=True)
def test_a_wrong_key_stops_everything_and_says_how_far_it_came(gated: inb.CollectionHandle) -> None:
    with pytest.raises(inb.AuthenticationError) as caught:
        gated.upload(frame_of(100), limits=inb.Limits(batch_rows=10), workers=1, progress=False)
    assert "20 rows were accepted" in "".join(caught.value.__notes__)
    assert gated.load()["n"].tolist() == list(range(20))
    assert (caught.value.report.accepted, caught.value.report.complete) == (20, False)


def test_a_bar_is_shown_when_asked_for(things: inb.CollectionHandle, capfd: pytest.CaptureFixture[str]) -> None:
    things.upload(frame_of(5), progress=True)
    assert "5.00/5.00" in capfd.readouterr().err
    things.upload(frame_of(5), progress=False)
    assert capfd.readouterr().err == ""


HOSTILE = "<script>alert('x')</script>"


def test_the_report_reads_well_and_escapes_what_it_shows(things: inb.CollectionHandle) -> None:
    report = things.upload(pd.DataFrame({"id": ["a", "b"], "n": ["1", HOSTILE]}), progress=False)
    text, html = repr(report), report._repr_html_()
    assert "accepted" in text
    assert HOSTILE in text
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html
    assert "not a whole number" in html


def test_a_report_shows_twenty_rejects_and_counts_the_rest(things: inb.CollectionHandle) -> None:
    report = things.upload(pd.DataFrame({"id": ["a"] * 50, "n": ["x"] * 50}), progress=False)
    assert len(report.rejects) == 50
    assert "30 more in report.rejects" in repr(report)
    assert repr(report).count("not a whole number") == 20


def interrupt_at_500(body: dict[str, Any]) -> Any:
    if body["things"][0]["n"] == 500:
        _thread.interrupt_main()


@pytest.mark.parametrize("gated", [interrupt_at_500], indirect=True)
def test_an_interruption_ends_cleanly_and_says_how_far_it_came(gated: inb.CollectionHandle) -> None:
    with pytest.raises(inb.UploadInterrupted) as caught:
        gated.upload(frame_of(20_000), limits=inb.Limits(batch_rows=10), workers=1, progress=False)
    assert "rows were accepted, and they stay" in "".join(caught.value.__notes__)
    stored = gated.load()["n"].tolist()
    assert 500 <= len(stored) < 20_000
    so_far = caught.value.report
    assert (so_far.complete, so_far.accepted) == (False, len(stored))
    assert "stopped" in repr(so_far)
    report = gated.upload(frame_of(20_000), progress=False)
    assert (report.complete, report.accepted, report.known) == (True, 20_000, len(stored))
    assert sorted(gated.load()["n"].tolist()) == list(range(20_000))


def test_an_upload_that_fails_leaves_no_thread_and_no_file_behind(
    things: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Notebooks keep the last error, and with it everything that its frames hold."""
    path = tmp_path / "things.csv"
    path.write_text("id,n\n" + "".join(f"k{number},{number}\n" for number in range(400_000)))

    down = Failure("the server is down", sent=False, retry=False)
    monkeypatch.setattr(Transport, "attempt", lambda *args, **options: down)
    with pytest.raises(inb.TransportError) as caught:
        things.upload(path, progress=False)
    assert caught.value.__traceback__ is not None
    names = [each.name for each in threading.enumerate()]
    assert not [name for name in names if name.startswith(("intempt-rows", "intempt-upload"))]


def test_the_same_call_again_sends_only_what_is_not_there(things: inb.CollectionHandle, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,n\n" + "".join(f"k{i},{i if i != 7 else 'x'}\n" for i in range(50)))
    first = things.upload(path, progress=False)
    assert (first.accepted, first.known, first.earlier, first.rejected) == (49, 0, None, 1)
    again = things.upload(path, progress=False)
    assert (again.accepted, again.known, again.requests, again.rejected) == (49, 49, 0, 1)
    assert again.earlier is not None
    assert "49, there since" in repr(again)
    assert "resume=False sends them" in repr(again)
    assert things.upload(path, resume=False, progress=False).requests == 1
    assert things.upload(path, nulls="omit", progress=False).requests == 1
    path.write_text(path.read_text().replace("x", "8"))
    assert (things.upload(path, progress=False).known, len(things.load())) == (0, 50)


def test_frames_go_on_too_and_leave_no_copy_behind(things: inb.CollectionHandle, state: Path) -> None:
    before = set(state.rglob("*.arrow"))
    report = things.upload(frame_of(50), progress=False)
    assert things.upload(frame_of(50), progress=False).known == 50
    del report
    assert set(state.rglob("*.arrow")) == before


def test_rows_without_a_key_get_one_by_the_rule_that_is_asked_for(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = make(shop)
    rows = write(tmp_path / "a.csv", "id,n,place\nmine,1,x\n,2,x\n,2,x\n,3,y\n")
    assert things.upload(rows, progress=False).rejects["reason"].tolist() == ["no value for a required field"] * 3
    report = things.upload(rows, key="row", progress=False)
    assert (report.accepted, report.repeated) == (4, 0)
    assert report.key_rule == "id: made of the content's SHA-256 and the row number"
    assert sorted(things.load()["n"].tolist()) == [1, 2, 2, 3]
    others = make_another(shop)
    report = others.upload(rows, key="content", progress=False)
    assert (report.accepted, report.repeated) == (4, 1)
    assert report.key_rule == "id: made of the whole content of the row, so that equal rows are one item"
    assert "1 with the key of an earlier row, which they replace" in repr(report)
    assert sorted(others.load()["n"].tolist()) == [1, 2, 3]
    more = write(tmp_path / "b.csv", "n\n3\n4\n\n")
    report = others.upload(more, key=["n"], progress=False)
    assert report.key_rule == "id: made of n"
    assert sorted(others.load()["n"].tolist()) == [1, 2, 3, 4]
    gaps = pd.DataFrame({"n": pd.array([5, None], "Int64")})
    report = others.upload(gaps, key=["n"], progress=False)
    assert (report.accepted, report.rejects["reason"].tolist()) == (1, ["no value for a field of the primary key"])
    others.upload(write(tmp_path / "c.csv", "n\n4\n"), key=["n"], progress=False)
    assert sorted(others.load()["n"].tolist()) == [1, 2, 3, 4, 5]


def test_a_file_that_was_corrected_is_warned_of_as_its_made_keys_are_others(
    shop: inb.SourceHandle, tmp_path: Path
) -> None:
    things = make(shop)
    path = write(tmp_path / "a.csv", "n\n1\nx\n")
    things.upload(path, progress=False)
    write(path, "n\n1\n2\n")
    with pytest.warns(UserWarning, match=r"rows that are in both will be there twice.*report\.retry") as told:
        things.upload(path, progress=False)
    assert told[0].filename == __file__


def make_another(shop: inb.SourceHandle) -> inb.CollectionHandle:
    others = shop.create_collection("others", {"type": "record", "name": "others", "fields": FIELDS})
    others.create_identifier("key", fields=["id"])
    return others


@pytest.mark.parametrize("workers", [1, 3])
def test_the_last_row_of_a_key_wins_however_many_workers(things: inb.CollectionHandle, workers: int) -> None:
    frame = pd.DataFrame({"id": [f"k{i % 200}" for i in range(4_000)], "n": range(4_000)})
    report = things.upload(frame, workers=workers, limits=inb.Limits(batch_rows=20), progress=False)
    assert (report.accepted, report.repeated) == (4_000, 3_800)
    assert sorted(things.load()["n"].tolist()) == list(range(3_800, 4_000))


def test_rejected_rows_come_back_right_and_none_is_there_twice(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = make(shop)
    path = write(tmp_path / "a.csv", "n;note\n1;a\nx;=b\n3;c\ny;d\n")
    report = things.upload(path, progress=False)
    assert (report.accepted, report.rejected) == (2, 2)
    assert report.write_rejects(tmp_path / "fix.csv") == 2
    text = (tmp_path / "fix.csv").read_text(encoding="utf-8")
    assert "'=b" in text
    fixed = report.retry(write(tmp_path / "fix.csv", text.replace("x", "20").replace(";y", ";40")))
    assert (fixed.accepted, fixed.rejected) == (2, 0)
    loaded = things.load().sort_values("n")
    assert loaded["n"].tolist() == [1, 3, 20, 40]
    digest = loaded["id"].iloc[0].partition("-")[0]
    assert sorted(loaded["id"]) == [f"{digest}-{row}" for row in (2, 3, 4, 5)]
    more = (tmp_path / "fix.csv").read_text(encoding="utf-8") + ";;;;50;new\n"
    assert report.retry(write(tmp_path / "fix.csv", more)).accepted == 3
    assert sorted(things.load()["n"].tolist()) == [1, 3, 20, 40, 50]
    rows = report.rejected_rows
    assert rows["_intempt_row"].tolist() == [3, 5]
    rows["n"] = ["21", "41"]
    assert report.retry(rows).accepted == 2
    assert sorted(things.load()["n"].tolist()) == [1, 3, 21, 41, 50]
    path.write_text("n;note\n")
    with pytest.raises(inb.DataError, match="is not there any more as it was uploaded"):
        report.write_rejects(tmp_path / "more.csv")


@pytest.mark.parametrize("gated", [refuse_poison], indirect=True)
def test_the_servers_status_stands_beside_its_rejects(gated: inb.CollectionHandle) -> None:
    rows = gated.upload(POISONED, progress=False).rejected_rows
    assert rows["_intempt_status"].tolist() == [400] * 3
    assert rows["_intempt_error"].tolist() == ["refused by the server: no poison here"] * 3
    assert rows["id"].tolist() == ["poison-0"] * 3


def test_numbers_with_a_decimal_comma_stay_so_in_rows_put_right(shop: inb.SourceHandle, tmp_path: Path) -> None:
    things = make(shop, [*FIELDS, {"name": "x", "type": "double"}])
    report = things.upload(write(tmp_path / "a.csv", "id;n;x\na;1;1,5\nb;z;2,5\n"), decimal=",", progress=False)
    rows = report.rejected_rows
    rows["n"] = "2"
    assert report.retry(rows).accepted == 1
    assert sorted(things.load()["x"].tolist()) == [1.5, 2.5]


def test_a_dry_run_says_what_it_would_take(things: inb.CollectionHandle) -> None:
    frame = pd.DataFrame({"id": [f"k{i % 90}" for i in range(100)], "n": range(100)})
    report = things.upload(frame, dry_run=True, workers=2, limits=inb.Limits(batch_rows=10), progress=False)
    assert (report.planned, report.repeated, report.run) == (100, 10, None)
    assert report.requests >= 10
    assert report.estimated_seconds is not None
    assert report.estimated_seconds > 0
    assert "at least" in repr(report)
    assert things.upload(frame, workers=2, limits=inb.Limits(batch_rows=10), progress=False).requests == report.requests
