"""Where rows are picked, and where received files are kept."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.errors import DataError
from intempt_nb.widgets import namespace
from intempt_nb.widgets.uploading import folders
from intempt_nb.widgets.uploading.arrivals import KEPT_SECONDS, folder_for, release
from intempt_nb.widgets.uploading.folders import look_into, typed
from intempt_nb.widgets.uploading.picking import Picking

if TYPE_CHECKING:
    from pathlib import Path

PLACE = ("https://api.intempt.com", "OrgABC", "17")


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_folder_lists_folders_and_files_that_can_be_opened(tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "Inner").mkdir(parents=True)
    for name in ("b.csv", "A.CSV.gz", "notes.md", ".hidden.csv", "d.parquet"):
        (here / name).write_bytes(b"123")
    (here / "folder.csv").mkdir()
    (here / os.fsdecode(b"\xff.csv")).write_bytes(b"")  # a name that is no text: the browser could not say it
    found = look_into(here)
    assert found.folders == ("folder.csv", "Inner")
    assert found.files == (("A.CSV.gz", 3), ("b.csv", 3), ("d.parquet", 3))


def test_a_long_folder_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST", 2)
    for number in range(5):
        (tmp_path / f"{number}.csv").touch()
    found = look_into(tmp_path)
    assert ([name for name, _ in found.files], found.more) == (["0.csv", "1.csv"], 3)


def test_a_typed_path_begins_at_the_folder_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert typed(" a.csv ", tmp_path) == (tmp_path / "a.csv").resolve()
    assert typed("..", tmp_path) == tmp_path.parent.resolve()
    for text in ("b.csv", "", "\0", "x" * 5_000):
        with pytest.raises(DataError, match="there is no file or folder"):
            typed(text, tmp_path)


def test_a_file_of_the_browser_stands_at_the_same_place_each_time(state_folder: Path) -> None:
    picking = Picking(PLACE)
    picking.begin("view", "a.csv", 3)
    assert picking.take("view", 0, [memoryview(b"1,")]) is None
    assert picking.view()["receiving"] == {"name": "a.csv", "size": 3, "received": 2}
    first = picking.take("view", 2, [memoryview(b"2")])
    assert first is not None
    assert first.path is not None
    assert first.path.read_bytes() == b"1,2"
    assert first.path.is_relative_to(state_folder / "received")
    picking.begin("view", "a.csv", 1)  # beside the first, which is still there
    picking.cancel()
    release(first.path)
    assert list((state_folder / "received").glob("*/*")) == []
    picking.begin("view", "a.csv", 1)
    again = picking.take("view", 0, [memoryview(b"3")])
    assert again is not None
    assert again.path == first.path


def test_a_piece_that_was_lost_leaves_nothing_behind(state_folder: Path) -> None:
    picking = Picking(PLACE)
    picking.begin("view", "a.csv", 10)
    with pytest.raises(DataError, match="a piece was lost"):
        picking.take("view", 5, [memoryview(b"12345")])
    assert list((state_folder / "received").glob("*/*")) == []
    assert picking.take("view", 0, [memoryview(b"12345")]) is None  # was on its way when the file was given up


def test_only_received_files_are_removed_and_old_ones_go(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.touch()
    release(own)
    assert own.exists()
    left = folder_for(PLACE)
    (left / "left.csv").touch()
    assert folder_for(PLACE) != left
    long_ago = time.time() - KEPT_SECONDS - 60
    os.utime(left, (long_ago, long_ago))
    assert folder_for(PLACE) == left
    assert list(left.iterdir()) == []


def test_a_file_that_an_unfinished_upload_needs_is_kept(client: inb.Client, shop: inb.SourceHandle) -> None:
    sales = shop.create_collection("sales", inb.infer_schema([{"id": "a"}], "sales").schema)
    sales.create_identifier("id", fields=["id"])
    path = folder_for(PLACE) / "a.csv"
    path.write_text("id\n1\n2\n")
    client.sandbox.faults({"path": "/sources/*/data", "status": 401})
    with pytest.raises(inb.AuthenticationError):
        sales.upload(path)
    release(path)
    assert path.exists()
    long_ago = time.time() - KEPT_SECONDS - 60
    os.utime(path.parent, (long_ago, long_ago))
    folder_for(PLACE)
    assert path.exists()
    client.sandbox.clear_faults()
    sales.upload(path)
    release(path)
    assert not path.exists()


def test_frames_of_the_notebook_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "variables", lambda: {"df": pd.DataFrame({"a": [1, 2]}), "x": 3})
    picking = Picking(PLACE)
    assert picking.view()["frames"] == [["df", 2, 1]]
    assert picking.frame("df").rows().shape == (2, 1)
    with pytest.raises(DataError, match="no DataFrame 'x'"):
        picking.frame("x")
