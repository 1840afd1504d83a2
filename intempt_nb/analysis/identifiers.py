"""Whether some fields would make an identifier, by what the rows say: gaps, repeats, references that lead nowhere.

Rows stream through; what is kept of a key is a hash of 64 bits. That two different keys of a million have the same one
has a chance of one in 30 million.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.analysis.identifier_check import IdentifierCheck, ReferenceCheck
from intempt_nb.analysis.keys import Examples, KeySet, fields_of, key_of, key_refusal, type_problem, type_text
from intempt_nb.api.resources import Identifier
from intempt_nb.codecs.rows.tabular import open_tabular
from intempt_nb.collection_data import names_of
from intempt_nb.errors import DataError
from intempt_nb.handles import CollectionHandle
from intempt_nb.schema.mapping.standalone import chosen_fields
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.prepare import plan_columns, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from intempt_nb.analysis.keys import Key

__all__ = ["check_identifier"]


def check_identifier(
    collection: CollectionHandle,
    fields: Sequence[str],
    references: Identifier | CollectionHandle | None = None,
    *,
    data: Any = None,
    rows: int = 1_000_000,
) -> IdentifierCheck:
    """Look whether some fields would make an identifier, before it is created.

    Parameters
    ----------
    collection
        The collection that it would belong to.
    fields
        Names of the fields, in order.
    references
        For a foreign one: the primary identifier it would point at, or the collection that has it.
    data
        Rows that are to be uploaded: whatever :meth:`CollectionHandle.upload` takes. None for the rows that the
        collection has. A collection without a primary identifier has none yet.
    rows
        How many to look at, at most, on both sides; each takes eight bytes of memory.

    Returns
    -------
    IdentifierCheck
        True if nothing speaks against it: as a key, no gaps and no repeats; as a reference, all keys are found.

    Raises
    ------
    DataError
        For fields that the collection does not have or that can be no key, no fields at all, and a reference to
        something else than a primary identifier.
    NotFoundError
        If the collection to refer to has no primary identifier.
    """
    names = _checked(collection, names_of(fields, "fields"))
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise DataError(f"rows is {rows!r}; expected how many rows to look at")
    reference, known = None, None
    if references is not None:
        reference, known = _referenced(collection, names, references, rows)
    stored = data is None
    source = _Source(_stored(collection, names, rows) if stored else _given(collection, names, data), rows)
    tally = _Tally(key_of(collection.schema, names), known)
    for batch in source.batches():
        tally.add(batch)
    return IdentifierCheck(
        collection.name,
        names,
        source.rows,
        source.whole,
        source.rejected,
        tally.nulls,
        tally.without_key,
        tally.repeats,
        tally.repeated.list(),
        _primary(collection),
        stored,
        reference and tally.referenced(reference),
    )


def _checked(collection: CollectionHandle, names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise DataError("fields is empty; an identifier needs at least one")
    for name in names:
        refusal = key_refusal(collection.schema[name].type, collection.schema.named)
        if refusal is not None:
            raise DataError(f"{type_text(collection.schema, name)}: {refusal}", field=name)
        if names.count(name) > 1:
            raise DataError("it is named twice; expected each field once", field=name)
    return names


def _primary(collection: CollectionHandle) -> tuple[str, ...]:
    """Return the fields of the primary identifier; empty if there is none."""
    found = [each for each in collection.identifiers.values() if each.type == "primary"]
    return fields_of(found[0]) if found else ()


def _target(
    collection: CollectionHandle, references: Identifier | CollectionHandle
) -> tuple[CollectionHandle, Identifier]:
    if isinstance(references, CollectionHandle):
        return references, references.primary
    if not isinstance(references, Identifier):
        raise DataError(f"references is a {type(references).__name__}; expected an identifier or a collection")
    if references.type != "primary":
        raise DataError(f"identifier {references.name!r} is {references.type}; only a primary one can be referred to")
    return CollectionHandle(collection._transport, references.coll_id), references


def _referenced(
    collection: CollectionHandle, names: tuple[str, ...], references: Identifier | CollectionHandle, rows: int
) -> tuple[ReferenceCheck, KeySet]:
    """Return what is referred to, and its keys; none of them if the types differ."""
    there, primary = _target(collection, references)
    theirs, keys = fields_of(primary), KeySet()
    problem = type_problem(collection.schema, names, there.schema, theirs)
    found = ReferenceCheck(there.name, primary.name, theirs, problem)
    if problem is not None:
        return found, keys
    key, source = key_of(there.schema, theirs), _Source(_stored(there, theirs, rows), rows)
    for batch in source.batches():
        keys.add(key.groups(key.complete(batch)).hashes)
    return replace(found, rows=source.rows, whole=source.whole), keys


def _stored(collection: CollectionHandle, names: tuple[str, ...], rows: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield the rows of a collection, none of them rejected; one more than wanted, which tells that there are more."""
    for batch in collection.scan(columns=names, limit=rows + 1).to_batches():
        yield batch, 0


