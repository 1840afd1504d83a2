"""The first rows of a source against a schema: which column goes where and why, and the cells that would be refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from intempt_nb.codecs.rows.blocks import Block
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.tabular import is_csv, open_tabular
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.columns import convert_field
from intempt_nb.schema.checking.matching import meant
from intempt_nb.schema.checking.rejects import as_texts, rejects_of
from intempt_nb.schema.mapping.arrow_names import avro_name
from intempt_nb.transfer.deadletters import open_dead_letters
from intempt_nb.transfer.keys import adopt_ids, maker_for
from intempt_nb.transfer.mapping import left_over, match_columns
from intempt_nb.transfer.options import Target
from intempt_nb.transfer.prepare import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.schema.model import Field
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.keys import KeyMaker, KeyRule
    from intempt_nb.transfer.mapping import Columns

__all__ = ["Preview", "PreviewColumn", "RefusedCell", "Why", "preview", "read_head"]

MOST_GUESSED = 40_000
"""Columns times fields that are compared for a guess; more would take seconds."""

Why: TypeAlias = Literal["name", "title", "alias", "guess", "by hand", "none"]
"""Why a column goes to its field. A guess is followed by an upload only if it is told: see `Preview.mapping`."""


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """A column of the source.

    Parameters
    ----------
    name
        Its name.
    field
        The field that it goes to; None if it goes to none.
    why
        Why it does, see `Why`; ``"by hand"`` also for one that was left out by hand.
    data_type
        What it holds, in words: an Arrow type.
    problem
        Why no value of such a column can be one of the field; None if some can.
    """

    name: str
    field: str | None
    why: Why
    data_type: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedCell:
    """A cell that an upload would refuse, and its row with it.

    Parameters
    ----------
    row
        The number of the row, as `Preview.rows` has it; of a line that cannot be cut into cells it is not there.
    column
        The name of the column; None if the whole row is meant.
    field
        Where in the item: a path, ``address.zip``; None if the whole row is meant.
    value
        What was found, as text.
    expected
        What would be right.
    reason
        What is wrong.
    """

    row: int
    column: str | None
    field: str | None
    value: str | None
    expected: str | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What an upload would make of the first rows.

    Parameters
    ----------
    origin
        What they are of.
    columns
        In the order of the source.
    missing
        Required fields that no column goes to; nothing is sent as long as there is one.
    numbering
        What the row numbers mean.
    rows
        The numbers of the rows.
    cells
        A tuple of texts for each row, cut to 200 letters; None for a gap.
    refused
        The cells that would be refused, by row.
    mapping
        What an upload has to be told as its `columns` to do what is shown here: what was said by hand, and the guesses.
    maker
        Makes keys for rows without one; None if each has to bring its own.
    """

    origin: str
    columns: tuple[PreviewColumn, ...]
    missing: tuple[str, ...]
    numbering: str
    rows: tuple[int, ...]
    cells: tuple[tuple[str | None, ...], ...]
    refused: tuple[RefusedCell, ...]
    mapping: Mapping[str, str | None]
    maker: KeyMaker | None = None


def read_head(source: Any, rows: int = 20, csv: CsvOptions | None = None) -> Tabular:
    """Return a source of only the first rows of another, which are read here; `length` stays that of all.

    Parameters
    ----------
    source
        The rows, as an upload takes them; not a stream, which can be read once only.
    rows
        How many.
    csv
        How a CSV file is written.

    Raises
    ------
    DataError
        If the source cannot be opened or read.
    """
    if isinstance(source, pa.RecordBatchReader):
        raise DataError("a stream can be read only once, so there is no preview of it; write it to a file first")
    options = csv if csv is not None and is_csv(source) else CsvOptions()
    opened = open_dead_letters(open_tabular(source, **asdict(options)))
    with closing(_closable(opened.blocks())) as blocks:
        block = next((each for each in blocks if len(each.rows) or each.malformed), None)
    if block is not None:
        block = _first(block, rows)
    return replace(opened, read=lambda wanted: iter(() if block is None else (block,)))


def _closable(blocks: Iterator[Block]) -> Any:
    """Return blocks as a generator, which ends the threads that read ahead when it is closed."""
    yield from blocks


def _first(block: Block, rows: int) -> Block:
    """Return a block of the first rows, those that cannot be cut into cells among them."""
    numbers = sorted([*block.rows.slice(0, rows).to_pylist(), *(each.row for each in block.malformed[:rows])])[:rows]
    last = numbers[-1] if numbers else -1
    malformed = tuple(each for each in block.malformed if each.row <= last)
    count = len(numbers) - len(malformed)
    return Block(block.batch.slice(0, count), block.rows.slice(0, count), malformed)


