"""`Schema`: an Avro schema, kept as it was written, with its Arrow and pandas forms."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema import views
from intempt_nb.schema.checking.check import check
from intempt_nb.schema.checking.validation import validate
from intempt_nb.schema.comparing.compatibility import compatibility
from intempt_nb.schema.comparing.difference import difference
from intempt_nb.schema.mapping.arrow import ArrowForm
from intempt_nb.schema.mapping.metadata import arrow_schema, carried_schema, parse_text, to_avro_record
from intempt_nb.schema.mapping.pandas import pandas_dtypes
from intempt_nb.schema.model import Record
from intempt_nb.schema.parsing.avro import ParsedSchema, SchemaWarning, not_a_record, read_source
from intempt_nb.schema.parsing.canonical import canonical_form, fingerprint
from intempt_nb.schema.parsing.jsonschema import avro_from_json_schema
from intempt_nb.schema.parsing.source import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from intempt_nb.schema.checking.check import SchemaCheck
    from intempt_nb.schema.comparing.compatibility import Compatibility, Mode
    from intempt_nb.schema.comparing.difference import SchemaDiff
    from intempt_nb.schema.mapping.arrow import StringDates, Unions
    from intempt_nb.schema.mapping.from_arrow import Uint64
    from intempt_nb.schema.mapping.pandas import DtypeBackend
    from intempt_nb.schema.model import AvroType, Defined, Field
    from intempt_nb.schema.parsing.canonical import Algorithm

__all__ = ["Schema"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Schema:
    """An Avro schema: what the items of a collection look like.

    Two schemas are equal if their JSON is. A collection's schema is a record; one that is not, as the schema of an Avro
    file may be, has one column, ``value``.

    Parameters
    ----------
    text
        The schema as it was written.
    parsed
        The type it describes.
    """

    text: str
    parsed: ParsedSchema

    @classmethod
    def parse(cls, source: str | bytes | Mapping[str, Any] | Schema, *, strict: bool = True) -> Schema:
        """Parse an Avro schema.

        Parameters
        ----------
        source
            JSON text, or the same decoded; so the name of a primitive type is one with quotes and without. A `Schema`
            is returned as it is.
        strict
            False to only warn of names, defaults, docs and repeated aliases that Avro does not allow, as is done for
            the schemas of files and collections that exist already.

        Raises
        ------
        SchemaError
            With every problem, each at its JSON pointer.

        Warns
        -----
        SchemaWarning
            For what can be used, though not quite as it says: a logical type that is unknown or does not fit its base
            (the base type is used) or stands beside a field's type, an object like a field's in the place of a type, an
            empty union, a key that stands twice in one object.
        """
        return source if isinstance(source, Schema) else _parsed(source, strict=strict)

    @classmethod
    def from_json_schema(
        cls,
        source: str | bytes | Mapping[str, Any],
        *,
        name: str | None = None,
        namespace: str | None = None,
        display: bool = False,
    ) -> Schema:
        """Return the Avro form of a JSON Schema, as the vendor's converter makes it.

        Parameters
        ----------
        source
            JSON text, or the same decoded: a schema whose root is an object.
        name, namespace
            Of the record; None to take them from ``$id`` or ``id``, or else the name ``main`` and no namespace.
        display
            Whether to write ``"display": true`` into each field.

        Raises
        ------
        SchemaError
            With every part that Avro has no type for, each at its JSON pointer in the JSON Schema.

        Warns
        -----
        SchemaWarning
            For properties that a document may have and an item cannot.
        """
        return _parsed(avro_from_json_schema(source, name=name, namespace=namespace, display=display))

    @classmethod
    def from_arrow(
        cls,
        source: pa.Schema | pa.Table | pa.RecordBatch,
        name: str | None = None,
        namespace: str | None = None,
        *,
        uint64: Uint64 = "decimal",
    ) -> Schema:
        """Return the Avro form of an Arrow schema; the types are in :mod:`intempt_nb.schema.mapping.from_arrow`.

        Parameters
        ----------
        source
            Any Arrow schema. One that carries its Avro text, made by :meth:`to_arrow`, gives that text back. Or data:
            only then is a dictionary of text an enum, since the symbols are in the data and not in the schema.
        name, namespace
            Of the record, ``record`` and none unless said; not used where the Avro text is carried.
        uint64
            What an unsigned 64-bit integer becomes: ``"decimal"`` of 20 digits, or ``"long"``, which does not hold
            numbers from 2**63 on.

        Raises
        ------
        DataError
            If a column's type has no Avro counterpart, two columns have the same name, or `source` is of another kind.
        ValueError
            If `uint64` is anything else.

        Warns
        -----
        SchemaWarning
            For a column of nulls, taken for optional text, and for an extension type, taken for what it is stored as.
        """
        if uint64 not in ("decimal", "long"):
            raise ValueError(f"uint64 is {uint64!r}; expected 'decimal' or 'long'")
        if not isinstance(source, pa.Schema | pa.Table | pa.RecordBatch):
            advice = "expected an Arrow schema, table or batch; of other data, infer_schema makes a schema"
            raise DataError(f"found {type(source).__name__}; {advice}")
        carried = carried_schema(source if isinstance(source, pa.Schema) else source.schema)
        if carried is not None:
            return cls(*carried)
        record, notes = to_avro_record(source, name, namespace, uint64)
        for note in notes:
            warnings.warn(str(note), SchemaWarning, stacklevel=2)
        text = as_text(record)
        parsed = parse_text(text)
        return cls.parse(text) if parsed is None else cls(text, parsed)

    @property
    def root(self) -> AvroType:
        """The type this schema describes."""
        return self.parsed.root

    @property
    def is_record(self) -> bool:
        """Whether the type is a record, as a collection's is."""
        return isinstance(self.parsed.root, Record)

    def require_record(self) -> Schema:
        """Return the schema itself.

        Raises
        ------
        SchemaError
            If it is no record, as a collection's must be.
        """
        if not self.is_record:
            raise not_a_record(self.parsed)
        return self

    @property
    def record(self) -> Record:
        """The record this schema describes; one of a single column, ``value``, for a type that is no record."""
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
    def named(self) -> Mapping[str, Defined]:
        """The named types by full name; what a `Reference` points at."""
        return self.parsed.named

    def __getitem__(self, name: str) -> Field:
        """Return the column of that name."""
        if name in self.parsed.columns:
            return self.parsed.columns[name]
        raise DataError(f"the schema has no field {name!r}{suggest(name, self.names)}", field=name)

    def __iter__(self) -> Iterator[Field]:
        """Go through the columns, in order."""
        return iter(self.fields)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of that name."""
        return name in self.parsed.columns

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    def to_avro(self) -> Any:
        """Return the schema's own JSON, decoded, as it was written: a dict for a record."""
        return json.loads(self.text)

    def to_arrow(self, *, unions: Unions = "dense", string_dates: StringDates = "date32") -> pa.Schema:
        """Return the Arrow schema; names, defaults and titles ride along as metadata, so that nothing is lost.

        Parameters
        ----------
        unions, string_dates
            Which Arrow type stands for a union of several types and for a date on string, see
            :class:`intempt_nb.schema.mapping.arrow.ArrowForm`. What is loaded has ``unions="json"``: pandas' own types,
            Parquet and CSV do not take dense unions.

        Returns
        -------
        pyarrow.Schema
            A field a column, nullable where the Avro type is a union with null. Timestamps are in UTC, local ones
            have no zone; dates are date32 whether the wire has text or days; enums are dictionaries of strings.

        Raises
        ------
        ValueError
            For a form that there is not.
        """
        return arrow_schema(self.text, self.parsed, ArrowForm(unions, string_dates))

    def to_pandas(
        self,
        dtype_backend: DtypeBackend = "pyarrow",
        *,
        unions: Unions = "dense",
        string_dates: StringDates = "date32",
    ) -> dict[str, Any]:
        """Return the pandas dtype of each column.

        Parameters
        ----------
        dtype_backend
            ``"pyarrow"`` keeps every type; ``"numpy_nullable"`` and None (pandas' own) as pandas has them.
        unions, string_dates
            As for :meth:`to_arrow`.

        Raises
        ------
        ValueError
            For a backend or a form that there is not.
        """
        return pandas_dtypes(self.to_arrow(unions=unions, string_dates=string_dates), dtype_backend)

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
        avro = self.require_record().to_avro()
        avro["fields"] = [*avro["fields"][:at], dict(field), *avro["fields"][at:]]
        return Schema.parse(avro)

    def select(
        self, columns: Sequence[str], *, unions: Unions = "dense", string_dates: StringDates = "date32"
    ) -> pa.Schema:
        """Return the Arrow schema of some columns, in the order asked for.

        Parameters
        ----------
        columns
            Names of columns.
        unions, string_dates
            As for :meth:`to_arrow`.

        Raises
        ------
        DataError
            For a column that the schema does not have.
        """
        arrow = self.to_arrow(unions=unions, string_dates=string_dates)
        return pa.schema([arrow.field(self[name].name) for name in columns])

    def compatibility(self, other: Schema, mode: Mode = "backward") -> Compatibility:
        """Tell whether data written with one schema can be read with the other.

        Parameters
        ----------
        other
            The schema to compare with; usually the older one.
        mode
            ``"backward"``: this schema reads what was written with the other. ``"forward"``: the other reads what is
            written with this one. ``"full"``: both.

        Returns
        -------
        Compatibility
            True if it can; else ``incompatibilities``, each with its place in both schemas and what to do.

        Raises
        ------
        TypeError, ValueError
            If `other` is no `Schema`, or for another mode.
        """
        return compatibility(self, _expect_schema(other), mode)

    def diff(self, other: Schema) -> SchemaDiff:
        """Return what is to be changed in this schema to get the other: in words, field by field; false if nothing.

        Raises
        ------
        TypeError
            If `other` is no `Schema`.
        """
        return difference(self, _expect_schema(other))

    def check(self, data: Any) -> SchemaCheck:
        """Tell, column by column, what an upload of the data would refuse, and what would help.

        Parameters
        ----------
        data
            A DataFrame, or Arrow data: a table, a batch, or anything with the PyCapsule interface. It is not changed.

        Returns
        -------
        SchemaCheck
            True if every row fits; else ``problems``, and ``columns``: a row a column, with a line to paste.

        Raises
        ------
        DataError
            For data of another kind.
        """
        return check(data, self)

    def validate(self, data: Any, *, limit: int | None = None) -> pd.DataFrame:
        """List every value that does not fit.

        Parameters
        ----------
        data
            As for :meth:`check`, or a list of items: dicts of Python values, or of what JSON decodes to.
        limit
            How many to list at most; None for all.

        Returns
        -------
        pandas.DataFrame
            ``row`` (from 0), ``field`` (``address.zip``, ``tags[3]``), ``value``, ``expected``, ``reason``.

        Raises
        ------
        DataError
            For data of another kind.
        """
        return validate(data, self, limit=limit)

    def canonical_form(self) -> str:
        """Return the parsing canonical form: equal for schemas that read the same bytes in the same way."""
        return canonical_form(self.root)

    def fingerprint(self, algorithm: Algorithm = "CRC-64-AVRO") -> str:
        """Return the fingerprint of the canonical form, hexadecimal.

        Parameters
        ----------
        algorithm
            ``"CRC-64-AVRO"`` (64 bits, little-endian as in a single-object encoding), ``"MD5"`` or ``"SHA-256"``.
        """
        return fingerprint(self.root, algorithm)

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

    def __repr__(self) -> str:
        """Return the columns as a text table."""
        return text_table(views.HEADER, views.rows(self.record), views.caption(self.record))

    def _repr_html_(self) -> str:
        return html_table(views.HEADER, views.rows(self.record), views.caption(self.record))


def _parsed(source: Any, *, strict: bool = True) -> Schema:
    """Return the schema of a text or its JSON; warnings name the line that called the method which called this."""
    text, parsed, warned = read_source(source, strict=strict)
    for warning in warned:
        warnings.warn(str(warning), SchemaWarning, stacklevel=3)
    return Schema(text, parsed)


def _expect_schema(other: Any) -> Schema:
    if isinstance(other, Schema):
        return other
    raise TypeError(f"found {type(other).__name__}; expected a Schema, as Schema.parse makes and .schema is")
