"""Reading in pieces against one pass of Arrow's own reader over the whole file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.codecs.rows import csv_dialect, csv_pieces
from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.csv_pieces import OpenQuote, cut_pieces
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular

HOSTILE = st.text(st.sampled_from('",\n\r \tax1é;'), max_size=60)
WELL_QUOTED = st.lists(
    st.sampled_from(['"a,b"', '"x\ny"', '""', '"say ""no"""', "1", "", ",", ",", "\n", "\n", "\r\n", "\r"]), max_size=40
).map("".join)


def in_one_pass(body: str, quotechar: str | None) -> tuple[dict[int, list[str | None]], set[int]]:
    """Row number → cells, and the rows of another width, as one sequential reader has them."""
    broken: list[Any] = []

    def skip(row: Any) -> str:
        broken.append(row)
        return "skip"

    # Without a line end, Arrow takes an empty last cell behind a quoted one for quoted too.
    body += "" if body.endswith(("\n", "\r")) else "\n"
    table = pa_csv.read_csv(
        io.BytesIO(body.encode()),
        pa_csv.ReadOptions(use_threads=False, column_names=["a", "b"]),
        pa_csv.ParseOptions(
            quote_char=quotechar or False,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        pa_csv.ConvertOptions(
            column_types={"a": pa.string(), "b": pa.string()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    ragged = {each.number + 1: each.text for each in broken}
    numbers = [number for number in range(2, len(table) + len(ragged) + 2) if number not in ragged]
    rows = zip(numbers, table["a"].to_pylist(), table["b"].to_pylist(), strict=True)
    told = {number for number, text in ragged.items() if text.strip()}
    return {number: [a, b] for number, a, b in rows if a is not None or b is not None}, told


@pytest.mark.parametrize("quotechar", ['"', "'", None])
@given(body=st.one_of(HOSTILE, WELL_QUOTED), size=st.integers(1, 12))
@example(body='x"y,"a\nb"\n', size=7)
@example(body='"a""\n",1\r\n2,3\r4,5', size=4)
def test_pieces_of_any_size_give_the_rows_of_one_pass(
    tmp_path_factory: pytest.TempPathFactory, body: str, size: int, quotechar: str | None
) -> None:
    body = body.replace('"', quotechar) if quotechar else body
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(b"a,b\n" + body.encode())
    table = open_csv(path, CsvOptions(quotechar=quotechar, delimiter=","))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_dialect, "CHUNK_BYTES", size)
        if quotechar and never_closes(body, quotechar):
            with pytest.raises(DataError, match="never closes"):
                list(table.blocks())
        else:
            assert in_pieces(table) == (in_one_pass(body, quotechar) if body else ({}, set()))


def in_pieces(table: Tabular) -> tuple[dict[int, list[str | None]], set[int]]:
    rows, malformed = {}, set()
    for block in table.blocks():
        cells = zip(*(column.to_pylist() for column in block.batch.columns), strict=True)
        rows.update(zip(block.rows.to_pylist(), map(list, cells), strict=True))
        malformed |= {each.row for each in block.malformed}
    return rows, malformed


def never_closes(body: str, quotechar: str) -> bool:
    """Read a file as its parser does, character by character, and say whether it ends in quotes."""
    inside, cell_starts = False, True
    for character in body:
        if character == quotechar and (inside or cell_starts):
            inside = not inside
            # A quote right behind a closing one opens again: together they stand for one.
            cell_starts = not inside
        else:
            cell_starts = not inside and character in ",\r\n"
    return inside


def test_a_piece_ends_where_a_row_does() -> None:
    chunks = [b'1,"a\n', b'b"\n2,', b"x\r", b"\n3,y"]
    assert [bytes(piece) for piece in cut_pieces(chunks, b",", b'"')] == [b'1,"a\nb"\n', b"2,x\r\n", b"3,y\n"]


def test_the_rows_before_an_open_quote_come_first() -> None:
    pieces = cut_pieces([b'1,x\n2,"y\n'], b",", b'"')
    assert bytes(next(pieces)) == b"1,x\n"
    with pytest.raises(OpenQuote):
        next(pieces)


def test_a_row_longer_than_any_row_is_an_error_that_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_dialect, "CHUNK_BYTES", 64)
    monkeypatch.setattr(csv_pieces, "LONGEST_ROW", 1_000)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3," + "x" * 2_000 + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^row 3: .* has a row of more than .* or a quote that never closes"):
        list(open_csv(path).blocks())
