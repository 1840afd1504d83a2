"""Data that a schema is inferred from, and its first rows, to be shown as they would be stored."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.blocks import Block
from intempt_nb.codecs.rows.tabular import infer_opened, open_tabular
from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.display import shorten
from intempt_nb.transfer.prepare import plan_columns, prepare

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    import pandas as pd

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.codecs.wire.bodies import EncodedRows
    from intempt_nb.schema.schema import Schema

__all__ = ["MOST_INFERRED", "Sample", "infer_from", "open_sample", "stored"]

MOST_INFERRED = 100_000
"""Rows that a schema is inferred from; a larger file would keep a person waiting."""

MOST_SHOWN = 20
MOST_COLUMNS = 60
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Sample:
    """Data at hand.

    Parameters
    ----------
    origin
        What it is, for people: a file's name, a variable's.
    first
        Its first rows, in memory.
    rows
        How many rows it has; None if that is not known.
    note
        What is to be told of it: that only some rows were looked at, that lines were left out.
    evidence
        Why inference chose the types, by field: ``address.city``, ``tags[]``.
    """

    origin: str
    first: Tabular
    rows: int | None = None
    note: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


def open_sample(source: Any, origin: str | None = None) -> Sample:
    """Open data, and keep its first rows.

    Parameters
    ----------
    source
        A path, a DataFrame, Arrow data, a list of dicts: what ``infer_schema`` takes.
    origin
        What to call it; None for a file's name, or what kind of data it is.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    opened = open_tabular(source)
    return Sample(_origin(source, opened, origin), _first(opened), opened.length)


def infer_from(source: Any, origin: str | None = None, record: str = "") -> tuple[Sample, dict[str, Any]]:
    """Infer a schema from data; return the data and the schema's JSON.

    Parameters
    ----------
    source, origin
        As :func:`open_sample` has them.
    record
        The name of the record, which no type inside then has; empty to make it of the data's own.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    opened = open_tabular(source)
    called = _origin(source, opened, origin)
    own = Path(called).name.partition(".")[0] if isinstance(source, str | PathLike) or origin else "record"
    inferred, left_out = infer_opened(opened, record or own, sample=MOST_INFERRED, origin=called)
    notes = [f"only the first {MOST_INFERRED:,} rows were looked at"] if inferred.seen.sampled else []
    notes += [left_out] if left_out else []
    rows = opened.length if inferred.seen.sampled else inferred.seen.rows
    sample = Sample(called, _first(opened), rows, "; ".join(notes), _evidence(inferred.evidence))
    return sample, inferred.schema.to_avro()


def _origin(source: Any, opened: Tabular, origin: str | None) -> str:
    if origin is not None:
        return origin
    return Path(source).name if isinstance(source, str | PathLike) else opened.origin


def _first(opened: Tabular) -> Tabular:
    """Return a source of the first rows alone."""
    with closing(_blocks(opened)) as blocks:
        found = [_cut(block) for block in (next(blocks, None),) if block is not None]
    return replace(opened, length=sum(len(each.batch) for each in found), read=lambda wanted: iter(found))


def _blocks(opened: Tabular) -> Generator[Block]:
    yield from opened.blocks()


def _cut(block: Block) -> Block:
    rows = block.rows.slice(0, MOST_SHOWN)
    last = rows[-1].as_py() if len(rows) == MOST_SHOWN else None
    malformed = tuple(each for each in block.malformed if last is None or each.row <= last)
    return Block(block.batch.slice(0, MOST_SHOWN), rows, malformed[:MOST_SHOWN])


def _evidence(lines: pd.DataFrame) -> dict[str, str]:
    found = {}
    for line in lines.to_dict("records"):
        parts = [str(line["reason"])]
        if line["nulls"]:
            parts.append(f"{line['nulls']:,} of {line['rows']:,} are missing")
        if line["unique"]:
            parts.append("no value stands twice")
        if line["examples"]:
            parts.append("for example " + ", ".join(shorten(each, 30) for each in line["examples"][:3]))
        found[str(line["field"])] = shorten("; ".join(parts), _LONGEST)
    return found


def stored(sample: Sample, schema: Schema) -> tuple[list[str], list[list[str]], str]:
    """Return the first rows as an upload would post them: columns, cells, and what there is to say.

    The way is that of an upload: columns matched by name, cells converted, rows that do not fit put aside.

    Raises
    ------
    DataError
        If no upload could begin: a required field has no column, say.
    """
    plan = plan_columns(schema, sample.first)
    shown = [field.name for field in schema.fields if field.name in plan.sources][:MOST_COLUMNS]
    lines: dict[int, list[str]] = {}
    reasons: dict[int, list[str]] = defaultdict(list)
    for prepared in prepare(sample.first, schema, plan):
        items = map(json.loads, _texts(encode_rows(prepared.batch, schema)))
        for row, item in zip(prepared.rows.to_pylist(), items, strict=True):
            lines[row] = [_cell(item, name) for name in shown]
        for reject in prepared.rejects.to_pylist():
            place = f"{reject['field']}: " if reject["field"] else ""
            value = f" (found {shorten(reject['value'], 40)})" if reject["value"] is not None else ""
            reasons[reject["row"]].append(f"{place}{reject['reason']}{value}")
    none_fits = bool(reasons) and not lines
    shown = [] if none_fits else shown
    problem = ["rejected, as"] if reasons else []
    rows = []
    for row in sorted({*lines, *reasons})[:MOST_SHOWN]:
        told = [shorten("; ".join(reasons.get(row, ())), 300)] if reasons else []
        rows.append([str(row), *told, *lines.get(row, [""] * len(shown))])
    note = _note(sample, plan.ignored, plan.missing, 0 if none_fits else len(plan.sources) - len(shown))
    return ["row", *problem, *map(shorten, shown)], rows, f"None of them fits. {note}" if none_fits else note


def _texts(rows: EncodedRows) -> Iterator[bytes]:
    for start, stop in zip(rows.offsets[:-1], rows.offsets[1:], strict=True):
        yield bytes(rows.data[start : stop - 1])


def _cell(item: Mapping[str, Any], name: str) -> str:
    return shorten(json.dumps(item[name], ensure_ascii=False), _LONGEST) if name in item else ""


def _note(sample: Sample, ignored: tuple[str, ...], missing: tuple[str, ...], more: int) -> str:
    notes = [f"The first rows of {shorten(sample.origin)}, each value as its JSON."]
    if ignored:
        notes.append(f"Columns that no field takes, not sent: {_listed(ignored)}.")
    if missing:
        notes.append(f"Fields without a column: {_listed(missing)}.")
    if more:
        notes.append(f"{more} more fields are not shown.")
    return " ".join(notes)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(shorten(name, 40) for name in names[:8]) + (
        f" and {len(names) - 8} more" if len(names) > 8 else ""
    )
