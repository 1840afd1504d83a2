"""`Draft`: a collection that is being defined, and `History`, what it was before."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from intempt_nb.api.resources import CollectionKind
from intempt_nb.errors import Problem, SchemaError
from intempt_nb.schema.parsing.avro import ParsedSchema, examine_schema, parse_json, repeated_keys
from intempt_nb.schema.parsing.source import refuse_depth
from intempt_nb.schema.schema import Schema
from intempt_nb.widgets.designing.positions import rounded
from intempt_nb.widgets.designing.rows import Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "NO_RECORD", "Checked", "Draft", "History", "read_document"]

KINDS: tuple[CollectionKind, ...] = get_args(CollectionKind)
NO_RECORD = 'a collection\'s schema is a record: {"type": "record", "name": …, "fields": […]}'
MOST_STEPS = 200


def read_document(text: str) -> dict[str, Any]:
    """Return the JSON of a schema that the table can show.

    Raises
    ------
    SchemaError
        If the text is no JSON that can be written again, or no record with fields.
    """
    document = parse_json(text)
    refuse_depth(document)
    _refuse_unwritable(document)
    if isinstance(document, dict) and isinstance(document.get("fields"), list):
        return document
    raise SchemaError([Problem("", NO_RECORD)])


def _refuse_unwritable(document: Any) -> None:
    """Raise for JSON that cannot be written as it was read: an escape can be half a character, a number infinite."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise SchemaError([Problem("", f"not Unicode text: {error.reason}")]) from None
    except ValueError:
        raise SchemaError([Problem("", "it has a number which is too large for a double")]) from None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the schema core says of a draft.

    Parameters
    ----------
    parsed
        The schema; None if it cannot be used.
    errors
        Why not.
    warnings
        What it could be used in spite of.
    """

    parsed: ParsedSchema | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, eq=False)
class Draft:
    """A collection as it stands now.

    Parameters
    ----------
    document
        The schema's JSON. It is not changed; an edit makes another one.
    name, title
        Of the collection; empty if it has none yet.
    kind
        ``"profile"``, ``"event"`` or ``"attribute"``.
    source_id
        Of the source; None if none is chosen yet.
    written
        The document as it was written; None if it came about by edits.
    typed
        A text that cannot be shown as a table, and is kept beside the last one that can.
    """

    document: Mapping[str, Any]
    name: str = ""
    title: str = ""
    kind: CollectionKind = "attribute"
    source_id: str | None = None
    written: str | None = None
    typed: str | None = None

    def with_document(self, document: Mapping[str, Any]) -> Draft:
        """Return the draft after an edit of the table."""
        return self if document is self.document else replace(self, document=document, written=None, typed=None)

    def with_text(self, text: str) -> Draft:
        """Return the draft after an edit of the text; the table stays where it cannot show that."""
        if text == (self.text if self.typed is None else self.typed):
            return self
        try:
            return replace(self, document=read_document(text), written=text, typed=None)
        except SchemaError:
            return replace(self, typed=text)

    @cached_property
    def text(self) -> str:
        """The schema's text: as it was written, as long as that is what it says."""
        return json.dumps(self.document, ensure_ascii=False, indent=2) if self.written is None else self.written

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table."""
        return tuple(rows_of(self.document))

    @cached_property
    def checked(self) -> Checked:
        """What the schema core says of the document."""
        lost = [] if self.written is None else [*repeated_keys(self.written), *rounded(self.written)]
        try:
            parsed, problems, warned = examine_schema(self.document)
        except SchemaError as error:
            return Checked(None, error.problems, ())
        return Checked(parsed, problems, (*lost, *warned))

    @property
    def shown(self) -> Schema | None:
        """The schema of the table, whatever text is kept beside it; None if it cannot be used."""
        return None if self.checked.parsed is None else Schema(self.text, self.checked.parsed).require_record()

    @property
    def schema(self) -> Schema:
        """The schema.

        Raises
        ------
        SchemaError
            With every problem, if it cannot be used.
        """
        if self.typed is not None:
            read_document(self.typed)
        shown = self.shown
        if shown is None:
            raise SchemaError(self.checked.errors)
        return shown


@dataclass(frozen=True, slots=True)
class History:
    """A draft, those before it and those that were undone.

    Parameters
    ----------
    now
        The draft.
    past, future
        The others, oldest first, and nearest last.
    """

    now: Draft
    past: tuple[Draft, ...] = ()
    future: tuple[Draft, ...] = ()

    def after(self, draft: Draft) -> History:
        """Return the history with one more step; a draft that is the same is none."""
        return self if draft is self.now else History(draft, (*self.past, self.now)[-MOST_STEPS:])

    def undone(self) -> History:
        """Return the history one step back."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (*self.future, self.now))

    def redone(self) -> History:
        """Return the history one step forward."""
        if not self.future:
            return self
        return History(self.future[-1], (*self.past, self.now), self.future[:-1])