def _guess_columns(schema: Schema, source: Tabular, columns: Columns) -> dict[str, str]:
    """Return which fields columns may mean that match none and were not mapped by hand: column → field."""
    free, spare = left_over(schema, source, columns, match_columns(schema, source, columns))
    if len(free) * len(spare) > MOST_GUESSED:
        return {}
    meanings = [(name, field) for name in spare if (field := meant(name, free)) is not None]
    found: dict[str, str] = {}
    for name, field in sorted(meanings, key=lambda each: -_likeness(*each)):
        if field.name not in found.values() and _can_be(source.schema.field(name).type, field, schema):
            found[name] = field.name
    return found


def _likeness(name: str, field: Field) -> float:
    one, other = (avro_name(each).casefold().replace("_", "") for each in (name, field.name))
    return SequenceMatcher(None, one, other).ratio()


def _can_be(kind: pa.DataType, field: Field, schema: Schema) -> bool:
    """Return whether any value of a kind can be one of a field."""
    try:
        convert_field(pa.nulls(0, kind), field, schema.named)
    except DataError:
        return False
    return True


def preview(
    head: Tabular,
    schema: Schema,
    columns: Columns | None = None,
    *,
    key: Sequence[str] = (),
    rule: KeyRule = None,
    nan: Literal["reject", "null"] = "reject",
) -> Preview:
    """Show what an upload would make of the first rows.

    Parameters
    ----------
    head
        From :func:`read_head`.
    schema
        Of the collection.
    columns
        Column → field, as they were mapped by hand; None leaves a column out. Of the others, those that match no field
        by name are guessed.
    key
        The fields of the primary identifier.
    rule, nan
        As an upload has them, `rule` as its `key`.

    Raises
    ------
    DataError
        If `columns` or `rule` cannot be followed.
    """
    by_hand, target = columns or {}, Target("", "", "", schema, tuple(key))
    source, mapped = adopt_ids(head, target, by_hand) if key else (head, by_hand)
    guesses = _guess_columns(schema, source, mapped)
    mapped = {**mapped, **guesses}
    maker = maker_for(target, replace(source, digest=str), rule, mapped) if key else None
    sources = match_columns(schema, source, mapped)
    shown, refused = _judged(source, sources, _reading(schema, source, target, maker, nan))
    return Preview(
        origin=source.origin,
        columns=tuple(_columns(source, schema, sources, by_hand, guesses, shown)),
        missing=tuple(
            each.name
            for each in schema.fields
            if each.required and each.name not in sources and (maker is None or each.name != maker.name)
        ),
        numbering=source.numbering,
        rows=tuple(number for block in source.blocks() for number in block.rows.to_pylist()),
        cells=tuple(row for block in source.blocks() for row in _texts(block.batch)),
        refused=tuple(sorted(refused, key=lambda each: each.row)),
        mapping={**by_hand, **guesses},
        maker=maker,
    )


def _reading(schema: Schema, source: Tabular, target: Target, maker: KeyMaker | None, nan: str) -> Reading:
    """Return how an upload reads the cells."""
    filled, key = (None, target.key) if maker is None else (maker.name, maker.made_of)
    return Reading(schema, key, nan == "null", filled, source.decimal == ",")


def _judged(source: Tabular, sources: Mapping[str, int], reading: Reading) -> tuple[dict[str, str], list[RefusedCell]]:
    """Return the fields whose columns cannot be used, with the reason, and the cells that are refused in the others."""
    problems: dict[str, str] = {}
    refused: list[RefusedCell] = []
    names = source.schema.names
    for block in source.blocks():
        refused += [RefusedCell(each.row, None, None, each.text, None, each.reason) for each in block.malformed]
        for name, place in sources.items():
            field, cells, column = reading.schema[name], block.batch.column(place), names[place]
            try:
                found = reading.convert(cells, field).refusals
            except DataError as error:
                problems[name] = error.message
                continue
            for table in (rejects_of(each, cells, block.rows, field) for each in found):
                refused += [RefusedCell(column=column, **row) for row in table.to_pylist()]
    return problems, refused


def _columns(
    source: Tabular,
    schema: Schema,
    sources: Mapping[str, int],
    by_hand: Columns,
    guesses: Mapping[str, str],
    problems: Mapping[str, str],
) -> Iterator[PreviewColumn]:
    fed: dict[int, str] = {}
    names = source.schema.names
    for name, place in sources.items():  # a column may feed a field by its name, and another one by its alias
        if place not in fed or names[place] == name:
            fed[place] = name
    for place, column in enumerate(source.schema):
        field = schema[fed[place]] if place in fed else None
        why: Why = (
            "by hand" if column.name in by_hand else "guess" if column.name in guesses else _why(column.name, field)
        )
        into, problem = (None, None) if field is None else (field.name, problems.get(field.name))
        yield PreviewColumn(column.name, into, why, str(column.type), problem)


def _why(column: str, field: Field | None) -> Why:
    if field is None:
        return "none"
    if column != field.name and column == field.title:
        return "title"
    return "alias" if column != field.name and column in field.aliases else "name"


def _texts(batch: pa.RecordBatch) -> Iterator[tuple[str | None, ...]]:
    return zip(*(as_texts(column).to_pylist() for column in batch.columns), strict=True)
