"""Columns mapped by hand: the same as renaming them, in all that is made of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.transfer.mapping import match_columns

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular

NAMES = ["a", "b", "c", "d", "e"]
SCHEMA = inb.Schema.parse(
    {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "a", "type": ["null", "long"], "default": None, "aliases": ["e"]},
            {"name": "b", "type": ["null", "long"], "default": None, "title": "The B"},
            {"name": "c", "type": ["null", "long"], "default": None},
        ],
    }
)

mappings = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["a", "b", "c", None]), max_size=5).filter(
    lambda each: len(fields := [field for field in each.values() if field]) == len(set(fields))
)


def a_table(names: list[str]) -> Tabular:
    return open_tabular(pa.table({name: [1] for name in names}))


@given(st.lists(st.sampled_from([*NAMES, "The B"]), unique=True), mappings)
def test_it_is_the_same_as_giving_columns_other_names(names: list[str], mapping: dict[str, str | None]) -> None:
    mapping = {name: field for name, field in mapping.items() if name in names}
    taken = set(mapping.values())
    # What is left out, or would be taken for a field that another column was mapped to, gets a name that means nothing.
    renamed = [mapping.get(name) or (f"_{name}" if name in mapping or name in taken else name) for name in names]
    assert match_columns(SCHEMA, a_table(names), mapping) == match_columns(SCHEMA, a_table(renamed), {})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"A": "a"}, r"columns names 'A', which Arrow table does not have. Available: a, total"),
        ({"total": "bb"}, r"gives 'total' to 'bb', which is no field of the schema.*Available: a, b, c"),
        ({"total": "c", "a": "c"}, r"gives 'total' and 'a' to the field 'c'; give it one, and None to the others"),
    ],
)
def test_what_cannot_be_followed_is_named(columns: dict[str, str], message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        match_columns(SCHEMA, a_table(["a", "total"]), columns)


FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string"},
    {"name": "amount", "type": "double"},
    {"name": "note", "type": ["null", "string"], "default": None},
]
CSV = "id,amount,Total (EUR),note\n" + "".join(f"{n:03},x,{n},=sum\n" for n in range(20)) + "bad,x,many,\n"
BY_HAND = {"Total (EUR)": "amount", "note": None}


@pytest.fixture
def sales(shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> inb.CollectionHandle:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    found = shop.create_collection("sales", {"type": "record", "name": "sales", "fields": FIELDS}, kind="event")
    found.create_identifier("id", fields=["id"])
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text(CSV)
    return path


def test_an_upload_sends_what_was_mapped_and_rejects_stay_as_the_source_has_them(
    sales: inb.CollectionHandle, path: Path, tmp_path: Path
) -> None:
    assert sales.upload(path, columns=BY_HAND, dry_run=True).planned == 20
    assert len(sales.load()) == 0
    mapping: dict[str, str | None] = {**BY_HAND}
    report = sales.upload(path, columns=mapping)
    mapping.clear()  # what becomes of it is nothing to the report, nor to its retries
    assert (report.accepted, report.ignored) == (20, ("amount",))
    assert report.rejects["field"].tolist() == ["amount"]
    stored = sales.load()
    assert (stored["amount"].sum(), stored["note"].count()) == (190.0, 0)
    report.write_rejects(tmp_path / "bad.csv")
    text = (tmp_path / "bad.csv").read_text()
    assert text.splitlines()[0].endswith("id,amount,Total (EUR),note")
    (tmp_path / "bad.csv").write_text(text.replace("many", "2000"))
    assert report.retry(tmp_path / "bad.csv").accepted == 1
    assert report.retry(report.rejected_rows.assign(**{"Total (EUR)": "3000"})).accepted == 1
    assert sorted(sales.load()["amount"])[-1] == 3000.0


def test_another_mapping_is_another_upload_and_the_same_one_goes_on(sales: inb.CollectionHandle, path: Path) -> None:
    sales.upload(path, columns=BY_HAND)
    assert sales.upload(path, columns=dict(reversed(BY_HAND.items()))).known == 20
    assert sales.upload(path, columns={**BY_HAND, "note": "note"}).known == 0
    assert set(sales.load()["note"]) == {"=sum"}
    assert len({each.id for each in inb.uploads()}) == 2


def test_a_stream_is_mapped_too(sales: inb.CollectionHandle) -> None:
    stream = pa.table({"key": ["a", "b"], "amount": [1.0, 2.0]}).to_reader()
    assert sales.upload(stream, columns={"key": "id"}).accepted == 2
    assert set(sales.load()["id"]) == {"a", "b"}


def test_keys_that_were_made_are_kept_where_a_column_of_their_name_is_left_out(
    sales: inb.CollectionHandle, tmp_path: Path
) -> None:
    path = tmp_path / "twins.csv"
    path.write_text("id,amount\n1,1\n1,2\n1,x\n")
    report = sales.upload(path, columns={"id": None})
    assert (report.accepted, report.rejected) == (2, 1)
    keys = set(sales.load()["id"])
    first = report.retry(report.rejected_rows.assign(amount="y"))
    assert first.rejected_rows["_intempt_id"].tolist() == report.rejected_rows["_intempt_id"].tolist()
    second = first.retry(first.rejected_rows.assign(amount="3"))
    assert second.accepted == 1
    assert set(sales.load()["id"]) - keys == set(report.rejected_rows["_intempt_id"])


def test_a_key_is_made_of_columns_by_what_they_are_mapped_to(sales: inb.CollectionHandle) -> None:
    rows = pd.DataFrame({"note": [1.0, 1.0, 2.0], "amount": ["x", "y", "y"]})
    report = sales.upload(rows, columns={"note": "amount", "amount": "note"}, key=["amount"])
    assert (report.accepted, report.key_rule) == (3, "id: made of note")
    assert sorted(sales.load()["note"]) == ["x", "y"]
    with pytest.raises(inb.DataError, match="key names 'amount', which is no column that the schema knows"):
        sales.upload(rows, columns={"note": "amount", "amount": None}, key=["amount"])


def test_a_required_field_without_a_column_says_how_to_map_one(sales: inb.CollectionHandle) -> None:
    with pytest.raises(inb.DataError, match=r"'amount'.* map them by hand with columns={'column': 'field'}"):
        sales.upload(pd.DataFrame({"id": ["a"], "total": [1.0]}))
    with pytest.raises(inb.ConfigurationError, match=r"columns is \['total'\]; expected {'column': 'field' or None}"):
        sales.upload(pd.DataFrame({"id": ["a"], "total": [1.0]}), columns=["total"])  # type: ignore[arg-type]  # a slip
