"""Which rows are the same item: a hash of each row's key, and keys for rows that bring none."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.model import Double, Float, String, Uuid, without_null
from intempt_nb.transfer.mapping import match_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    import numpy.typing as npt

    from intempt_nb.codecs.rows.blocks import Block, Tabular
    from intempt_nb.schema.model import AvroType
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.mapping import Columns
    from intempt_nb.transfer.options import Target

    Hashes: TypeAlias = npt.NDArray[np.uint64]

__all__ = ["ID", "KeyMaker", "KeyRule", "Repeats", "adopt_ids", "key_hashes", "maker_for"]

KeyRule: TypeAlias = "Literal['row', 'content'] | Sequence[str] | None"

ID = "_intempt_id"
"""The column of dead letters with the keys that were made for them."""

MOST = 1 << 20
"""Hashes held in memory."""

_WORD = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FINAL = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_HASH_KEYS = ("intempt_nb: one.", "intempt_nb: two.")


def maker_for(target: Target, source: Tabular, rule: KeyRule, columns: Columns | None = None) -> KeyMaker | None:
    """Return what makes the keys that a source lacks; None if its rows have to bring them.

    Parameters
    ----------
    target
        The collection.
    source
        The rows.
    rule
        As the user gave it; None for ``"row"`` where the source has no column for a key of one text field.
    columns
        Column → field, where that was said by hand.

    Raises
    ------
    DataError
        If the rule is unknown, names a column that is not there, one twice or the key itself, or the key is not one
        text field.
    """
    name = target.key[0]
    known = target.schema[name]
    is_text = len(target.key) == 1 and without_null(known.type) == String()
    if rule is None:
        missing = is_text and name not in match_columns(target.schema, source, columns or {})
        return KeyMaker(name, "row", source.digest()) if missing else None
    _check_rule(rule)
    if not is_text:
        raise DataError(
            f"key={rule!r} makes keys of text, and the primary key is {', '.join(target.key)}; leave it out"
        )
    if rule == "row" or rule == "content":
        return KeyMaker(name, rule, source.digest() if rule == "row" else "")
    return KeyMaker(name, _fields_of(rule, target, source, columns or {}), "")


def _check_rule(rule: object) -> None:
    is_list = isinstance(rule, list | tuple) and bool(rule) and all(isinstance(each, str) for each in rule)
    if not is_list and (not isinstance(rule, str) or rule not in ("row", "content")):
        raise DataError(f"key is {shorten(repr(rule))}; expected 'row', 'content', or a list of columns")


def _fields_of(rule: Sequence[str], target: Target, source: Tabular, columns: Columns) -> tuple[str, ...]:
    """Return the fields that columns of the source feed, and that a key is to be made of."""
    names, sources = source.schema.names, match_columns(target.schema, source, columns)
    fed = {names[place]: name for name, place in sources.items()}
    found: dict[str, str] = {}
    for column in rule:
        name = _field_of(column, fed, columns)
        if name == target.key[0]:
            raise DataError(f"key names {column!r}, which is the primary key itself; name what it is to be made of")
        if name in found:
            twice = f"{column!r} twice" if column == found[name] else f"{found[name]!r} and {column!r}, which are one"
            raise DataError(f"key names {twice}; expected each column once")
        found[name] = column
    return tuple(found)


def _field_of(column: str, fed: Mapping[str, str], columns: Columns) -> str:
    """Return the field that a column of the source feeds; a field that is fed may stand for its column."""
    if column in fed.values() and column not in columns:
        return column
    if column not in fed:
        raise DataError(f"key names {column!r}, which is no column that the schema knows{suggest(column, fed)}")
    return fed[column]


def adopt_ids(source: Tabular, target: Target, columns: Columns) -> tuple[Tabular, Columns]:
    """Return a source of dead letters, the keys that its rows were given in place of those they lack.

    Parameters
    ----------
    source
        The rows, without the remarks.
    target
        The collection.
    columns
        Column → field, where that was said by hand.

    Returns
    -------
    Tabular, Mapping
        The source, and how its columns are mapped: a column of the key's name may be left out, or feed another field.
    """
    names = source.schema.names
    if ID not in names:
        return source, columns
    key = target.key[0]
    given, own = names.index(ID), match_columns(target.schema, source, columns).get(key)
    name = names[own] if own is not None else ID if key in names else key
    mapped = {**columns, ID: key} if name == ID else columns
    kept = [at for at in range(len(names)) if at not in (given, own)]

    def adopt(block: Block) -> Block:
        keys = _without_empty(block.batch.column(given).cast(pa.string()))
        if own is not None:  # an empty text beside a key that was made is a gap as well
            texts = block.batch.column(own).cast(pa.string())
            keys = pc.coalesce(_without_empty(texts), keys, texts)
        columns = [keys, *(block.batch.column(at) for at in kept)]
        return replace(block, batch=pa.RecordBatch.from_arrays(columns, schema=schema))

    schema = pa.schema([pa.field(name, pa.string()), *(source.schema.field(at) for at in kept)])
    return replace(source, schema=schema, read=lambda wanted: map(adopt, source.blocks())), mapped


def _without_empty(texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def key_hashes(batch: pa.RecordBatch, schema: Schema, key: Sequence[str]) -> Hashes:
    """Return a number for each row that is the same for the same key, in every session and on every machine.

    Parameters
    ----------
    batch
        Columns in the schema's Arrow types, those of the key among them.
    schema
        Of the collection.
    key
        The fields of the primary identifier.
    """
    kinds = pa.schema([batch.schema.field(name) for name in key])
    columns = [_folded(batch.column(name), schema[name].type) for name in key]
    if len(key) == 1 and pa.types.is_string(columns[0].type):
        return _hash_texts(columns[0].cast(pa.large_binary()))
    return _hash_texts(_lines(pa.RecordBatch.from_arrays(columns, schema=kinds), schema))


def _folded(column: pa.Array, avro_type: AvroType) -> pa.Array:
    """Return one form of the values that the server takes for the same key, which the column's type does not fold."""
    match without_null(avro_type):
        case Uuid(fixed=None):
            return pc.ascii_lower(column)  # dashes they all have, or they were rejected
        case Float() | Double():
            return pc.add(column, pa.scalar(0.0, column.type))  # makes 0.0 of -0.0
        case _:
            return column


