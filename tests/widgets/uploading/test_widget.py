"""The upload panel without a browser, against the sandbox."""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.widgets import namespace
from intempt_nb.widgets.uploading import downloading
from panels import act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from intempt_nb.widgets.uploading.widget import UploadPanel

SCHEMA = {
    "type": "record",
    "name": "sales",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "day", "type": {"type": "string", "logicalType": "date"}},
        {"name": "amount", "type": "double"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
BAD = range(7, 1_000, 100)
"""Ten rows of a thousand."""


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@pytest.fixture
def sales(shop: inb.SourceHandle) -> inb.CollectionHandle:
    collection = shop.create_collection("sales", SCHEMA, kind="event")
    collection.create_identifier("id", fields=["id"])
    return collection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [f"i{n},2024-01-{n % 28 + 1:02},{'much' if n in BAD else n / 4},note {n}" for n in range(1_000)]
    file = tmp_path / "sales.csv"
    file.write_text("\n".join(["id,day,Amount,remark", *rows]) + "\n")
    return file


def panel_of(collection: inb.CollectionHandle, source: Any = None) -> UploadPanel:
    panel = inb.widgets.UploadPanel(collection, source)
    panel.wait(60)
    return panel


def columns(state: dict[str, Any]) -> dict[str, tuple[str | None, str]]:
    return {each["label"]: (each["field"], each["why"]) for each in state["look"]["columns"]}


def test_the_first_rows_are_shown_against_the_schema(sales: inb.CollectionHandle, path: Path) -> None:
    state = panel_of(sales, path).state
    assert state["stage"] == "look"
    assert columns(state) == {
        "id": ("id", "name"),
        "day": ("day", "name"),
        "Amount": ("amount", "guess"),
        "remark": (None, "none"),
    }
    rows = state["look"]["rows"]
    assert len(rows) == 20
    assert rows[0][1:] == ["i0", "2024-01-01", "0.0", "note 0"]
    assert rows[7][3]["text"] == "much"
    assert "number" in rows[7][3]["problem"]
    assert state["look"]["note"].startswith("1 of these 20 rows would be rejected")


def test_ten_bad_rows_are_rejected_put_right_and_sent_again(
    sales: inb.CollectionHandle, path: Path, tmp_path: Path
) -> None:
    panel = panel_of(sales, path)
    act(panel, "column", at=3, field="note")
    state = act(panel, "start")
    assert state["stage"] == "done"
    assert state["outcome"]["text"] == "990 of 1,000 rows are in the collection; 10 rejected."
    report = state["outcome"]["report"]
    assert [row[:3] for row in report["rejects"]] == [[str(n + 2), "amount", "not a number"] for n in BAD]
    act(panel, "save", path=str(tmp_path / "mended.csv"))
    mended = (tmp_path / "mended.csv").read_text()
    (tmp_path / "mended.csv").write_text(mended.replace(",much,", ",1.5,"))
    state = act(panel, "retry")
    assert (state["stage"], state["retry"]) == ("pick", True)
    state = act(panel, "path", path="mended.csv")
    state = act(panel, "start")
    assert state["outcome"]["text"] == "10 of 10 rows are in the collection."
    stored = sales.load()
    assert len(stored) == 1_000
    assert (stored["amount"] == 1.5).sum() == 11  # one of them had it from the start
    assert stored["note"].notna().all()
    assert "report = report.retry(" in panel.code


@pytest.fixture
def slow(client: inb.Client) -> Iterator[None]:
    """Requests take their time, as long as the test runs."""
    client.sandbox.faults({"path": "/sources/*/data", "delay": 0.3})
    yield
    client.sandbox.clear_faults()


def many(rows: int = 60_000) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"i{n}" for n in range(rows)], "day": "2024-01-01", "amount": 1.5, "note": "x" * 40})


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.usefixtures("slow")
def test_an_upload_that_is_cancelled_goes_on_where_it_came_to(sales: inb.CollectionHandle, client: inb.Client) -> None:
    panel = panel_of(sales, many())
    act(panel, "start", wait=None)
    until(lambda: panel.control.progress.accepted > 0)
    act(panel, "pause", wait=None)
    assert panel.state["progress"]["state"] == "paused"
    act(panel, "resume", wait=None)
    state = act(panel, "cancel")
    assert (state["stage"], state["outcome"]["kind"]) == ("done", "warning")
    assert "cancelled" in state["outcome"]["text"]
    before = panel.report.accepted
    assert 0 < before < 60_000
    client.sandbox.clear_faults()
    state = act(panel, "again")
    assert state["outcome"]["text"] == "60,000 of 60,000 rows are in the collection."
    assert panel.report.known >= before


