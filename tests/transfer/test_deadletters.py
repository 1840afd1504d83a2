from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.schema.mapping.frames import to_frame
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.deadletters import open_dead_letters, read_rejected, write_dead_letters
from intempt_nb.transfer.prepare import plan_columns, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular

OWN = ["_intempt_row", "_intempt_status", "_intempt_error", "_intempt_id"]


def rejecting(rows: Iterable[int], reason: str = "wrong") -> pa.Table:
    return pa.Table.from_pylist([{"row": row, "field": "n", "reason": reason} for row in sorted(rows)], REJECTS)


def rows_of(source: Tabular) -> dict[int, list[Any] | str]:
    """Row number → cells, or the whole line if it is malformed."""
    found: dict[int, list[Any] | str] = {}
    for block in source.blocks():
        cells = [list(row.values()) for row in block.batch.to_pylist()]
        found |= dict(zip(block.rows.to_pylist(), cells, strict=True))
        found |= {each.row: each.text for each in block.malformed}
    return dict(sorted(found.items()))


def there_and_back(
    source: Tabular, chosen: Sequence[int], path: Path, **options: Any
) -> tuple[int, Tabular, list[list[Any] | str]]:
    count = write_dead_letters(path, source, rejecting(chosen), {}, None)
    opened = open_dead_letters(open_tabular(path, **options))
    width = len(opened.schema) - len(source.schema)  # the keys, a column of nulls in a CSV
    return count, opened, [each if isinstance(each, str) else each[width:] for each in rows_of(opened).values()]


CHARACTERS = st.characters(codec="latin-1", exclude_characters="\x00")
HOSTILE = st.none() | st.text("=+-@\t\r\n'\"`,;|1ä ", max_size=5) | st.text(CHARACTERS, max_size=4)


@given(
    rows=st.lists(st.lists(HOSTILE, min_size=1, max_size=4), min_size=1, max_size=6),
    name=HOSTILE.filter(lambda name: name is not None and name.strip() not in ("", "n", "m")),
    how=st.sampled_from([('"', ",", "utf-8"), ("'", ";", "latin-1"), ("`", "\t", "utf-16"), ('"', "|", "utf-8-sig")]),
    data=st.data(),
)
def test_rejected_rows_of_a_csv_come_back_cell_by_cell_and_line_by_line(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str | None]],
    name: str,
    how: tuple[str, str, str],
    data: st.DataObject,
) -> None:
    quote, delimiter, encoding = how

    def line(cells: Iterable[str | None]) -> str:
        return delimiter.join("" if each is None else quote + each.replace(quote, quote * 2) + quote for each in cells)

    folder = tmp_path_factory.mktemp("csv")
    path, options = folder / "a.csv", {"encoding": encoding, "delimiter": delimiter, "quotechar": quote}
    path.write_text("\n".join([line(["n", name, "m"]), *map(line, rows)]), encoding, newline="")
    source = open_tabular(path, **options)
    read = rows_of(source)
    chosen = sorted(data.draw(st.sets(st.sampled_from(sorted(read))))) if read else []
    count, opened, found = there_and_back(source, chosen, folder / "rejects.csv", **options)
    assert count == len(chosen)
    assert opened.schema.names[1:] == source.schema.names
    assert found == [read[row] for row in chosen]


def test_without_quotes_lines_keep_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('n,m\n"=1",-\n1,2,\\3\n=x,\n')
    source = open_tabular(tmp_path / "a.csv", quotechar=None)
    _, _, found = there_and_back(source, [2, 3, 4], tmp_path / "rejects.csv", quotechar=None)
    assert found == [['"=1"', "-"], "1\\x2c2\\x2c\\\\3", ["=x", None]]


