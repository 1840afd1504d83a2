"""Keys: the same number for the same key whatever the pieces, made keys that stay, repeats counted in little memory."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.schema.schema import Schema
from intempt_nb.server.keys import compile_key
from intempt_nb.transfer import keys as module
from intempt_nb.transfer.keys import KeyMaker, Repeats, adopt_ids, key_hashes, maker_for
from intempt_nb.transfer.options import Target
from intempt_nb.transfer.prepare import plan_columns, prepare

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "n", "type": ["null", "long"]},
    {"name": "my_text", "type": ["null", "string"]},
]
SCHEMA = Schema.parse({"type": "record", "name": "r", "fields": FIELDS})
TARGET = Target("1", "2", "things", SCHEMA, ("id",))
STAYING = [0, 1925238059014401293, 1283430629838665711, 5348831698682131102]


def batch_of(ids: list[str], numbers: list[int | None] | None = None) -> pa.RecordBatch:
    kind = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("n", pa.int64())])
    columns = [pa.array(ids, pa.string()), pa.array(numbers or [None] * len(ids), pa.int64())]
    return pa.RecordBatch.from_arrays(columns, schema=kind)


@given(st.lists(st.text(max_size=30)), st.integers(0, 10), st.sampled_from([("id",), ("n",), ("id", "n")]))
def test_the_hash_of_a_key_depends_on_nothing_else(ids: list[str], cut: int, key: tuple[str, ...]) -> None:
    numbers = [len(each) % 3 for each in ids]
    batch = batch_of(ids, numbers)
    hashes = key_hashes(batch, SCHEMA, key).tolist()
    parts = [batch.slice(0, cut), batch.slice(cut)]
    assert [each for part in parts for each in key_hashes(part, SCHEMA, key).tolist()] == hashes
    found = {}
    for text, number, value in zip(ids, numbers, hashes, strict=True):
        found.setdefault({"id": text, "n": number, "id n": (text, number)}[" ".join(key)], set()).add(value)
    assert all(len(each) == 1 for each in found.values())
    assert len(set().union(*found.values())) == len(found)


def test_hashes_stay_what_they_are_from_session_to_session() -> None:
    hashes = key_hashes(batch_of(["", "a", "event-0001", "é" * 9]), SCHEMA, ("id",))
    assert hashes.tolist() == STAYING


KEYS: dict[str, tuple[Any, list[Any]]] = {
    "uuid": (
        {"type": "string", "logicalType": "uuid"},
        [f"{start}-e89b-12d3-a456-42661417400A" for start in ("123E4567", "123e4567", "123e4568")],
    ),
    "float": ("float", ["-0", "0.0", "1"]),
    "double": ("double", ["-0.0", "0e5", "-1"]),
    "decimal": ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, ["-0", "0.00", "0.01"]),
    "wide": ({"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 1}, ["1.50", "01.5", "1.4"]),
    "day": ({"type": "string", "logicalType": "date"}, ["2020-01-01", "2020-01-01", "2020-01-02"]),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("alone", [True, False])
def test_what_the_server_takes_for_the_same_key_has_the_same_hash(kind: str, alone: bool) -> None:
    avro, values = KEYS[kind]
    fields = [{"name": "k", "type": avro}, {"name": "s", "type": "string"}]
    schema = Schema.parse({"type": "record", "name": "r", "fields": fields})
    source = open_tabular(pa.table({"k": values, "s": ["A-a"] * 3}))
    (block,) = prepare(source, schema, plan_columns(schema, source))
    assert block.rejected == 0
    hashes = key_hashes(block.batch, schema, ("k",) if alone else ("k", "s")).tolist()
    assert hashes[0] == hashes[1] != hashes[2]
    key_of = compile_key([schema["k"]])
    told = [json.loads(bytes(line)) for line in lines_of(block.batch, schema)]
    assert key_of(told[0]) == key_of(told[1]) != key_of(told[2])


def lines_of(batch: pa.RecordBatch, schema: Schema) -> list[memoryview]:
    rows = encode_rows(batch, schema)
    return [rows.data[start : stop - 1] for start, stop in pairwise(rows.offsets.tolist())]


def test_hashes_spread_over_lanes() -> None:
    hashes = key_hashes(batch_of([f"e{number}" for number in range(4_000)]), SCHEMA, ("id",))
    assert np.bincount((hashes >> np.uint64(32)) % np.uint64(4)).min() > 900


def test_keys_are_made_for_the_rows_that_have_none() -> None:
    maker = KeyMaker("id", "row", "f" * 64)
    kind = pa.schema([pa.field("id", pa.string()), pa.field("n", pa.int64())])
    batch = pa.RecordBatch.from_arrays([pa.array(["a", None]), pa.array([1, 2])], schema=kind)
    done = maker.complete(batch, pa.array([5, 6]), SCHEMA)
    assert done.column("id").to_pylist() == ["a", f"{'f' * 16}-6"]
    without = maker.complete(batch.select(["n"]), pa.array([5, 6]), SCHEMA)
    assert without.to_pylist()[0] == {"id": f"{'f' * 16}-5", "n": 1}


def test_keys_of_content_are_equal_for_equal_rows_only() -> None:
    batch = pa.RecordBatch.from_arrays(
        [pa.array([1, 1, 2, None]), pa.array(["a", "a", "a", "a"])],
        schema=pa.schema([pa.field("n", pa.int64()), pa.field("my_text", pa.string())]),
    )
    whole = KeyMaker("id", "content", "").keys(batch, pa.array(range(4)), SCHEMA).to_pylist()
    assert whole[0] == whole[1]
    assert len(set(whole)) == 3
    assert all(len(each) == 32 for each in whole)
    some = KeyMaker("id", ("my_text",), "").keys(batch, pa.array(range(4)), SCHEMA).to_pylist()
    assert len(set(some)) == 1


def test_a_maker_is_found_for_what_the_source_lacks() -> None:
    without = open_tabular(pa.table({"n": [1], "my text": ["x"]}))
    assert maker_for(TARGET, without, None).rule == "row"
    assert maker_for(TARGET, open_tabular(pa.table({"id": ["a"]})), None) is None
    assert maker_for(TARGET, without, ["my text", "n"]).rule == ("my_text", "n")
    with pytest.raises(
        inb.DataError, match="key names 'nn', which is no column that the schema knows; did you mean 'n'"
    ):
        maker_for(TARGET, without, ["nn"])
    two = Target("1", "2", "things", SCHEMA, ("id", "n"))
    assert maker_for(two, without, None) is None
    with pytest.raises(inb.DataError, match="the primary key is id, n; leave it out"):
        maker_for(two, without, "row")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("rows", "key is 'rows'; expected 'row', 'content', or a list of columns"),
        ([], r"key is \[\]; expected 'row', 'content', or a list of columns"),
        (5, "key is 5; expected"),
        (["n", 5], r"key is \['n', 5\]; expected"),
        (["id"], "key names 'id', which is the primary key itself; name what it is to be made of"),
        (["n", "my text", "n"], "key names 'n' twice; expected each column once"),
        (["my text", "my_text"], "key names 'my text' and 'my_text', which are one; expected each column once"),
    ],
)
def test_a_rule_that_makes_no_key_is_refused(rule: Any, told: str) -> None:
    source = open_tabular(pa.table({"id": ["a"], "n": [1], "my text": ["x"]}))
    with pytest.raises(inb.DataError, match=told):
        maker_for(TARGET, source, rule)


@pytest.mark.parametrize("own", [None, "id"])
def test_the_keys_of_dead_letters_are_taken_where_rows_have_none_of_their_own(own: str | None) -> None:
    columns = {"n": [1, 2, 3, 4, 5], "_intempt_id": ["x-1", "x-2", None, "x-4", ""]}
    table = pa.table(columns if own is None else {**columns, own: pa.array([None, "mine", None, "", ""], pa.string())})
    adopted, _ = adopt_ids(open_tabular(table), TARGET, {})
    assert sorted(adopted.schema.names) == ["id", "n"]
    (block,) = adopted.blocks()
    ids = ["x-1", "x-2", None, "x-4", None] if own is None else ["x-1", "mine", None, "x-4", ""]
    assert block.batch.column("id").to_pylist() == ids
    assert block.batch.column("n").to_pylist() == [1, 2, 3, 4, 5]


@given(st.lists(st.lists(st.integers(0, 40), max_size=20), max_size=12), st.integers(1, 15))
def test_repeats_are_counted_whatever_waits_in_the_file(parts: list[list[int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST", most * 8)
        repeats = Repeats()
        for part in parts:
            repeats.add(np.array(part, np.uint64))
        every = [each for part in parts for each in part]
        assert repeats.count() == len(every) - len(set(every))
        repeats.add(np.array([50, 50], np.uint64))
        assert repeats.count() == len(every) - len(set(every)) + 1
        repeats.close()


def test_repeats_are_counted_in_memory_where_there_is_no_room_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "MOST", 8)
    monkeypatch.setattr(module.tempfile, "TemporaryFile", full)
    repeats = Repeats()
    for _ in range(3):
        repeats.add(np.arange(10, dtype=np.uint64))
    assert repeats.count() == 20
    repeats.close()
