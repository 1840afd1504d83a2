"""JSON lines: read at once where that is safe, line by line where it is not, with the same result."""

from __future__ import annotations

import bz2
import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows import jsonlines
from intempt_nb.codecs.rows.tabular import open_tabular

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular


def write(folder: Path, *lines: str | bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
    return path


def rows_of(opened: Tabular) -> list[Any]:
    return [row for block in opened.blocks() for row in block.batch.to_pylist()]


def lines_of(opened: Tabular) -> list[int]:
    return [line for block in opened.blocks() for line in block.rows.to_pylist()]


def bad_of(opened: Tabular) -> list[tuple[int, str, str]]:
    return [(each.row, each.text, each.reason) for block in opened.blocks() for each in block.malformed]


def test_objects_become_rows_with_their_lines(tmp_path: Path) -> None:
    opened = open_tabular(write(tmp_path, '{"a":1,"b":{"c":"x"}}', '{"a":2.5}', '{"b":null,"d":[1]}'))
    assert (opened.length, opened.text, opened.numbering) == (3, False, "lines are counted from 1")
    assert opened.schema == pa.schema(
        [("a", pa.float64()), ("b", pa.struct([("c", pa.string())])), ("d", pa.list_(pa.int64()))]
    )
    assert rows_of(opened) == [
        {"a": 1.0, "b": {"c": "x"}, "d": None},
        {"a": 2.5, "b": None, "d": None},
        {"a": None, "b": None, "d": [1]},
    ]
    assert lines_of(opened) == [1, 2, 3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("null", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"a":1', "not JSON: Expecting ',' delimiter at column 7"),
        ('{"a":1} {"a":2}', "not JSON: Extra data at column 9"),
        ('{"a":1} null', "not JSON: Extra data at column 9"),
        (b'{"a":"\xff"}', "not UTF-8"),
        ('{"a":"\\ud800"}', "text with half of a surrogate pair, which is not Unicode"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested more than 100 levels deep"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "not JSON: nested too deeply"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path, line: str | bytes, reason: str) -> None:
    opened = open_tabular(write(tmp_path, '{"a":1}', line, "", '{"a":2}'))
    assert rows_of(opened) == [{"a": 1}, {"a": 2}]
    assert lines_of(opened) == [1, 4]
    assert sum(block.blank for block in opened.blocks()) == 1
    ((row, text, found),) = bad_of(opened)
    whole = line if isinstance(line, str) else line.decode(errors="backslashreplace")
    assert (row, found, text) == (2, reason, whole)


def test_a_file_may_begin_with_a_bad_line(tmp_path: Path) -> None:
    opened = open_tabular(write(tmp_path, "null", '{"a":1}'))
    assert rows_of(opened) == [{"a": 1}]
    assert bad_of(opened) == [(1, "null", "not a JSON object")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_empty_lines_are_counted_and_line_ends_may_be_of_any_kind(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(end.join(["\ufeff" + '{"a":1}', "", '{"a":2}', "", ""]).encode())
    opened = open_tabular(path)
    assert rows_of(opened) == [{"a": 1}, {"a": 2}]
    assert lines_of(opened) == [1, 3]
    assert sum(block.blank for block in opened.blocks()) == 2
    assert bad_of(opened) == []


@pytest.mark.parametrize(
    ("lines", "kind", "values"),
    [
        (['{"a":1}', '{"a":"x"}'], pa.string(), ["1", "x"]),
        (['{"a":18446744073709551616}', '{"a":1}'], pa.string(), ["18446744073709551616", "1"]),
        (['{"a":9007199254740993}', '{"a":0.5}'], pa.string(), ["9007199254740993", "0.5"]),
        (['{"a":9007199254740993}', '{"a":1}'], pa.int64(), [9007199254740993, 1]),
        (['{"a":1e400}', '{"a":1}'], pa.string(), ["1e400", "1"]),
        (['{"a":1e300}', '{"a":1}'], pa.float64(), [1e300, 1.0]),
        (['{"a":"2020-01-01"}', '{"a":"2020-01-02"}'], pa.string(), ["2020-01-01", "2020-01-02"]),
        (['{"a":1,"a":2}', '{"a":3}'], pa.int64(), [2, 3]),
        (['{"a":null}', "{}"], pa.null(), [None, None]),
        (['{"a":[]}', '{"a":[null]}'], pa.list_(pa.null()), [[], [None]]),
        (['{"a":{}}', "{}"], pa.struct([]), [{}, None]),
        (['{"a":{"b":1}}', '{"a":[1]}'], pa.string(), ['{"b":1}', "[1]"]),
        (['{"a":0.1}', '{"a":"x"}'], pa.string(), ["0.1", "x"]),
    ],
    ids=str,
)
def test_no_digit_and_no_kind_is_lost(tmp_path: Path, lines: list[str], kind: pa.DataType, values: list[Any]) -> None:
    opened = open_tabular(write(tmp_path, *lines))
    assert opened.schema.field("a").type == kind
    assert [row["a"] for row in rows_of(opened)] == values


def test_objects_without_keys_are_rows_all_the_same(tmp_path: Path) -> None:
    opened = open_tabular(write(tmp_path, "{}", "{}"))
    assert (opened.length, opened.schema.names, lines_of(opened)) == (2, [], [1, 2])
    assert [len(block.batch) for block in opened.blocks()] == [2]


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_files_are_decompressed_on_the_way(tmp_path: Path, suffix: str, compress: Any) -> None:
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(compress(b'{"a":1}\n{"a":2}'))
    assert rows_of(open_tabular(path)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected a JSON object on each line"),
        (b"\n\n", "is empty"),
        (b'[{"a": 1},\n{"a": 2}]\n', "no line that is a JSON object; line 1: not JSON: .* pass what json.load gives"),
        ('{"a":1}\n'.encode("utf-16"), "is UTF-16; JSON lines are UTF-8"),
    ],
)
def test_a_file_without_an_object_is_a_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(inb.DataError, match=message):
        open_tabular(path)


def test_what_is_no_gzip_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(inb.DataError, match="cannot be read"):
        open_tabular(write(tmp_path, "{}", name="a.jsonl.gz"))


def test_lines_are_whole_and_numbered_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "PIECE_BYTES", 50)
    lines = [json.dumps({"n": n, "t": "é" * (n % 40)}, ensure_ascii=False) if n % 7 else "bad" for n in range(1, 200)]
    opened = open_tabular(write(tmp_path, *lines))
    good = [n for n in range(1, 200) if n % 7]
    assert [row["n"] for row in rows_of(opened)] == lines_of(opened) == good
    assert [row for row, _, _ in bad_of(opened)] == [n for n in range(1, 200) if n % 7 == 0]
    assert len(list(opened.blocks())) > 10


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "PIECE_BYTES", 50)
    monkeypatch.setattr(jsonlines, "MOST_LINE_BYTES", 1_000)
    with pytest.raises(inb.DataError, match=r"line 2 of .* has more than"):
        open_tabular(write(tmp_path, "{}", "x" * 5_000))


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.sampled_from([2**53, -(2**53), 2**63, -(2**63), 0, 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=3),
    st.sampled_from(["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00", ""]),
)
COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), LEAVES.filter(lambda value: not isinstance(value, str))), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=3)), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.lists(LEAVES, max_size=2)), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.dictionaries(st.sampled_from("xy"), LEAVES, max_size=2)), min_size=4, max_size=4),
    st.lists(LEAVES, min_size=4, max_size=4),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(-9, 9)), min_size=4, max_size=4),
)


