"""`Schema`: an Avro record schema, kept as it was written, with its Arrow and pandas forms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError, SchemaError, suggest
from intempt_nb.schema.arrow import SCHEMA_KEY, arrow_field, avro_name, to_avro_field
from intempt_nb.schema.avro import ParsedSchema, parse_json, parse_record, read_record
from intempt_nb.schema.model import MISSING, describe
from intempt_nb.schema.pandas import pandas_dtypes
from intempt_nb.schema.source import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from intempt_nb.schema.model import Field, Named, Record
    from intempt_nb.schema.pandas import DtypeBackend

__all__ = ["Schema"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Schema:
    """An Avro record schema: what the items of a collection look like.

    Made by :meth:`parse` or :meth:`from_arrow`. Two schemas are equal if their JSON is.

    Parameters
    ----------
    text
        The schema as it was written.
    parsed
        The record it describes.
    """

    text: str
    parsed: ParsedSchema

    @classmethod
    def parse(cls, source: str | bytes | Mapping[str, Any] | Schema) -> Schema:
        """Parse an Avro record schema.

        Parameters
        ----------
        source
            JSON text, or the same decoded. A `Schema` is returned as it is.

        Raises
        ------
        SchemaError
            With every problem, each at its JSON pointer.

        Warns
        -----
        SchemaWarning
            For a logical type that is unknown or does not fit its base; the base type is used.
        """
        if isinstance(source, Schema):
            return source
        text = as_text(source)
        return cls(text, parse_record(parse_json(text)))

    @classmethod
    def from_arrow(cls, schema: pa.Schema, name: str = "record", namespace: str | None = None) -> Schema:
        """Return the Avro form of an Arrow schema.

        Parameters
        ----------
        schema
            Any Arrow schema. One that carries its Avro text, made by :meth:`to_arrow`, gives that text back.
        name, namespace
            Of the record; not used where the Avro text is carried.

        Raises
        ------
        DataError
            If a column's type has no Avro counterpart, or two columns have the same name.
        """
        original = cls._carried(schema)
        if original is not None:
            return original
        taken = {avro_name(name)}
        fields = [to_avro_field(field, taken) for field in schema]
        names = [field["name"] for field in fields]
        for each in names:
            if names.count(each) > 1:
                raise DataError(f"several columns become the Avro name {each!r}; rename them first", field=each)
        record: dict[str, Any] = {"type": "record", "name": avro_name(name)}
        return cls.parse({**record, **({"namespace": namespace} if namespace else {}), "fields": fields})

    @classmethod
    def _carried(cls, schema: pa.Schema) -> Schema | None:
        """Return the schema whose text the metadata holds, if it still says what the columns are."""
        try:
            text = as_text((schema.metadata or {})[SCHEMA_KEY])
            parsed, _ = read_record(parse_json(text))
        except (KeyError, SchemaError):
            return None
        original = cls(text, parsed)
        return original if original.to_arrow().equals(schema) else None

    @property
    def record(self) -> Record:
        """The record this schema describes."""
        return self.parsed.record

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns, in order."""
        return self.parsed.record.fields

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [field.name for field in self.fields]

    @property
    def named(self) -> Mapping[str, Named]:
        """The named types by full name; what a `Reference` points at."""
        return self.parsed.named

    def __getitem__(self, name: str) -> Field:
        """Return the column of that name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise DataError(f"the schema has no field {name!r}{suggest(name, self.names)}", field=name)

    def __iter__(self) -> Iterator[Field]:
        """Go through the columns, in order."""
        return iter(self.fields)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of that name."""
        return name in self.names

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    def to_avro(self) -> dict[str, Any]:
        """Return the schema's own JSON, decoded, as it was written."""
        decoded: dict[str, Any] = json.loads(self.text)
        return decoded

    def to_arrow(self) -> pa.Schema:
        """Return the Arrow schema; names, defaults and titles ride along as metadata.

        Returns
        -------
        pyarrow.Schema
            A field a column, nullable where the Avro type is a union with null. Timestamps are in UTC, local ones
            have no zone; dates are date32 whether the wire has text or days; enums are dictionaries of strings.
        """
        raw = _record_json(self.to_avro())
        fields = [arrow_field(field, self.named, each) for field, each in zip(self.fields, raw["fields"], strict=True)]
        return pa.schema(fields, metadata={SCHEMA_KEY: self.text.encode()})

    def to_pandas(self, dtype_backend: DtypeBackend = "pyarrow") -> dict[str, Any]:
        """Return the pandas dtype of each column.

        Parameters
        ----------
        dtype_backend
            ``"pyarrow"`` keeps every type; ``"numpy_nullable"`` and None (pandas' own) as pandas has them.
        """
        return pandas_dtypes(self.to_arrow(), dtype_backend)

    def with_field(self, field: Mapping[str, Any], at: int = 0) -> Schema:
        """Return a schema with one more field.

        Parameters
        ----------
        field
            Its Avro JSON: ``{"name": "eventId", "type": "string"}``.
        at
            Its position; 0 to come first.

        Raises
        ------
        SchemaError
            If the field cannot be used, or its name is taken.
        """
        avro = self.to_avro()
        inner = _record_json(avro)
        inner["fields"] = [*inner["fields"][:at], dict(field), *inner["fields"][at:]]
        return Schema.parse(avro)

    def select(self, columns: list[str]) -> pa.Schema:
        """Return the Arrow schema of some columns, in the order asked for.

        Raises
        ------
        DataError
            For a column that the schema does not have.
        """
        arrow = self.to_arrow()
        return pa.schema([arrow.field(self[name].name) for name in columns])

    def __eq__(self, other: object) -> bool:
        """Return whether the other schema says the same JSON, key order aside."""
        return isinstance(other, Schema) and self._sorted() == other._sorted()

    def __hash__(self) -> int:
        """Return a hash that agrees with ``==``."""
        return hash(self._sorted())

    def _sorted(self) -> str:
        # As text, since to Python 1 == 1.0 == True.
        return json.dumps(self.to_avro(), sort_keys=True)

    def __copy__(self) -> Schema:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Schema:
        return self

    def _rows(self) -> list[tuple[object, ...]]:
        return [
            (
                field.name,
                describe(field.type),
                "yes" if field.required else "",
                None if field.default is MISSING else json.dumps(field.default, ensure_ascii=False),
                field.title,
                field.doc,
            )
            for field in self.fields
        ]

    def __repr__(self) -> str:
        """Return the columns as a text table."""
        return text_table(_HEADER, self._rows(), self._caption())

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows(), self._caption())

    def _caption(self) -> str:
        count = len(self.fields)
        return f"{self.record.name}: {count} field{'' if count == 1 else 's'}"


_HEADER = ("field", "type", "required", "default", "title", "doc")


def _record_json(avro: dict[str, Any]) -> dict[str, Any]:
    """Return the record itself where it is wrapped: ``{"type": {"type": "record", …}}``."""
    while isinstance(avro.get("type"), dict):
        avro = avro["type"]
    return avro
