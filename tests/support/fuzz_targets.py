"""What is fuzzed: each takes bytes from anyone and must raise nothing but this package's own errors."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import intempt_nb as inb
from intempt_nb.codecs.avro.items import decode_items
from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.codecs.wire.pages import read_page

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TARGETS"]

EVERYTHING = inb.Schema.parse(
    {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "b", "type": ["null", "boolean"]},
            {"name": "i", "type": ["null", "int"]},
            {"name": "l", "type": ["null", "long"]},
            {"name": "f", "type": ["null", "float"]},
            {"name": "d", "type": ["null", "double"]},
            {"name": "s", "type": ["null", "string"]},
            {"name": "y", "type": ["null", "bytes"]},
            {"name": "e", "type": ["null", {"type": "enum", "name": "E", "symbols": ["A", "B"]}]},
            {"name": "x", "type": ["null", {"type": "fixed", "name": "X", "size": 2}]},
            {"name": "day", "type": ["null", {"type": "string", "logicalType": "date"}]},
            {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "n", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}]},
            {"name": "p", "type": ["null", {"type": "fixed", "name": "P", "size": 12, "logicalType": "duration"}]},
            {"name": "u", "type": ["null", {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}]},
            {"name": "a", "type": ["null", {"type": "array", "items": "long"}]},
            {"name": "m", "type": ["null", {"type": "map", "values": ["null", "string"]}]},
            {"name": "w", "type": ["null", "double", "string"]},
            {"name": "next", "type": ["null", "r"]},
        ],
    }
)


def schema(data: bytes) -> None:
    """Parse a schema, and use what was parsed."""
    try:
        parsed = inb.Schema.parse(data)
    except inb.SchemaError:
        return
    parsed.canonical_form()
    assert inb.Schema.from_arrow(parsed.to_arrow()) == parsed
    repr(parsed)
    parsed._repr_html_()


def page(data: bytes) -> None:
    """Read a page of items, and the same as JSON lines in both encodings."""
    for read in (
        lambda: read_page(data, EVERYTHING),
        lambda: decode_items(data, EVERYTHING),
        lambda: decode_items(data, EVERYTHING, encoding="avro"),
    ):
        try:
            read()
        except inb.DataError:
            continue


def container(data: bytes) -> None:
    """Read an Avro container file."""
    try:
        for _ in scan_avro(data).to_batches():
            pass
    except (inb.DataError, inb.SchemaError):
        return


def quietly(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return the target with the warnings that schemas give left out; each of them is meant."""

    def run(data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", inb.SchemaWarning)
            target(data)

    return run


TARGETS = {"schema": quietly(schema), "page": quietly(page), "container": quietly(container)}