@given(st.dictionaries(st.sampled_from("abc"), COLUMN, min_size=1))
@example({"a": [None, None, None, [None, None]]})  # pyarrow makes an array of it that is none
def test_reading_at_once_and_line_by_line_is_the_same(columns: dict[str, list[Any]]) -> None:
    items = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    piece = jsonlines._Piece("".join(json.dumps(item) + "\n" for item in items).encode(), 1)
    slow = jsonlines._read_by_line(piece, None)
    at_once = jsonlines._read_at_once(piece, None)
    schema = jsonlines._schema_of(slow.shape)
    if at_once is not None:
        assert jsonlines._schema_of(at_once.shape).equals(schema, check_metadata=True)
    fast_rows = jsonlines._read_at_once(piece, schema)
    slow_rows = jsonlines._read_by_line(piece, schema)
    if fast_rows is not None:
        assert [each.to_pylist() for each in fast_rows.columns] == [each.to_pylist() for each in slow_rows.columns]
        assert [each.type for each in fast_rows.columns] == [each.type for each in schema]


@given(st.dictionaries(st.sampled_from("abc"), COLUMN, min_size=1))
def test_columns_that_are_not_wanted_change_nothing_in_the_others(columns: dict[str, list[Any]]) -> None:
    items = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    piece = jsonlines._Piece("".join(json.dumps(item) + "\n" for item in items).encode(), 1)
    schema = jsonlines._schema_of(jsonlines._read_by_line(piece, None).shape)
    for wanted in columns:
        narrowed = jsonlines._narrowed(schema, [wanted])
        for read in (jsonlines._read, jsonlines._read_by_line):
            every, some = read(piece, schema), read(piece, narrowed)
            for field, whole, column in zip(schema, every.columns, some.columns, strict=True):
                expected = whole if field.name == wanted else pa.nulls(len(items))
                assert column.equals(expected)


def test_a_line_that_opens_thousands_of_objects_never_reaches_the_fast_way() -> None:
    deep = '{"a":' * (jsonlines.MOST_OPEN + 1) + "1" + "}" * (jsonlines.MOST_OPEN + 1)
    wide = '{"b":[' + ",".join(["[]"] * 900) + "]}"
    for text, seen in ((deep, False), (wide, True)):
        piece = f'{{"b":[]}}\n{text}\n'.encode()
        assert (jsonlines._object_lines(piece)[0] is not None) is seen


def test_the_fast_way_is_taken_where_values_are_of_one_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, *[json.dumps({"a": n, "b": {"c": [str(n)], "d": None}, "e": n / 2}) for n in range(50)])
    monkeypatch.setattr(jsonlines, "_read_by_line", None)
    assert len(rows_of(open_tabular(path))) == 50


def test_an_upload_names_bad_lines_and_takes_the_others(shop: inb.SourceHandle, tmp_path: Path) -> None:
    path = write(tmp_path, '{"id":"a","n":{"x":1}}', "oops", "", '{"id":"b","n":{"x":"q"}}', '{"id":"c"}')
    schema = {
        "type": "record",
        "name": "things",
        "fields": [
            {"name": "id", "type": "string"},
            {
                "name": "n",
                "type": ["null", {"type": "record", "name": "n", "fields": [{"name": "x", "type": "long"}]}],
                "default": None,
            },
        ],
    }
    things = shop.create_collection("things", schema, kind="event")
    things.create_identifier("key", fields=["id"], type="primary")
    report = things.upload(path)
    assert (report.accepted, report.rejected) == (2, 2)
    assert [each.split(",")[:2] for each in report.rejects.to_csv(index=False).splitlines()[1:]] == [
        ["2", ""],
        ["4", "n.x"],
    ]