@pytest.mark.filterwarnings("ignore::intempt_nb.transfer.twice.TwiceWarning")
@pytest.mark.parametrize("attached", [False, True])
def test_a_file_that_has_changed_meanwhile_is_not_gone_on_with(
    sales: inb.CollectionHandle, client: inb.Client, tmp_path: Path, attached: bool
) -> None:
    path = tmp_path / "keyless.csv"
    many(30_000).drop(columns="id").to_csv(path, index=False)
    client.sandbox.faults({"path": "/sources/*/data", "from": 3, "status": 403})
    panel = panel_of(sales, path)
    state = act(panel, "start")
    client.sandbox.clear_faults()
    sent = panel.report.accepted
    assert 0 < sent < 30_000
    assert "right key in a cell; a new panel" in state["outcome"]["text"]
    assert f"{sent:,} rows were accepted before this" in state["outcome"]["text"]
    assert "go on with the button below" in json.dumps(state)
    assert not [each for each in ("resume=False", "error.report", "same call") if each in json.dumps(state)]
    panel = panel_of(sales) if attached else panel
    assert panel.state["outcome"]["again"]
    path.write_text(path.read_text() + "2024-01-01,1.5,more\n")
    state = act(panel, "again")
    assert (state["outcome"]["changed"], len(sales.load())) == (True, sent)
    state = act(panel, "adjust")
    assert (state["stage"], state["source"], state["look"]["twice"] is None) == ("look", "keyless.csv", False)
    state = act(panel, "start")
    assert state["outcome"]["text"] == "30,001 of 30,001 rows are in the collection."
    assert state["outcome"]["warned"] == panel.state["outcome"]["warned"] is not None


def test_rows_that_are_still_wrong_are_told_apart_from_those_before(sales: inb.CollectionHandle, path: Path) -> None:
    path.write_text(path.read_text() + "i1000,2024-01-01,1.5,more,and,more\n")
    panel = panel_of(sales, path)
    state = act(panel, "start")
    assert "(whole line)" in [row[1] for row in state["outcome"]["report"]["rejects"]]
    act(panel, "save", path="rejected.csv")
    act(panel, "retry")
    act(panel, "path", path="rejected.csv")
    state = act(panel, "start")
    assert state["outcome"]["text"].startswith("None of these 11 rows was accepted; the 990 from before stay; 11 rej")


@pytest.mark.usefixtures("slow")
def test_a_panel_that_is_made_later_shows_the_upload_that_runs(sales: inb.CollectionHandle) -> None:
    first = panel_of(sales, many())
    act(first, "start", wait=None)
    first.close()
    second = inb.widgets.UploadPanel(sales, "other.csv")
    assert (second.state["stage"], second.state["progress"]["label"]) == ("run", "a DataFrame")
    until(lambda: second.control.progress.accepted > 0)
    act(second, "cancel")
    assert second.report.accepted > 0
    third = inb.widgets.UploadPanel(sales)  # what came of it, until it is put away
    assert (third.state["stage"], third.report) == ("done", second.report)
    assert act(third, "new")["stage"] == "pick"
    assert inb.widgets.UploadPanel(sales).state["stage"] == "pick"