def test_a_file_says_why_and_is_safe_to_open_in_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('=n,s\n-5,@x\n2,ok\n"=1+1",""\n7,8,9\n')
    rejects = pa.Table.from_pylist(
        [
            {"row": 2, "field": "=n", "reason": "=2 is refused"},
            {"row": 4, "field": "=n", "reason": "not a whole number"},
            {"row": 4, "field": "s", "reason": "no"},
            {"row": 5, "reason": "3 cells where the header has 2"},
        ],
        REJECTS,
    )
    source = open_tabular(tmp_path / "a.csv")
    assert (
        write_dead_letters(tmp_path / "r.csv", source, rejects, {2: 400}, lambda rows: [f"k{row}" for row in rows]) == 3
    )
    assert (tmp_path / "r.csv").read_text() == (
        "_intempt_row,_intempt_status,_intempt_error,_intempt_id,_intempt_line,'=n,s\n"
        "2,400,'=n: =2 is refused,k2,,-5,'@x\n"
        "4,,'=n: not a whole number; s: no,k4,,'=1+1,\"\"\n"
        '5,,3 cells where the header has 2,k5,"7,8,9",,\n'
    )


def test_a_line_that_could_not_be_cut_is_malformed_until_its_cells_are_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,s\n1,2,3\n4\n")
    path = tmp_path / "r.csv"
    write_dead_letters(path, open_tabular(tmp_path / "a.csv"), rejecting([2, 3]), {}, None)
    written = path.read_text()
    path.write_text(written.replace('"1,2,3",,', ' ,1,"2,3"'))
    (block,) = open_dead_letters(open_tabular(path)).blocks()
    assert block.batch.to_pylist() == [{"_intempt_id": None, "n": "1", "s": "2,3"}]
    ((row, text, reason),) = [(each.row, each.text, each.reason) for each in block.malformed]
    assert (row, text) == (3, "4")
    assert "put what it says into the columns of its row, and empty _intempt_line there" in reason
    path.write_text(written.replace('"1,2,3",,', ',1,"2,3"'))
    frame = open_dead_letters(open_tabular(pd.read_csv(path)))
    assert rows_of(frame) == {0: [1.0, "2,3"], 1: "4"}


