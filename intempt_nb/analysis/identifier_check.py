"""`IdentifierCheck`: what the rows say of an identifier, as numbers, as words and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.display import html_table, shorten, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.analysis.keys import KeyExample

__all__ = ["IdentifierCheck", "ReferenceCheck"]

_HEADER = ("", "rows", "for example")
_NONE_YET = (
    "There are no rows to look at: a collection takes none before it has a primary identifier. Check the data that is "
    "to be uploaded."
)


@dataclass(frozen=True, slots=True, repr=False)
class ReferenceCheck:
    """What became of the references.

    Parameters
    ----------
    collection, identifier, fields
        What they point at: the collection, its primary identifier, and the fields of that.
    types
        Why the two cannot be compared, as their types differ; None if they can.
    rows, whole
        Rows of that collection that were looked at, and whether it has no more.
    found, missing
        Rows whose key is there, and whose key is not; rows without a key are neither.
    examples
        At most five keys that are not there.
    """

    collection: str
    identifier: str
    fields: tuple[str, ...]
    types: str | None = None
    rows: int = 0
    whole: bool = True
    found: int = 0
    missing: int = 0
    examples: tuple[KeyExample, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class IdentifierCheck:
    """Whether some fields would make an identifier; false if a row that was looked at speaks against it.

    Parameters
    ----------
    collection, fields
        What was looked at.
    rows, whole
        Rows looked at, and whether there are no more.
    rejected
        Rows of `data` with a value that its field cannot take; they count for nothing else.
    nulls
        For each field, rows without a value.
    without_key
        Rows in which a field has no value.
    repeats
        Rows with the key of an earlier row.
    examples
        At most five of the keys that stand in several rows.
    primary
        Fields of the collection's primary identifier; empty if it has none.
    stored
        Whether the rows are the collection's own.
    reference
        What became of the references; None if there are none.
    """

    collection: str
    fields: tuple[str, ...]
    rows: int
    whole: bool
    rejected: int
    nulls: Mapping[str, int]
    without_key: int
    repeats: int
    examples: tuple[KeyExample, ...]
    primary: tuple[str, ...]
    stored: bool
    reference: ReferenceCheck | None = None

    def __bool__(self) -> bool:
        """Return whether nothing speaks against it.

        Against a key speak gaps and repeats: the later of two rows with the same key replaces the earlier one. Against
        a reference speak other types and keys that are not there. The server refuses other types only; whether the
        rest does harm is for a person to say.
        """
        if self.reference is not None:
            return self.reference.types is None and not self.reference.missing
        return not self.without_key and not self.repeats

    @property
    def words(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        return tuple(_extent(self)) + tuple(
            _uniqueness(self) if self.reference is None else _references(self.reference)
        )

    def __str__(self) -> str:
        """Return the counts as a text table, and what they mean."""
        return "\n".join([text_table(_HEADER, self.counts(), self._caption(), limit=160), *self.words])

    def __repr__(self) -> str:
        """Return the same, since that is what a notebook and a terminal show."""
        return str(self)

    def _repr_html_(self) -> str:
        words = html_table(("what that means",), [[each] for each in self.words], limit=400)
        return html_table(_HEADER, self.counts(), self._caption()) + words

    def _caption(self) -> str:
        names = shorten(" + ".join(self.fields))
        verdict = "would do" if self else "would not do"
        if self.reference is not None and self.reference.missing:
            verdict = "some references lead nowhere"  # which the server takes
        return f"{names} of {shorten(self.collection)}: {verdict}"

    def counts(self) -> list[tuple[str, str, str]]:
        """Return what was counted, as text: what, how many rows, and examples."""
        rows = [("looked at" if self.whole else "looked at, of more", f"{self.rows:,}", "")]
        if self.rejected:
            rows.append(("with a value of another type", f"{self.rejected:,}", ""))
        rows += [(f"without {shorten(name)}", f"{count:,}", "") for name, count in self.nulls.items()]
        rows.append(("with the key of an earlier row", f"{self.repeats:,}", _listed(self.examples)))
        found = self.reference
        if found is not None and found.types is None:
            rows.append((f"found in {shorten(found.collection)}", f"{found.found:,}", ""))
            rows.append((f"not found in {shorten(found.collection)}", f"{found.missing:,}", _listed(found.examples)))
        return rows


def _extent(check: IdentifierCheck) -> list[str]:
    words = []
    if not check.rows:
        words.append(_NONE_YET if check.stored and not check.primary else "There are no rows to look at.")
    elif not check.whole:
        words.append(f"These are the first {check.rows:,} rows; there are more, which may say otherwise.")
    if check.rejected:
        words.append(f"{_rows(check.rejected)} a value that does not fit its field; an upload rejects them.")
    return words


def _uniqueness(check: IdentifierCheck) -> list[str]:
    words = [
        f"{_rows(count)} no value for {shorten(name)}; a key needs one." for name, count in check.nulls.items() if count
    ]
    names = shorten(" + ".join(check.fields))
    if check.repeats:
        words.append(
            f"{_rows(check.repeats)} the same {names} as an earlier row. As a primary key, the last one stays."
        )
    elif check.rows > check.rejected + check.without_key:
        words.append(f"No {names} is there twice.")
    if check.stored and check.primary and set(check.primary) <= set(check.fields):
        key = shorten(" + ".join(check.primary))
        words.append(
            f"It cannot be otherwise: {key} is the primary key, and an item with the same key replaces the old."
        )
    return words


def _references(check: ReferenceCheck) -> list[str]:
    there = f"{shorten(check.collection)} ({shorten(' + '.join(check.fields))})"
    if check.types is not None:
        return [check.types]
    words = [f"{_rows(check.missing)} a key that is not in {there}."] if check.missing else []
    if check.found and not check.missing:
        words.append(f"Every key is in {there}.")
    if not check.whole:
        part = f"the first {check.rows:,} rows of {shorten(check.collection)}"
        words.append(f"Only {part} were read; the keys may be in the others.")
    return words


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count:,} rows have"


def _listed(examples: Sequence[KeyExample]) -> str:
    return "; ".join(str(each) for each in examples)
