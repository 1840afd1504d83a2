"""How a CSV file is written: given by options, or seen in its first bytes; never guessed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from intempt_nb.codecs.rows.csv_pieces import ends_in_quotes
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import IO

__all__ = ["CsvOptions", "Dialect", "not_utf8", "read_dialect", "require_encoding", "utf8_chunks"]

CHUNK_BYTES = 2 << 20
SAMPLE_BYTES = 1 << 20
DELIMITERS = ",;\t|"
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ALL_MARKS = {**MARKS, codecs.BOM_UTF8: "utf-8"}


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """What is known of a CSV file, named as pandas names it.

    Parameters
    ----------
    encoding
        Of the text, as Python names encodings; a byte order mark that says another wins. None: UTF-8, or UTF-16 or
        UTF-32 where such a mark says so.
    delimiter
        Between the cells. None: a comma, or the semicolon, tab or bar that the header has in its place.
    quotechar
        Around cells that hold a delimiter or a line end; None where quotes are nothing but text.
    decimal
        Before the fraction of a number: ``"."`` or ``","``. Thousands have no mark.

    Raises
    ------
    DataError
        If one of them is of no use.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quotechar: str | None = '"'
    decimal: str = "."

    def __post_init__(self) -> None:
        _check_character("delimiter", self.delimiter, "such as ',' or ';'")
        _check_character("quotechar", self.quotechar, "such as '\"', or None")
        if self.delimiter is not None and self.delimiter == self.quotechar:
            raise DataError(f"delimiter is {self.delimiter!r}, and so is quotechar; expected one character that is not")
        if self.decimal not in (".", ","):
            raise DataError(f"decimal is {self.decimal!r}; expected '.' or ','")
        if self.encoding is not None:
            _check_encoding(self.encoding)

    @property
    def given(self) -> bool:
        """Whether any is not as it is by default."""
        return any(getattr(self, each.name) != each.default for each in fields(self))


def _check_character(name: str, given: str | None, such_as: str) -> None:
    if given is None:
        return
    if not isinstance(given, str) or len(given) != 1 or not given.isascii() or given in "\r\n\0":
        raise DataError(f"{name} is {given!r}; expected one character of ASCII, {such_as}")


