"""Rows that were put right and come again: by pandas or an editor, from a file or a frame, none there twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string"},
    {"name": "name", "type": ["null", "string"], "default": None},
    {"name": "x", "type": ["null", "double"], "default": None},
]


@pytest.fixture
def things(shop: inb.SourceHandle) -> inb.CollectionHandle:
    things = shop.create_collection("things", {"type": "record", "name": "things", "fields": FIELDS})
    things.create_identifier("key", fields=["id"])
    return things


def loaded(things: inb.CollectionHandle) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in things.scan().to_arrow().to_pylist())


def rejected(things: inb.CollectionHandle, path: Path, text: str, **options: Any) -> inb.UploadReport:
    """Upload a file, and write what was rejected to ``r.csv`` beside it."""
    path.write_text(text, options.get("encoding", "utf-8"))
    report = things.upload(path, progress=False, **options)
    report.write_rejects(path.with_name("r.csv"))
    return report


FRAMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pyarrow": lambda frame: frame,
    "python": lambda frame: frame.astype({"x": "object"}),
    "categories": lambda frame: frame.astype({"x": "category"}),
    "views": lambda frame: pa.table({"id": frame["id"], "x": pa.array(frame["x"], pa.string_view())}),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_decimal_comma_is_read_in_texts_of_any_kind(things: inb.CollectionHandle, tmp_path: Path, kind: str) -> None:
    report = rejected(things, tmp_path / "a.csv", "id;x\n1;bad\n2;2,5\n", delimiter=";", decimal=",")
    frame = report.rejected_rows
    frame["x"] = "1,5"
    again = report.retry(FRAMES[kind](frame))
    assert (again.accepted, again.rejected) == (1, 0)
    assert loaded(things) == [("1", None, 1.5), ("2", None, 2.5)]


def test_a_row_without_its_key_stays_rejected(things: inb.CollectionHandle, tmp_path: Path) -> None:
    report = rejected(things, tmp_path / "a.csv", "id,x\na,1\n,2\n")
    for again in (report.retry(tmp_path / "r.csv"), things.upload(tmp_path / "r.csv", progress=False)):
        assert (again.accepted, again.rejected, again.key_rule) == (0, 1, None)


@pytest.mark.parametrize("wanted", ["retry", "upload"])
def test_rows_may_be_added_to_those_whose_keys_were_made(
    things: inb.CollectionHandle, tmp_path: Path, wanted: str
) -> None:
    report = rejected(things, tmp_path / "a.csv", "name,x\na,1\nb,bad\n")
    path = tmp_path / "r.csv"
    path.write_text(path.read_text().replace("bad", "2") + ",,,,c,3\n")
    again = report.retry(path) if wanted == "retry" else things.upload(path, progress=False)
    assert (again.accepted, again.rejected) == (2, 0)
    assert [row[1:] for row in sorted(loaded(things), key=lambda row: row[2])] == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


def test_texts_that_pandas_made_numbers_of_are_refused_with_the_way_to_read_them(
    things: inb.CollectionHandle, tmp_path: Path
) -> None:
    report = rejected(things, tmp_path / "a.csv", "id,name,x\n001,,bad\n002,NA,bad\n")
    path = tmp_path / "r.csv"
    for call in (report.retry, lambda frame: things.upload(frame, progress=False)):
        with pytest.raises(inb.DataError, match=r"field 'id': the column holds int64; expected string\. If it") as told:
            call(pd.read_csv(path).assign(x=1))
        assert "or give the path itself" in str(told.value)
    advised = re.search(r"pandas\.(read_csv\(.*?\)),", str(told.value))
    assert advised is not None
    frame = eval(f"pd.{advised[1]}", {"pd": pd, "path": path})  # what the user is told to run
    assert report.retry(frame.assign(x=1)).accepted == 2
    assert loaded(things) == [("001", None, 1.0), ("002", "NA", 1.0)]


@pytest.mark.parametrize("saved_as", ["cp1252", "utf-8-sig", "utf-16"])
def test_a_file_saved_in_its_own_encoding_or_with_a_mark_is_read(
    things: inb.CollectionHandle, tmp_path: Path, saved_as: str
) -> None:
    report = rejected(things, tmp_path / "a.csv", "id,name,x\n1,übel,bad\n", encoding="cp1252")
    path = tmp_path / "r.csv"
    path.write_text(path.read_text("cp1252").replace("bad", "1"), saved_as)
    report.retry(path)
    assert loaded(things) == [("1", "übel", 1.0)]


def test_a_file_saved_as_utf_8_is_not_taken_for_another_encoding(things: inb.CollectionHandle, tmp_path: Path) -> None:
    report = rejected(things, tmp_path / "a.csv", "id,name,x\n1,übel,bad\n", encoding="cp1252")
    path = tmp_path / "r.csv"
    path.write_text(path.read_text("cp1252").replace("bad", "1"), "utf-8")
    with pytest.raises(
        inb.DataError, match=r"to be read as cp1252, .* and it is UTF-8. Save it as cp1252, or as UTF-8"
    ):
        report.retry(path)
    path.write_text(path.read_text("utf-8").replace("ü", "ue"), "utf-8")
    assert report.retry(path).accepted == 1
    with pytest.raises(inb.DataError, match=r"no file .*none\.csv"):
        report.retry(tmp_path / "none.csv")