def test_after_a_restart_an_unfinished_upload_is_offered(
    sales: inb.CollectionHandle, client: inb.Client, tmp_path: Path
) -> None:
    client.sandbox.faults({"path": "/sources/*/data", "from": 4, "status": 401})
    with pytest.raises(inb.AuthenticationError):
        sales.upload(many(), progress=False)
    client.sandbox.clear_faults()
    panel = panel_of(sales)
    [offer] = panel.state["unfinished"]
    assert offer["name"] == "DataFrame"
    assert "rows accepted" in offer["told"]
    state = act(panel, "go_on", id=offer["id"])
    assert state["outcome"]["text"] == "60,000 of 60,000 rows are in the collection."
    assert f'find("{offer["id"]}")' in panel.code
    assert act(panel, "new")["unfinished"] == []


def test_an_unfinished_upload_is_forgotten_with_its_file(
    sales: inb.CollectionHandle, client: inb.Client, path: Path, state_folder: Path
) -> None:
    panel = panel_of(sales)
    receive(panel, path)
    assert panel.state["source"] == "sales.csv"
    client.sandbox.faults({"path": "/sources/*/data", "status": 401})
    state = act(panel, "start")
    assert state["outcome"]["kind"] == "error"
    assert "401" in state["outcome"]["text"]
    client.sandbox.clear_faults()
    assert len(list(state_folder.glob("received/*/*/sales.csv"))) == 1
    state = act(panel, "new")
    state = act(panel, "forget", id=state["unfinished"][0]["id"])
    assert state["unfinished"] == []
    assert list(state_folder.glob("received/*/*")) == []


def receive(panel: UploadPanel, path: Path) -> None:
    content = path.read_bytes()
    act(panel, "file_begin", name=path.name, size=len(content))
    for offset in range(0, len(content), 10_000):
        act(panel, "file_piece", offset=offset, buffers=[content[offset : offset + 10_000]])


def test_a_received_file_is_removed_once_its_report_is_gone(
    sales: inb.CollectionHandle, path: Path, state_folder: Path
) -> None:
    panel = panel_of(sales)
    receive(panel, path)
    act(panel, "start")
    assert panel.report.rejected == 10
    assert len(panel.report.rejected_rows) == 10  # of the file, which is still there
    act(panel, "new")
    panel._report = None
    gc.collect()
    assert list(state_folder.glob("received/*/*")) == []


def test_a_received_file_that_is_not_uploaded_is_removed(
    sales: inb.CollectionHandle, path: Path, state_folder: Path
) -> None:
    panel = panel_of(sales)
    receive(panel, path)
    assert len(list(state_folder.glob("received/*/*"))) == 1
    act(panel, "back")
    assert list(state_folder.glob("received/*/*")) == []


def test_a_column_is_given_to_another_field_and_the_former_loses_it(sales: inb.CollectionHandle, path: Path) -> None:
    panel = panel_of(sales, path)
    state = act(panel, "column", at=3, field="id")
    assert columns(state)["remark"] == ("id", "by hand")
    assert columns(state)["id"] == (None, "by hand")
    assert 'columns={"id": None, "remark": "id", "Amount": "amount"}' in panel.code
    assert (state["look"]["unfed"], state["look"]["key"], state["blocked"]) == ("note", "from the column remark", None)
    state = act(panel, "column", at=2, field="")
    assert state["blocked"].startswith("No column for the required field amount.")
    assert "No column" in act(panel, "start")["notice"]["text"]


