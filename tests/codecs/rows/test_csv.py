from __future__ import annotations

import bz2
import csv
import gzip
import io
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.rows import csv_dialect
from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows_of(table: Tabular) -> dict[int, list[str | None]]:
    """Row number → cells, of all blocks."""
    found: dict[int, list[str | None]] = {}
    for block in table.blocks():
        columns = [column.to_pylist() for column in block.batch.columns]
        for place, number in enumerate(block.rows.to_pylist()):
            assert number not in found
            found[number] = [column[place] for column in columns]
    return found


def malformed_of(table: Tabular) -> dict[int, str]:
    return {each.row: each.reason for block in table.blocks() for each in block.malformed}


def test_cells_are_text_and_only_an_unquoted_empty_cell_is_null(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", 'id,name\n007,\n8,""\n'))
    assert table.schema.names == ["id", "name"]
    assert rows_of(table) == {2: ["007", None], 3: ["8", ""]}


def test_rows_are_numbered_as_a_spreadsheet_does_with_ragged_blank_and_quoted_lines(tmp_path: Path) -> None:
    content = 'a,b\n1,2\n3\n\n"x\ny",5\n6,7,8\n9,9\n1\n'
    table = open_csv(write(tmp_path / "a.csv", content))
    assert rows_of(table) == {2: ["1", "2"], 5: ["x\ny", "5"], 7: ["9", "9"]}
    assert malformed_of(table) == {
        3: "1 cell where the header has 2",
        6: "3 cells where the header has 2",
        8: "1 cell where the header has 2",
    }
    assert sum(block.blank for block in table.blocks()) == 1


def test_row_numbers_hold_over_block_borders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_dialect, "CHUNK_BYTES", 1 << 12)
    lines = [f"{i},extra,cells" if i % 7 == 0 else f'"{i}\n",x' for i in range(5_000)]
    table = open_csv(write(tmp_path / "a.csv", "a,b\n" + "\n".join(lines) + "\n"))
    assert sum(1 for _ in table.blocks()) > 5
    assert all(int(cells[0] or "") == number - 2 for number, cells in rows_of(table).items())
    assert sorted(malformed_of(table)) == [i + 2 for i in range(0, 5_000, 7)]
    assert len(rows_of(table)) + len(malformed_of(table)) == 5_000


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)


@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=12))
def test_any_well_written_csv_comes_back_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    table = open_csv(write(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue()))
    good = {number: row for number, row in enumerate(rows, 2) if len(row) == 2}
    assert rows_of(table) == good
    assert sorted(malformed_of(table)) == [number for number, row in enumerate(rows, 2) if len(row) != 2]


@pytest.mark.parametrize("content", ["a,b\n", "a,b", "\ufeffa,b\r\n"])
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, content: str) -> None:
    table = open_csv(write(tmp_path / "a.csv", content))
    assert table.schema.names == ["a", "b"]
    assert rows_of(table) == {}


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", "\ufeffa,b\n1,2\n"))
    assert table.schema.names == ["a", "b"]
    assert rows_of(table) == {2: ["1", "2"]}