def _lines(batch: pa.RecordBatch, schema: Schema) -> pa.LargeBinaryArray:
    """Return each row as JSON."""
    rows = encode_rows(batch, schema)
    buffers = [None, pa.py_buffer(np.ascontiguousarray(rows.offsets)), pa.py_buffer(rows.data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(rows), buffers)


def _hash_texts(texts: pa.LargeBinaryArray) -> Hashes:
    """Return a 64-bit hash of each text, eight bytes of all texts at a time."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    first, last = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    data = np.zeros(last - first + _WORD, np.uint8)
    if last > first:
        data[:-_WORD] = np.frombuffer(texts.buffers()[2], np.uint8)[first:last]
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    starts, lengths = offsets[:-1] - first, np.diff(offsets)
    hashes = lengths.astype(np.uint64) * _MULTIPLIER
    at, left = np.arange(len(texts)), lengths
    while True:
        some = left > 0
        if not some.all():
            at, starts, left = at[some], starts[some], left[some]
        if not len(at):
            return _mixed(hashes)
        unused = np.maximum(_WORD - left, 0).astype(np.uint64) * np.uint64(_WORD)
        mixed = (hashes[at] ^ (words[starts] << unused >> unused)) * _MULTIPLIER
        hashes[at] = mixed ^ (mixed >> np.uint64(32))
        starts, left = starts + _WORD, left - _WORD


def _mixed(hashes: Hashes) -> Hashes:
    """Let every bit depend on all others: the last step of MurmurHash3."""
    for multiplier in _FINAL:
        hashes = (hashes ^ (hashes >> np.uint64(33))) * multiplier
    return hashes ^ (hashes >> np.uint64(33))


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """Makes keys for rows that have none.

    Parameters
    ----------
    name
        The text field of the primary identifier.
    rule
        ``"row"``: of the digest and the row number, so that the same row of the same content always gets the same key.
        ``"content"``: of all that the row holds, so that equal rows become one item, also from another file. Names of
        fields: of what these hold.
    digest
        The SHA-256 of the content.
    """

    name: str
    rule: Literal["row", "content"] | tuple[str, ...]
    digest: str

    @property
    def made_of(self) -> tuple[str, ...]:
        """The fields that have to have a value."""
        return self.rule if isinstance(self.rule, tuple) else ()

    def __str__(self) -> str:
        """Return the rule for the reader of a report."""
        match self.rule:
            case "row":
                return f"{self.name}: made of the content's SHA-256 and the row number"
            case "content":
                return f"{self.name}: made of the whole content of the row, so that equal rows are one item"
            case names:
                return f"{self.name}: made of {' and '.join(names)}"

    def complete(self, batch: pa.RecordBatch, rows: pa.Array, schema: Schema) -> pa.RecordBatch:
        """Return rows that all have a key: their own, or one made here."""
        if self.name not in batch.schema.names:
            keys, kind = self.keys(batch, rows, schema), pa.field(self.name, pa.string(), nullable=False)
            return pa.RecordBatch.from_arrays([keys, *batch.columns], schema=batch.schema.insert(0, kind))
        index = batch.schema.get_field_index(self.name)
        own = batch.column(index)
        if not own.null_count:
            return batch
        made = self.keys(batch.remove_column(index), rows, schema)
        return batch.set_column(index, batch.schema.field(index), pc.coalesce(own, made))

    def keys(self, batch: pa.RecordBatch, rows: pa.Array, schema: Schema) -> pa.StringArray:
        """Return a key for each row; `batch` is without the key's own column."""
        if self.rule == "row":
            return self.of_rows(rows)
        names = batch.schema.names if self.rule == "content" else list(self.rule)
        return _digests(_lines(batch.select(names), schema))

    def of_rows(self, rows: pa.Array) -> pa.StringArray:
        """Return the keys that the rule ``"row"`` gives to row numbers."""
        return pc.binary_join_element_wise(pa.scalar(self.digest[:16]), rows.cast(pa.string()), pa.scalar("-"))


def _digests(texts: pa.LargeBinaryArray) -> pa.StringArray:
    """Return 32 hexadecimal digits for each text: two SipHashes with keys of their own."""
    values = texts.to_numpy(zero_copy_only=False)
    halves = [pd.util.hash_array(values, hash_key=key, categorize=False) for key in _HASH_KEYS]
    digits = np.stack(halves, axis=1).astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, len(digits) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(digits))