def test_what_is_chosen_is_checked_where_it_is_chosen(sales: inb.CollectionHandle, path: Path) -> None:
    panel = panel_of(sales, path)
    state = act(panel, "option", name="encoding", text="utf-99")
    assert state["settings"]["problem"]["name"] == "encoding"
    assert "utf-99" in state["settings"]["problem"]["text"]
    assert state["settings"]["encoding"] == ""
    assert act(panel, "option", name="workers", text="many")["settings"]["problem"]["name"] == "workers"
    state = act(panel, "option", name="workers", text="4")
    assert (state["settings"]["problem"], state["settings"]["workers"]) == (None, "4")
    state = act(panel, "option", name="key", text="columns")
    assert (state["settings"]["problem"], "columns that keys are made from" in state["blocked"]) == (None, True)
    state = act(panel, "key_column", at=1, chosen=True)
    assert (state["settings"]["problem"], state["blocked"]) == (None, None)
    assert state["look"]["key"] == "from the column id; for rows without one, made from day"
    assert "workers=4" in panel.code
    assert 'key=["day"]' in panel.code
    state = act(panel, "key_column", at=0, chosen=True)
    assert (state["settings"]["problem"]["name"], state["blocked"]) == ("key", state["settings"]["problem"]["text"])


def test_a_file_in_another_encoding_is_read_once_that_is_said(sales: inb.CollectionHandle, tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes("id;day;amount;note\n1;2024-01-01;1,5;Grüße\n".encode("latin-1"))
    panel = panel_of(sales, file)
    assert panel.state["look"] is None
    assert "set Encoding to latin-1" in panel.state["unread"]
    assert "cannot be read" in panel.state["blocked"]
    act(panel, "option", name="encoding", text="latin-1")
    state = act(panel, "option", name="decimal", text=",")
    assert state["look"]["rows"] == [["2", "1", "2024-01-01", "1,5", "Grüße"]]
    act(panel, "start")
    assert sales.load()["amount"].tolist() == [1.5]


def test_a_check_sends_nothing_and_says_what_it_found(sales: inb.CollectionHandle, path: Path) -> None:
    panel = panel_of(sales, path)
    state = act(panel, "check")
    assert (state["stage"], state["checked"]["text"]) == ("look", "990 of 1,000 rows can be sent; 10 rejected.")
    assert len(state["checked"]["report"]["rejects"]) == 10
    assert len(sales.load()) == 0
    assert panel.report is None
    assert act(panel, "column", at=3, field="note")["checked"] is None  # not of what would be sent now


def test_rejected_rows_are_handed_to_the_browser_in_pieces(
    sales: inb.CollectionHandle, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(downloading, "PIECE_BYTES", 100)
    panel = panel_of(sales, path)
    act(panel, "start")
    sent: list[tuple[dict[str, Any], bytes]] = []
    monkeypatch.setattr(panel, "send", lambda content, buffers: sent.append((content, buffers[0])))
    act(panel, "download")
    while sum(len(piece) for _, piece in sent) < sent[0][0]["size"]:
        act(panel, "download_next", offset=sum(len(piece) for _, piece in sent))
    panel.report.write_rejects(tmp_path / "same.csv")
    assert b"".join(piece for _, piece in sent) == (tmp_path / "same.csv").read_bytes()
    assert {content["view"] for content, _ in sent} == {"test"}
    assert sent[0][0]["name"] == "sales-rejected.csv"
    state = act(panel, "download_next", offset=0)
    assert "download it again" in state["notice"]["text"]


def test_a_file_that_is_there_is_not_overwritten(sales: inb.CollectionHandle, path: Path) -> None:
    panel = panel_of(sales, path)
    state = act(panel, "start")
    assert state["outcome"]["save"].endswith("sales-rejected.csv")
    before = path.read_bytes()
    state = act(panel, "save", path=str(path))
    assert "under another name" in state["notice"]["text"]
    assert path.read_bytes() == before


def test_nested_rows_that_were_rejected_are_handed_out_as_json(shop: inb.SourceHandle) -> None:
    rows = [{"id": "a", "n": 1, "tags": ["x"]}, {"id": "b", "n": 2, "tags": ["y"]}]
    collection = shop.create_collection("nested", inb.infer_schema(rows, "nested").schema)
    collection.create_identifier("id", fields=["id"])
    panel = panel_of(collection, [*rows, {"id": "c", "n": None, "tags": ["z"]}])
    act(panel, "start")
    download = downloading.Download(panel.report)
    assert download.name == "nested-rejected.jsonl"
    assert json.loads(download.piece(0))["tags"] == ["z"]
    download.close()


def test_without_a_primary_identifier_it_says_so_at_once(shop: inb.SourceHandle) -> None:
    bare = shop.create_collection("bare", SCHEMA)
    panel = panel_of(bare, many(3))
    assert "no primary identifier" in panel.state["keyless"]
    state = act(panel, "option", name="workers", text="2")  # what it says stays
    assert "no primary identifier" in state["keyless"]
    assert state["blocked"] is not None
    assert "takes no rows" in act(panel, "start")["notice"]["text"]
    bare.create_identifier("id", fields=["id"])
    state = act(panel, "key")
    assert (state["keyless"], state["blocked"]) == (None, None)
    assert act(panel, "start")["outcome"]["kind"] == "success"


def test_what_is_no_collection_is_refused() -> None:
    with pytest.raises(inb.DataError, match="found str; expected a collection"):
        inb.widgets.UploadPanel("flights")


def test_the_code_uses_the_client_of_the_notebook(
    sales: inb.CollectionHandle, client: inb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace, "variables", lambda: {"mine": client})
    panel = panel_of(sales)
    assert panel.code == 'collection = mine.sources["shop"].collections["sales"]\n'
    assert repr(panel) == "<UploadPanel of sales: shows itself in a notebook>"


def test_a_frame_that_is_gone_is_told(sales: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"df": many(3)}
    monkeypatch.setattr(namespace, "variables", lambda: variables)
    panel = panel_of(sales)
    state = act(panel, "frame", name="df")
    assert state["source"] == "df"
    assert "collection.upload(df)" in panel.code
    variables.clear()
    state = act(panel, "start")
    assert (state["stage"], "no DataFrame 'df'" in state["notice"]["text"]) == ("look", True)


def test_a_second_view_cannot_start_it_again(sales: inb.CollectionHandle, path: Path) -> None:
    panel = panel_of(sales, path)
    act(panel, "start")
    state = act(panel, "start")
    assert "shows something else by now" in state["notice"]["text"]
    assert state["stage"] == "done"


def test_what_is_sent_to_the_browser_is_small_and_plain(
    client: inb.Client, shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"field{n}" for n in range(1_000)]
    schema = {"type": "record", "name": "wide", "fields": [{"name": name, "type": "string"} for name in names]}
    collection = shop.create_collection("wide", schema)
    collection.create_identifier("id", fields=["field0"])
    evil = "<script>alert(1)</script>\u202e" + "x" * 10_000
    frame = pd.DataFrame({name: [evil, float("nan"), None] * 10 for name in names})
    panel = panel_of(collection, frame)
    text = json.dumps(panel.state, allow_nan=False)
    assert len(text) < 300_000
    assert client._transport._key.reveal() not in text + panel.code


@pytest.mark.filterwarnings("ignore::intempt_nb.transfer.twice.TwiceWarning")
def test_rows_that_may_be_there_twice_are_told(sales: inb.CollectionHandle, tmp_path: Path, state_folder: Path) -> None:
    panel = panel_of(sales)
    for amount in (1, 2):  # the same name from the browser, with other content, and rows without a key
        file = tmp_path / "sales.csv"
        file.write_text(f"day,amount\n2024-01-01,{amount}\n")
        receive(panel, file)
        assert (panel.state["look"]["twice"] is not None) == (amount == 2)
        state = act(panel, "option", name="key", text="content")
        assert (state["look"]["twice"], state["look"]["key"]) == (None, "made from all that the row holds")
        act(panel, "option", name="key", text="")
        state = act(panel, "start")
        assert state["outcome"]["report"] is not None
        assert (state["outcome"]["warned"] is not None) == (amount == 2)
        panel._report = None
        act(panel, "new")
        gc.collect()
    assert len(sales.load()) == 2
    file.write_text("day,amount\n2024-01-01,1\n")  # what is there already is not sent again
    receive(panel, file)
    assert panel.state["look"]["twice"] is None