def _check_encoding(encoding: str) -> None:
    try:
        "a".encode(encoding).decode(encoding)
    except (LookupError, TypeError, ValueError):
        raise DataError(f"encoding is {encoding!r}; expected a text encoding, such as 'utf-8' or 'latin-1'") from None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, nothing left open.

    Parameters
    ----------
    path, encoding, delimiter, quotechar
        See :class:`CsvOptions`.
    names
        Of the columns.
    start
        Where the rows begin, behind mark and header, in bytes of UTF-8.
    marked
        Whether a byte order mark that the encoding does not write by itself stands before the header.
    """

    path: Path
    encoding: str
    delimiter: str
    quotechar: str | None
    names: tuple[str, ...]
    start: int = 0
    marked: bool = False

    @property
    def marks(self) -> tuple[bytes, bytes | None]:
        """Delimiter and quote as bytes."""
        return self.delimiter.encode(), None if self.quotechar is None else self.quotechar.encode()


def read_dialect(path: Path, options: CsvOptions) -> Dialect:
    """Read the start of a file.

    Raises
    ------
    DataError
        If it is empty, its text is not in the encoding, or the header has a name twice or none.
    """
    sample = _sample(path)
    encoding = _marked_otherwise(sample, options.encoding) or options.encoding or _encoding(path, sample)
    try:
        marked = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError as error:
        raise DataError(f"{path} cannot be read as {encoding}: {error}") from None
    text = marked.removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path} is empty; expected a header line")
    delimiter = options.delimiter or _delimiter(text, options.quotechar)
    if delimiter == options.quotechar:
        raise DataError(f"quotechar and delimiter of {path} are both {delimiter!r}; pass the one that is another")
    header, names = _header(path, text, delimiter, options.quotechar)
    start = len(header.encode()) + (len(codecs.BOM_UTF8) if marked != text else 0)
    dialect = Dialect(path, encoding, delimiter, options.quotechar, tuple(names), start, marked != text)
    if ends_in_quotes(header.encode(), *dialect.marks):
        raise DataError(f"a quote that opens in the header of {path} never closes", row=1)
    _check_names(path, names, delimiter)
    if header == text and len(sample) == SAMPLE_BYTES:
        raise DataError(f"the header of {path} is longer than {SAMPLE_BYTES >> 20} MiB; expected a line of names")
    return dialect


def _open(path: Path) -> IO[bytes]:
    stream: IO[bytes] = pa.input_stream(str(path), compression="detect")
    return stream


def _sample(path: Path) -> bytes:
    try:
        with _open(path) as stream:
            sample = bytes(stream.read(SAMPLE_BYTES))
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not sample.strip():
        raise DataError(f"{path} is empty; expected a header line")
    return sample


def _marked_otherwise(sample: bytes, given: str | None) -> str | None:
    """Return the encoding of which a byte order mark stands there that is none in the encoding given."""
    found = next((mark for mark in _ALL_MARKS if sample.startswith(mark)), None)
    if given is None or found is None or codecs.getincrementaldecoder(given)("replace").decode(found) in ("", "\ufeff"):
        return None
    return _ALL_MARKS[found]


def require_encoding(path: Path, options: CsvOptions) -> None:
    """Refuse a file for an encoding that is not UTF-8, when it reads as UTF-8: most editors save no other.

    Raises
    ------
    DataError
        If it has characters beyond ASCII, all of them in UTF-8, and no byte order mark.
    """
    if options.encoding is None or codecs.lookup(options.encoding).name.startswith("utf-8") or not path.is_file():
        return
    if _marked_otherwise(_sample(path), options.encoding) is None and _is_utf8(path):
        raise DataError(
            f"{path} is to be read as {options.encoding}, as the upload was that it belongs to, and it is UTF-8. Save "
            f"it as {options.encoding}, or as UTF-8 with a byte order mark: encoding='utf-8-sig' in pandas, 'CSV UTF-8'"
            " in a spreadsheet"
        )


def _is_utf8(path: Path) -> bool:
    """Return whether a file has characters beyond ASCII, and all of its text is UTF-8."""
    decoder, beyond = codecs.getincrementaldecoder("utf-8")(), False
    try:
        with _open(path) as stream:
            while chunk := bytes(stream.read(CHUNK_BYTES)):
                beyond = beyond or not chunk.isascii()
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return beyond


def _encoding(path: Path, sample: bytes) -> str:
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample:
        raise DataError(f"{path} holds zero bytes: not UTF-8 text. If it is UTF-16, pass encoding='utf-16-le'")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError as error:
        raise not_utf8(path, sample, error.start) from None
    return "utf-8"


def not_utf8(path: Path, text: bytes, start: int, lines_before: int = 0) -> DataError:
    """Return the error of a file that stops being UTF-8 at `start` of `text`, which has `lines_before` lines before."""
    line = lines_before + text.count(b"\n", 0, start) + 1
    found = text[max(0, text.rfind(b"\n", 0, start) + 1, start - 20) : start + 20].splitlines()[0]
    return DataError(
        f"{path} is not UTF-8: byte 0x{text[start]:02x} in line {line}, near {found.decode('latin-1')!r} "
        "(read as Latin-1). If that looks right, pass encoding='latin-1'; otherwise the encoding it was saved in"
    )


def _delimiter(text: str, quotechar: str | None) -> str:
    """Return the first known delimiter that the header has outside of quotes."""
    lines = io.StringIO(text, newline="")
    header = lines.readline()
    if quotechar is not None:
        while header.count(quotechar) % 2 and (more := lines.readline()):
            header += more
        quote = re.escape(quotechar)
        header = re.sub(f"{quote}[^{quote}]*{quote}", "", header)
    return next((each for each in DELIMITERS if each in header and each != quotechar), ",")


def _header(path: Path, text: str, delimiter: str, quotechar: str | None) -> tuple[str, list[str]]:
    """Return the text of the first row, quoted line ends included, and its cells."""
    lines = io.StringIO(text, newline="")
    if quotechar is None:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quotechar)
    try:
        names = next(reader)
    except csv.Error as error:
        raise DataError(f"the header of {path} cannot be read: {error}") from None
    header = "".join(islice(io.StringIO(text, newline=""), reader.line_num))
    told = re.fullmatch(r'"?sep=([^\w\s]|\t)"?[\s,;]*', header)
    if told:
        advice = f"delete that line, and pass delimiter={told[1]!r}"
        raise DataError(f"{path} begins with a line that only Excel reads, {header.strip()!r}; {advice}")
    if not header.strip():
        raise DataError(f"the first line of {path} is empty; expected a header line")
    return header, names


def _check_names(path: Path, names: Sequence[str], delimiter: str) -> None:
    places: dict[str, list[int]] = {}
    for column, name in enumerate(names, 1):
        places.setdefault(name, []).append(column)
    for name, columns in places.items():
        if not name.strip():
            advice = "If pandas wrote the file, to_csv(index=False) leaves the index out"
            if columns[0] == len(names):
                advice = f"The header ends in {delimiter!r}; take it away there, and where rows end in it"
            raise DataError(f"column {columns[0]} of {path} has no name in the header. {advice}")
        if len(columns) > 1:
            listed = " and ".join(map(str, columns))
            raise DataError(f"the header of {path} has {shorten(name)!r} more than once: columns {listed}", field=name)


def utf8_chunks(dialect: Dialect) -> Iterator[bytes]:
    """Yield the rows of a file as UTF-8, decompressed, some MiB at a time.

    Raises
    ------
    DataError
        If it cannot be read on, or its text is not in the encoding.
    """
    skip = dialect.start
    try:
        with _open(dialect.path) as stream:
            for chunk in _transcoded(stream, dialect.encoding):
                yield chunk[skip:]
                skip = max(skip - len(chunk), 0)
    except UnicodeError as error:
        raise DataError(f"{dialect.path} cannot be read as {dialect.encoding}: {error}") from None
    except OSError as error:
        raise DataError(f"{dialect.path} cannot be read on: {error}") from error


def _transcoded(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    utf8 = codecs.lookup(encoding).name == "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)()
    while chunk := bytes(stream.read(CHUNK_BYTES)):
        yield chunk if utf8 else decoder.decode(chunk).encode()
    if not utf8:
        yield decoder.decode(b"", final=True).encode()