def test_a_frame_made_of_the_file_is_recognised_and_rejects_of_rejects_keep_their_keys(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,s\n1,=a\n2,'=b\n3,c\n")
    write_dead_letters(
        tmp_path / "r.csv",
        open_tabular(tmp_path / "a.csv"),
        rejecting([2, 3]),
        {},
        lambda rows: [f"k{row}" for row in rows],
    )
    frame = pd.read_csv(tmp_path / "r.csv").drop(columns=["_intempt_row", "_intempt_status"])
    again = open_dead_letters(open_tabular(frame))
    assert rows_of(again) == {0: ["k2", 1, "=a"], 1: ["k3", 2, "'=b"]}
    assert open_dead_letters(again) is again
    again = open_dead_letters(open_tabular(tmp_path / "r.csv"))
    write_dead_letters(tmp_path / "r2.csv", again, rejecting([3]), {}, None)
    assert (tmp_path / "r2.csv").read_text().splitlines()[0] == ",".join([*OWN, "n", "s"])
    assert rows_of(open_dead_letters(open_tabular(tmp_path / "r2.csv"))) == {2: ["k3", "2", "'=b"]}


WHOLE = st.none() | st.integers(-(2**63), 2**63 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "real": st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.booleans(),
    "text": st.text("='+-\"\n2020: T", max_size=5) | st.text(max_size=5),
    "list": st.lists(st.none() | st.text(max_size=2), max_size=3),
    "object": st.fixed_dictionaries({"a": st.none() | st.text("='b"), "b": st.none() | st.floats(-9, 9)}),
    "mixed": st.text("='1", max_size=3) | st.integers(-9, 9) | st.lists(st.integers(0, 1), max_size=2),
}


@given(
    suffix=st.sampled_from([".jsonl", ".parquet", ".arrow"]),
    items=st.lists(st.fixed_dictionaries({"whole": WHOLE}, optional=VALUES), min_size=1, max_size=5),
    data=st.data(),
)
def test_rejected_json_lines_come_back_value_by_value(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, items: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("json")
    lines = [json.dumps(item) for item in items]
    lines.insert(data.draw(st.integers(0, len(items))), '{"broken": "=')
    (folder / "a.jsonl").write_text("\n".join(lines))
    source = open_tabular(folder / "a.jsonl")
    read = rows_of(source)
    good = [row for row, cells in read.items() if not isinstance(cells, str)]
    chosen = sorted({data.draw(st.sampled_from(good))} | data.draw(st.sets(st.sampled_from(sorted(read)))))
    count, opened, found = there_and_back(source, chosen, folder / f"r{suffix}")
    assert (count, opened.schema.names) == (len(chosen), source.schema.names)
    assert found == [read[row] for row in chosen]


SCHEMA = Schema.parse(
    {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "whole", "type": "long"},
            {"name": "real", "type": ["null", "double"]},
            {"name": "narrow", "type": ["null", "double"]},
            {"name": "text", "type": ["null", "string"]},
            {"name": "day", "type": ["null", {"type": "string", "logicalType": "date"}]},
            {"name": "time", "type": ["null", {"type": "int", "logicalType": "time-millis"}]},
            {"name": "instant", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "zoned", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
            {
                "name": "money",
                "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 8}],
            },
            {"name": "blob", "type": ["null", "bytes"]},
            {"name": "id", "type": ["null", {"type": "string", "logicalType": "uuid"}]},
        ],
    }
)


def typed(count: int) -> dict[str, tuple[pa.DataType, st.SearchStrategy[list[Any]]]]:
    def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(st.none() | values, min_size=count, max_size=count)

    instants = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(
        lambda instant: instant.replace(hour=1)
    )
    return {
        "whole": (pa.int64(), column(st.integers(-(2**53), 2**53))),
        "real": (pa.float64(), column(st.floats(allow_nan=False, allow_infinity=False))),
        "narrow": (pa.float32(), column(st.floats(width=32, allow_nan=False, allow_infinity=False))),
        "text": (pa.string(), column(st.text("='@NaN1 ", max_size=4))),
        "day": (pa.date32(), column(st.dates())),
        "time": (pa.time64("us"), column(st.times())),
        "instant": (pa.timestamp("us"), column(instants)),
        "zoned": (pa.timestamp("ns", "Europe/Berlin"), column(instants)),
        "money": (pa.decimal128(14, 9), column(st.decimals(-99_999, 99_999, places=9))),
        "blob": (pa.binary(), column(st.binary(max_size=4))),
        "id": (pa.uuid(), column(st.uuids().map(lambda value: value.bytes))),
    }


def verdicts(source: Tabular) -> tuple[list[Any], list[Any]]:
    """Which cells of rows, numbered from 0, an upload refuses, and what it makes of the good rows."""
    opened = {row: place for place, row in enumerate(rows_of(source))}
    refused, good = [], []
    for block in prepare(source, SCHEMA, plan_columns(SCHEMA, source)):
        refused += [(opened[each["row"]], each["field"]) for each in block.rejects.to_pylist()]
        good += block.batch.to_pylist()
    return refused, good


@given(suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet", ".arrow"]), data=st.data())
def test_typed_rows_are_judged_again_as_before(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, 4))
    columns = {name: pa.array(data.draw(values), kind) for name, (kind, values) in typed(count).items()}
    source = open_tabular(pa.table(columns))
    path = tmp_path_factory.mktemp("typed") / f"r{suffix}"
    _, opened, _ = there_and_back(source, range(count), path)
    assert verdicts(opened) == verdicts(source)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow"])
def test_numbers_that_are_not_finite_stay_what_they_are(tmp_path: Path, suffix: str) -> None:
    source = open_tabular(pa.table({"a": [1.5, math.nan, math.inf, -math.inf, None], "b": [[math.nan]] * 5}))
    _, _, found = there_and_back(source, range(5), tmp_path / f"r{suffix}")
    assert [repr(each) for each in found] == [repr([a, [math.nan]]) for a in (1.5, math.nan, math.inf, -math.inf, None)]


@pytest.mark.parametrize(
    ("column", "suffix", "told"),
    [
        (pa.array([{"a": 1}]), ".csv", r"struct<a: int64>, which CSV does not say exactly; end the path in .jsonl or"),
        (pa.array([math.nan]), ".csv", "numbers that are not finite"),
        (pa.array([2**53 + 1]), ".csv", "whole numbers beyond"),
        (pa.array([2**63], pa.uint64()), ".jsonl", r"whole numbers beyond .* end the path in .parquet, or .arrow"),
        (pa.array([dt.datetime(2020, 1, 1)]), ".jsonl", "times that may stand for days"),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), ".jsonl", "map<string, int64>"),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), ".parquet", "end the path in .arrow"),
    ],
)
def test_what_a_file_does_not_say_exactly_is_refused_and_leaves_the_old_one(
    tmp_path: Path, column: pa.Array, suffix: str, told: str
) -> None:
    path = tmp_path / f"r{suffix}"
    path.write_text("old")
    with pytest.raises(DataError, match=told):
        write_dead_letters(path, open_tabular(pa.table({"x": column})), rejecting([0]), {}, None)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.csv", "is the file that was uploaded"),
        ("r.jsonl", r"is CSV, and so are its rejected rows; end the path .* in .csv"),
        ("r.tsv", "would be read with tabs"),
        ("no/r.csv", "cannot be written: No such file or directory"),
    ],
)
def test_a_path_that_will_not_do_is_refused(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "a.csv").write_text("n;s\n1;2\n")
    with pytest.raises(DataError, match=told):
        write_dead_letters(tmp_path / name, open_tabular(tmp_path / "a.csv"), rejecting([2]), {}, None)
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    with pytest.raises(DataError, match=r"does not end in a known suffix \(.jsonl, .*; .parquet keeps"):
        write_dead_letters(tmp_path / "r.xlsx", open_tabular(pa.table({"n": [1]})), rejecting([0]), {}, None)