def _given(collection: CollectionHandle, names: tuple[str, ...], data: Any) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield the rows that an upload would send, and how many it would reject; gaps are no reason here."""
    schema = _with_gaps(collection.schema, names)
    source = open_tabular(data)
    plan = plan_columns(schema, source)
    if plan.missing:
        raise DataError(f"{source.origin} has no column for it", field=plan.missing[0])
    for each in prepare(source, schema, plan):
        yield each.batch, each.rejected


def _with_gaps(schema: Schema, names: tuple[str, ...]) -> Schema:
    """Return some fields as a schema in which each can be null; titles and aliases lead to their columns."""
    avro = schema.to_avro()
    known = {field["name"]: field for field in avro["fields"]}
    fields = []
    for each in chosen_fields(avro, names):
        branches = each["type"] if isinstance(each["type"], list) else [each["type"]]
        gaps = {"type": branches if schema[each["name"]].nullable else ["null", *branches]}
        fields.append({key: value for key, value in known[each["name"]].items() if key != "default"} | gaps)
    return Schema.parse({"type": "record", "name": "key", "fields": fields}, strict=False)


@dataclass(slots=True)
class _Source:
    """Rows, of which only so many are looked at."""

    pieces: Iterator[tuple[pa.RecordBatch, int]]
    most: int
    rows: int = 0
    rejected: int = 0
    whole: bool = True

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch, rejected in self.pieces:
            left = self.most - self.rows
            if len(batch) + rejected > left:
                self.whole, self.rows = False, self.rows + min(left, len(batch))
                yield batch.slice(0, left)
                return
            self.rows, self.rejected = self.rows + len(batch) + rejected, self.rejected + rejected
            yield batch


@dataclass(slots=True)
class _Tally:
    """Counts while the rows go by."""

    key: Key
    known: KeySet | None
    nulls: dict[str, int] = field(init=False)
    without_key: int = 0
    repeats: int = 0
    found: int = 0
    missing: int = 0
    seen: KeySet = field(default_factory=KeySet)
    repeated: Examples = field(default_factory=Examples)
    unmatched: Examples = field(default_factory=Examples)

    def __post_init__(self) -> None:
        self.nulls = dict.fromkeys(self.key.names, 0)

    def add(self, batch: pa.RecordBatch) -> None:
        for name in self.key.names:
            self.nulls[name] += batch.column(name).null_count
        complete = self.key.complete(batch)
        self.without_key += len(batch) - len(complete)
        groups = self.key.groups(complete)
        before = self.seen.add(groups.hashes)
        self.repeats += len(complete) - int(np.count_nonzero(~before))
        self.repeated.note(groups, before | (groups.counts > 1), before)
        if self.known is not None:
            found = self.known.holds(groups.hashes)
            self.found += int(groups.counts[found].sum())
            self.missing += int(groups.counts[~found].sum())
            self.unmatched.note(groups, ~found)

    def referenced(self, reference: ReferenceCheck) -> ReferenceCheck:
        """Return what became of the references."""
        if reference.types is not None:
            return reference
        return replace(reference, found=self.found, missing=self.missing, examples=self.unmatched.list())
