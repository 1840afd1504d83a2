"""An item as a dict of Python values → the dict of JSON values that is sent for it.

The item has been held against its schema, see :mod:`intempt_nb.schema.checking.items`. What is sent has the forms of
:mod:`intempt_nb.codecs.wire.wire`; a field that is absent stays absent, also in the records inside.
"""

from __future__ import annotations

import binascii
import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal as PyDecimal
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from intempt_nb.codecs.avro.from_json import value_writer
from intempt_nb.codecs.avro.sizes import Budget
from intempt_nb.codecs.avro.to_json import JsonForm, value_reader
from intempt_nb.codecs.wire.literals import Number
from intempt_nb.codecs.wire.values import Mismatch, converter
from intempt_nb.schema.model import (
    Array,
    Date,
    Decimal,
    Double,
    Float,
    Map,
    Record,
    Union,
    resolved,
    without_null,
)
from intempt_nb.schema.parsing.recursion import recursive_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intempt_nb.schema.model import AvroType, Defined
    from intempt_nb.schema.schema import Schema

__all__ = ["Write", "item_writer"]

Write: TypeAlias = "Callable[[Any], Any]"

_PLAIN = JsonForm("plain", tagged=False)


def item_writer(schema: Schema) -> Write:
    """Return the function that makes the JSON values of an item.

    Parameters
    ----------
    schema
        A record.

    Returns
    -------
    Callable
        It takes what :func:`intempt_nb.codecs.rows.shapes.plain` gave for an item that fits the schema, leaves out the
        keys that the schema does not have, and raises `Mismatch`, with the path, for a value that has no form in JSON
        or could be of several branches of a union.
    """
    compiler = _Compiler(schema.named)
    return _object({each.name: compiler.writer(each.type) for each in schema.fields})


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Types → functions from a value that was found to fit to the JSON that is sent for it."""

    named: Mapping[str, Defined]

    def writer(self, avro_type: AvroType) -> Write:
        inner = self._writer(resolved(without_null(avro_type), self.named))
        return lambda value: None if value is None else inner(value)

    def _writer(self, avro_type: AvroType) -> Write:
        match avro_type:
            case Record(name) if name in recursive_names(self.named):
                return self._through_avro(avro_type)
            case Union():
                return self._through_avro(avro_type)
            case Array(items):
                return self._list(self.writer(items))
            case Map(values):
                return self._map(self.writer(values))
            case Record(fields=fields):
                return _object({each.name: self.writer(each.type) for each in fields})
            case _:
                return _scalar(avro_type, self.named)

    def _list(self, inner: Write) -> Write:
        return lambda value: [_inside(f"[{index}]", inner, each) for index, each in enumerate(value)]

    def _map(self, inner: Write) -> Write:
        return lambda value: {str.__str__(key): _inside(f"{{{key}}}", inner, each) for key, each in value.items()}

    def _through_avro(self, avro_type: AvroType) -> Write:
        """Have Avro's encoding choose the branches: there a value is of one of them."""
        write = value_writer(avro_type, self.named, _PLAIN)
        read = value_reader(avro_type, self.named, _PLAIN, Budget())

        def rewrite(value: Any) -> Any:
            out = bytearray()
            write(_literal(value), out)
            return read(bytes(out), 0)[0]

        return rewrite


def _inside(step: str, write: Write, value: Any) -> Any:
    try:
        return write(value)
    except Mismatch as mismatch:
        mismatch.path = step + mismatch.path
        raise


def _object(fields: Mapping[str, Write]) -> Write:
    return lambda value: {
        name: _inside(f".{name}", write, value[name]) for name, write in fields.items() if name in value
    }


def _scalar(avro_type: AvroType, named: Mapping[str, Defined]) -> Write:
    convert = converter(avro_type, named)
    match avro_type:
        case Date():
            return lambda value: convert(_literal(value.date() if isinstance(value, dt.datetime) else value))
        case Decimal():
            return lambda value: f"{convert(_literal(value)):f}"
        case Float():  # the shortest digits that give the same 32 bits again
            return lambda value: float(str(np.float32(convert(_literal(value)))))
        case Double():
            return lambda value: float(convert(_literal(value)))
        case _:
            return lambda value: convert(_literal(value))


def _literal(value: Any) -> Any:
    """Return a value as :func:`intempt_nb.codecs.wire.literals.loads` gives it."""
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)  # the member of an enum would say its name
        case int():
            return Number(int.__repr__(value))
        case float():
            return Number(float.__repr__(value))
        case PyDecimal():
            return Number(f"{value:f}")
        case dict():
            return {key: _literal(each) for key, each in value.items()}
        case list():
            return [_literal(each) for each in value]
        case dt.datetime() if value.tzinfo is not None:
            with suppress(OverflowError):
                value = value.astimezone(dt.UTC)  # whose offset has no seconds, as those of long ago have
            return value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes() | bytearray():
            return binascii.b2a_base64(value, newline=False).decode()
        case _:
            return str(value)