@pytest.mark.parametrize("content", ["", "\n\n", "  \n"])
def test_an_empty_file_is_an_error_that_says_so(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv is empty; expected a header line"):
        open_csv(write(tmp_path / "a.csv", content))


def test_repeated_header_names_are_an_error_with_their_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 'a' more than once: columns 1 and 3"):
        open_csv(write(tmp_path / "a.csv", "a,b,a\n1,2,3\n"))


def test_a_header_without_a_name_is_an_error_that_knows_pandas(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 1 .* has no name in the header.*index=False"):
        open_csv(write(tmp_path / "a.csv", ",a\n0,1\n"))


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path / "purchases.csv", "a\n1\n")
    with pytest.raises(DataError, match=r"no file .*purchase\.csv.*did you mean 'purchases\.csv'"):
        open_csv(tmp_path / "purchase.csv")
    with pytest.raises(DataError, match="there is no folder"):
        open_csv(tmp_path / "nowhere" / "a.csv")
    with pytest.raises(DataError, match="is a folder"):
        open_csv(tmp_path)


def test_utf_16_is_read_where_a_byte_order_mark_says_so(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", "a,b\n1,é\n", "utf-16"))
    assert rows_of(table) == {2: ["1", "é"]}


def test_utf_16_without_a_mark_is_an_error_that_names_it_and_is_read_when_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n1,é\n", "utf-16-le")
    with pytest.raises(DataError, match="encoding='utf-16-le'"):
        open_csv(path)
    assert rows_of(open_csv(path, CsvOptions(encoding="utf-16-le"))) == {2: ["1", "é"]}


@pytest.mark.parametrize("lines_before", [0, 600_000])
def test_latin_1_is_an_error_with_its_line_and_is_read_when_told(tmp_path: Path, lines_before: int) -> None:
    content = ("a,b\n" + "1,2\n" * lines_before + "1,café\n").encode("latin-1")
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(DataError) as caught:
        rows_of(open_csv(path))
    assert f"byte 0xe9 in line {lines_before + 2:d}, near '1,café'" in str(caught.value)
    assert "encoding='latin-1'" in str(caught.value)
    assert rows_of(open_csv(path, CsvOptions(encoding="latin-1")))[lines_before + 2] == ["1", "café"]


def test_an_unknown_encoding_is_an_error(tmp_path: Path) -> None:
    for encoding in ("klingon", "hex", "rot13", 5):
        with pytest.raises(DataError, match="expected a text encoding, such as 'utf-8' or 'latin-1'"):
            open_csv(write(tmp_path / "a.csv", "a\n1\n"), CsvOptions(encoding=encoding))


def test_text_that_is_not_in_the_given_encoding_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as utf-16"):
        rows_of(open_csv(path, CsvOptions(encoding="utf-16")))
    late = write(tmp_path / "b.csv", "a\n" + "1\n" * 600_000 + "é\n")
    with pytest.raises(DataError, match="cannot be read as ascii"):
        rows_of(open_csv(late, CsvOptions(encoding="ascii")))


def test_a_delimiter_is_one_character(tmp_path: Path) -> None:
    for delimiter in ("", ";;", "\n", '"', 5):
        with pytest.raises(DataError, match="expected one character"):
            open_csv(write(tmp_path / "a.csv", "a\n1\n"), CsvOptions(delimiter=delimiter))


def test_a_delimiter_within_quotes_does_not_count(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", '"Price, EUR";qty\n"1,5";2\n'))
    assert table.schema.names == ["Price, EUR", "qty"]
    assert rows_of(table) == {2: ["1,5", "2"]}


def test_a_delimiter_at_the_end_of_lines_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 3 .* has no name in the header. The header ends in ','"):
        open_csv(write(tmp_path / "a.csv", "a,b,\n1,2,\n"))
    table = open_csv(write(tmp_path / "a.csv", "a,b\n1,2,\n"))
    assert malformed_of(table) == {2: "3 cells where the header has 2; the line ends in ',', the header does not"}


def test_empty_lines_of_one_column_are_passed_over_too(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", 'name\nx\n\n""\n\n\n'))
    assert rows_of(table) == {2: ["x"], 4: [""]}


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_other_line_ends_are_read(tmp_path: Path, ending: str) -> None:
    table = open_csv(write(tmp_path / "a.csv", ending.join(["a,b", "1,2", "3,4"])))
    assert table.schema.names == ["a", "b"]
    assert rows_of(table) == {2: ["1", "2"], 3: ["3", "4"]}


@pytest.mark.parametrize("ending", ["", "\n", "\nmore,rows\nmore,rows\n"])
def test_a_quote_that_never_closes_is_an_error_and_swallows_nothing(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / "a.csv", f'a,b\n1,2\n3,"open\n4,5{ending}')
    with pytest.raises(DataError, match=r"^row 3: \S+ has a quote here that never closes"):
        rows_of(open_csv(path))


@pytest.mark.parametrize("rows", ['"1,x\n2,y\n', '1,"x'])
def test_a_quote_that_never_closes_is_an_error_whatever_it_swallows(tmp_path: Path, rows: str) -> None:
    with pytest.raises(DataError, match=r"^row 2: \S+ has a quote here that never closes"):
        rows_of(open_csv(write(tmp_path / "a.csv", "a,b\n" + rows)))


def test_a_quoted_cell_that_ends_the_file_with_a_line_end_is_fine(tmp_path: Path) -> None:
    assert rows_of(open_csv(write(tmp_path / "a.csv", 'a,b\n1,"x\n"'))) == {2: ["1", "x\n"]}
    assert rows_of(open_csv(write(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n'))) == {2: ["1", "x\ny"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_the_header_shows(tmp_path: Path, delimiter: str) -> None:
    table = open_csv(write(tmp_path / "a.csv", f"a{delimiter}b\n1{delimiter}2\n"))
    assert rows_of(table) == {2: ["1", "2"]}


def test_a_given_delimiter_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b~c\n1,2~3\n")
    assert rows_of(open_csv(path, CsvOptions(delimiter="~"))) == {2: ["1,2", "3"]}


@pytest.mark.parametrize(
    ("quotechar", "cells"),
    [('"', ["'x", "y'", "1", "2;3"]), ("'", ["x;y", "1", '"2', '3"']), (None, ["'x", "y'", "1", '"2', '3"'])],
)
def test_quotes_are_what_they_are_said_to_be(tmp_path: Path, quotechar: str | None, cells: list[str]) -> None:
    path = write(tmp_path / "a.csv", ";".join("abcde"[: len(cells)]) + "\n'x;y';1;\"2;3\"\n")
    assert rows_of(open_csv(path, CsvOptions(quotechar=quotechar))) == {2: cells}


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "sep=,,,"])
def test_a_line_that_only_excel_reads_is_told_of(tmp_path: Path, line: str) -> None:
    advice = f"{line!r}; delete that line, and pass delimiter='{line.strip(chr(34))[4]}'"
    with pytest.raises(DataError) as caught:
        open_csv(write(tmp_path / "a.csv", f"{line}\na;b\n1;2\n"))
    assert str(caught.value).endswith(advice)


def test_a_malformed_line_is_kept_whole(tmp_path: Path) -> None:
    line = f'1,"2\n{"x" * 1_000}",3'
    (block,) = open_csv(write(tmp_path / "a.csv", f"a,b\n{line}\n")).blocks()
    assert [each.text for each in block.malformed] == [line]


def test_a_quote_that_never_closes_in_the_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a quote that opens in the header"):
        open_csv(write(tmp_path / "a.csv", 'a,"b\n1,2\n'))


def test_a_quote_within_a_name_is_text(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", 'a,5" pipe\n1,2\n'))
    assert table.schema.names == ["a", '5" pipe']
    assert rows_of(table) == {2: ["1", "2"]}


def test_utf_32_is_not_taken_for_utf_16(tmp_path: Path) -> None:
    assert rows_of(open_csv(write(tmp_path / "a.csv", "a,b\n1,é\n", "utf-32"))) == {2: ["1", "é"]}


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        ("quotechar", "''", "one character of ASCII"),
        ("quotechar", "„", "one character of ASCII"),
        ("quotechar", ",", "one character that is not"),
        ("decimal", ";", r"expected '\.' or ','"),
    ],
)
def test_an_option_of_no_use_is_an_error(option: str, given: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        CsvOptions(**{"delimiter": ",", option: given})


def test_compressed_files_are_read_by_their_suffix(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n"
    assert rows_of(open_csv(write(tmp_path / "a.csv.gz", gzip.compress(content)))) == {2: ["1", "2"]}
    assert rows_of(open_csv(write(tmp_path / "a.csv.bz2", bz2.compress(content)))) == {2: ["1", "2"]}
    with pa.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as stream:
        stream.write(content)
    assert rows_of(open_csv(tmp_path / "a.csv.zst")) == {2: ["1", "2"]}
    with pytest.raises(DataError, match=r"b\.csv\.gz cannot be read"):
        open_csv(write(tmp_path / "b.csv.gz", content))


def test_a_compressed_file_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    numbers = random.Random(1)
    content = "a\n" + "".join(f"{numbers.random()}\n" for _ in range(200_000))
    path = write(tmp_path / "a.csv.gz", gzip.compress(content.encode())[:-100])
    with pytest.raises(DataError, match=r"a\.csv\.gz cannot be read on"):
        rows_of(open_csv(path))


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    one, same = write(tmp_path / "a.csv", "a\n1\n"), write(tmp_path / "b.csv", "a\n1\n")
    other = write(tmp_path / "c.csv", "a\n2\n")
    assert open_csv(one).digest() == open_csv(same).digest() != open_csv(other).digest()


def test_blocks_can_be_read_again(tmp_path: Path) -> None:
    table = open_csv(write(tmp_path / "a.csv", "a,b\n1,2\n3\n"))
    assert rows_of(table) == rows_of(table) == {2: ["1", "2"]}
    assert malformed_of(table) == malformed_of(table)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\n\0", b" \n"])
def test_a_file_of_a_mark_alone_is_empty(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(start)
    with pytest.raises(DataError, match="is empty; expected a header line"):
        open_csv(path)


def test_a_quote_is_no_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"quotechar and delimiter of .* are both ','"):
        open_csv(path, CsvOptions(quotechar=","))