@dataclass(slots=True)
class Repeats:
    """Counts rows whose key another row has too, in bounded memory: hashes beyond `MOST` wait in a file."""

    waiting: list[Hashes] = field(default_factory=list)
    held: int = 0
    stored: int = 0
    file: IO[bytes] | None = None

    def add(self, hashes: Hashes) -> None:
        """Note the keys of some rows."""
        self.waiting.append(hashes)
        self.held += len(hashes)
        if self.held > MOST:
            with suppress(OSError):  # no room: they stay in memory, as a count is no reason to stop
                self._store()

    def _store(self) -> None:
        self.file = tempfile.TemporaryFile() if self.file is None else self.file  # noqa: SIM115  (lives on)
        self.file.seek(0, 2)
        end = self.file.tell()
        try:
            for each in self.waiting:
                self.file.write(each.tobytes())
            self.file.flush()
        except OSError:
            self.file.truncate(end)
            raise
        self.stored, self.held, self.waiting = self.stored + self.held, 0, []

    def count(self) -> int:
        """Return how many rows have a key that an earlier row has."""
        total = self.stored + self.held
        bits = (total // MOST).bit_length()
        return total - sum(self._distinct(part, bits) for part in range(1 << bits))

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()

    def _distinct(self, part: int, bits: int) -> int:
        """Return how many different hashes there are whose last `bits` are the number `part`."""
        mask, wanted = np.uint64((1 << bits) - 1), np.uint64(part)
        chosen = [each[(each & mask) == wanted] for each in self._blocks()]
        ordered = np.sort(np.concatenate(chosen)) if chosen else np.array([], np.uint64)
        return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))

    def _blocks(self) -> Iterator[Hashes]:
        yield from self.waiting
        if self.file is not None:
            self.file.seek(0)
            while block := self.file.read(MOST):
                yield np.frombuffer(block, np.uint64)