def test_no_rejects_leave_a_file_without_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    path = tmp_path / "r.csv"
    path.write_text("what was rejected the last time")
    with path.open() as before:
        assert write_dead_letters(path, open_tabular(tmp_path / "a.csv"), rejecting([]), {}, None) == 0
        assert before.read() == "what was rejected the last time"
    assert path.read_text() == ",".join([*OWN, "n\n"])


def test_columns_that_are_not_asked_for_change_no_verdict_and_keys_come_always(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n":1,"s":"x"}\n{"n":\n')
    path = tmp_path / "r.jsonl"
    write_dead_letters(
        path, open_tabular(tmp_path / "a.jsonl"), rejecting([1, 2]), {}, lambda rows: [f"k{row}" for row in rows]
    )
    path.write_text("{\n" + path.read_text())
    (block,) = open_dead_letters(open_tabular(path)).blocks(["n"])
    assert block.batch.to_pylist() == [{"_intempt_id": "k1", "n": 1, "s": None}]
    assert [(each.row, each.text) for each in block.malformed] == [(1, "{"), (3, '{"n":')]


def test_rows_that_are_gone_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    with pytest.raises(DataError, match=r"1 of 2 rejected rows are not in .*a.csv any more"):
        write_dead_letters(tmp_path / "r.csv", open_tabular(tmp_path / "a.csv"), rejecting([2, 3]), {}, None)


def test_a_frame_of_rejected_rows_can_be_corrected_and_comes_back_in_its_types() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["=a", "'=b", "c"], "'=c": pd.Categorical(["'=", "x", "x"])})
    rejected = to_frame(
        read_rejected(open_tabular(frame), rejecting([1, 2]), {2: 400}, lambda rows: [None] * len(rows))
    )
    assert rejected.columns.to_list() == [*OWN, "n", "s", "''=c"]
    assert rejected["_intempt_status"].to_list() == [pd.NA, 400]
    rejected.loc[0, "n"] = 7
    opened = open_dead_letters(open_tabular(rejected))
    assert rows_of(opened) == {0: [7, "'=b", "x"], 1: [3, "c", "x"]}
    assert opened.schema.names == ["n", "s", "'=c"]
