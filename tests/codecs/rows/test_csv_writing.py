from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.csv_dialect import CsvOptions, Dialect
from intempt_nb.codecs.rows.csv_writing import remarks, whole_lines, write_csv
from intempt_nb.errors import DataError


def written(dialect: Dialect, *columns: pa.Array) -> bytes:
    stream = io.BytesIO()
    write_csv(stream, dialect, [columns])
    return stream.getvalue()


def dialect(*names: str, encoding: str = "utf-8", quotechar: str | None = '"', marked: bool = False) -> Dialect:
    return Dialect(Path("a.csv"), encoding, ";", quotechar, names, marked=marked)


CELL = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6) | st.text("\"',;\r\n a")
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6).filter(str.strip)


@given(
    names=st.lists(NAME | st.text(",;\t|\"'a", min_size=1).filter(str.strip), min_size=2, max_size=2, unique=True),
    cells=st.lists(CELL, max_size=6),
    quotechar=st.sampled_from("\"'|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    given_delimiter=st.booleans(),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    cells: list[str | None],
    quotechar: str,
    encoding: str,
    given_delimiter: bool,
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    numbers = pa.array([str(place) for place in range(len(cells))], pa.string())
    how = dialect("_id", *names, encoding=encoding, quotechar=quotechar)
    path.write_bytes(written(how, numbers, pa.array(cells, pa.string()), pa.nulls(len(cells), pa.string())))
    known = None if encoding == "utf-16" else encoding
    opened = open_csv(path, CsvOptions(known, ";" if given_delimiter else None, quotechar))
    assert opened.schema.names == ["_id", *names]
    assert [cell for block in opened.blocks() for cell in block.batch.column(1).to_pylist()] == cells


def test_a_mark_is_kept_and_only_what_needs_quotes_has_them() -> None:
    cells = pa.array(["a", "b;c", "", None, 'd"e'])
    assert written(dialect("n", "m,", marked=True), cells, cells) == (
        '\ufeffn;"m,"\na;a\n"b;c";"b;c"\n"";""\n;\n"d""e";"d""e"\n'.encode()
    )


def test_what_the_file_cannot_say_is_refused_in_cells_and_replaced_in_remarks() -> None:
    with pytest.raises(DataError, match="'Ω' cannot be written in latin-1"):
        written(dialect("n", encoding="latin-1"), pa.array(["Ω"]))
    assert remarks(pa.array(["Ω é", None]), dialect("n", encoding="latin-1")).to_pylist() == ["? é", None]
    unquoted = dialect("n", quotechar=None)
    with pytest.raises(DataError, match="a line end or ';' cannot be written without quotes"):
        written(unquoted, pa.array(["a;b"]))
    assert remarks(pa.array(["a;b\nc"]), unquoted).to_pylist() == ["a b c"]
    assert whole_lines(pa.array(["1;2;\\"]), unquoted).to_pylist() == ["1\\x3b2\\x3b\\\\"]
    assert whole_lines(pa.array(["1;2"]), dialect("n")).to_pylist() == ["1;2"]
