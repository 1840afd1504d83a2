"""What every kind of tabular input becomes: blocks of rows that remember where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    import pyarrow as pa

    from intempt_nb.codecs.rows.csv_dialect import Dialect

__all__ = ["Block", "Malformed", "Tabular"]


@dataclass(frozen=True, slots=True)
class Malformed:
    """A row that has no cells to speak of, because its line cannot be cut into the columns.

    Parameters
    ----------
    row
        Where it stands.
    text
        The whole line.
    reason
        What is wrong with it.
    """

    row: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of the input.

    Parameters
    ----------
    batch
        The rows that could be cut into columns.
    rows
        Where each of them stands, int64, ascending: see `Tabular.numbering`.
    malformed
        Rows of the same stretch that could not.
    blank
        How many lines of the same stretch were empty.
    """

    batch: pa.RecordBatch
    rows: pa.Array
    malformed: tuple[Malformed, ...] = ()
    blank: int = 0


@dataclass(frozen=True, slots=True)
class Tabular:
    """A source of rows.

    Parameters
    ----------
    origin
        What it is, for messages: a file's path, or "DataFrame".
    schema
        The columns as the source has them; all strings for text.
    text
        Whether the values are text to be read (CSV) rather than typed data.
    numbering
        What row numbers mean, for the reader of a report.
    length
        Number of rows, where it is known before reading.
    read
        What `blocks` calls.
    digest
        The SHA-256 of the content, hexadecimal: the same rows give the same digest.
    decimal
        What stands before the fraction of a number in text, ``"."`` or ``","``.
    path
        The file that it is read from; None for what is in memory.
    dialect
        How a CSV file is written; None for all else.
    """

    origin: str
    schema: pa.Schema
    text: bool
    numbering: str
    length: int | None
    read: Callable[[Collection[str]], Iterator[Block]]
    digest: Callable[[], str]
    decimal: str = "."
    path: Path | None = None
    dialect: Dialect | None = None

    def blocks(self, wanted: Collection[str] = ()) -> Iterator[Block]:
        """Read the rows, from the start each time it is called.

        Parameters
        ----------
        wanted
            The columns that will be looked at; the others may come as nulls. None of them for all.
        """
        return self.read(wanted)

    def stamp(self) -> tuple[int, int] | None:
        """Return size and time of the file, of which one changes when it does; None without a file."""
        try:
            status = None if self.path is None else self.path.stat()
        except OSError:
            return None
        return None if status is None else (status.st_size, status.st_mtime_ns)
