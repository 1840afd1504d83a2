"""`IdentityReport`: how profiles became persons, as numbers and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.display import html_table, shorten, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IdentityReport", "LargePerson", "SharedValue", "Stitched"]

_HEADER = ("user identifier", "in", "rows", "without a value", "values")
_SIZES = ("profiles", "persons")


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value that several profiles have.

    Parameters
    ----------
    identifier
        The name of the user identifier.
    value
        The value as text.
    profiles
        How many profiles have it.
    """

    identifier: str
    value: str
    profiles: int

    def __str__(self) -> str:
        """Return the value and how many have it."""
        return f"{self.identifier} {shorten(self.value, 60)!r} ({self.profiles:,} profiles)"


@dataclass(frozen=True, slots=True)
class LargePerson:
    """A person of several profiles.

    Parameters
    ----------
    person
        What it is called.
    profiles
        How many profiles it has.
    value
        The value that the most of them share.
    """

    person: str
    profiles: int
    value: SharedValue

    def __str__(self) -> str:
        """Return the person, its profiles and the value."""
        return f"{shorten(self.person, 60)!r} of {self.profiles:,} profiles, most by {self.value}"


@dataclass(frozen=True, slots=True)
class Stitched:
    """What one user identifier of a collection brought.

    Parameters
    ----------
    identifier, collection
        Their names; the collection's with its source.
    rows
        Items that were read.
    blanks
        Those that stitch nothing: without a value, with blank text or an ignored value.
    values
        Different values in the others.
    """

    identifier: str
    collection: str
    rows: int
    blanks: int
    values: int


@dataclass(frozen=True, slots=True, repr=False)
class IdentityReport:
    """How profiles became persons.

    Parameters
    ----------
    profiles, persons
        How many there are.
    unstored
        Profiles that items of other collections refer to, and that the profile collection does not have.
    sizes
        How many persons have so many profiles: ``{1: 900, 2: 48, 3: 1}``.
    stitched
        What each user identifier brought.
    shared
        At most five values that two or more profiles have, those of the most profiles first.
    refused
        Values that too many profiles have to be one person's, by `most`.
    largest
        At most five persons of two or more profiles, those of the most first.
    notes
        What was not stitched, and why, in sentences.
    """

    profiles: int
    persons: int
    unstored: int
    sizes: Mapping[int, int]
    stitched: tuple[Stitched, ...]
    shared: tuple[SharedValue, ...]
    refused: tuple[SharedValue, ...]
    largest: tuple[LargePerson, ...]
    notes: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        words = [f"{self.unstored:,} of the profiles are known from other items only."] if self.unstored else []
        if self.shared:
            words.append(f"Most shared: {'; '.join(map(str, self.shared[:3]))}.")
        if self.largest:
            words.append(f"Largest: {'; '.join(map(str, self.largest[:3]))}.")
        if self.refused:
            words.append(f"Shared by too many to stitch: {'; '.join(map(str, self.refused))}.")
        return (*words, *self.notes)

    def __str__(self) -> str:
        """Return the counts as text tables, and what they mean."""
        tables = [text_table(_HEADER, self._stitched(), self._caption()), text_table(_SIZES, self._sizes())]
        return "\n".join([*tables, *self.words])

    def __repr__(self) -> str:
        """Return the same, since that is what a notebook and a terminal show."""
        return str(self)

    def _repr_html_(self) -> str:
        words = html_table(("what that means",), [[each] for each in self.words], limit=400) if self.words else ""
        tables = html_table(_HEADER, self._stitched(), self._caption()) + html_table(_SIZES, self._sizes())
        return tables + words

    def _caption(self) -> str:
        profiles = f"{self.profiles:,} profile{' is' if self.profiles == 1 else 's are'}"
        return f"{profiles} {self.persons:,} person{'' if self.persons == 1 else 's'}"

    def _stitched(self) -> list[tuple[str, ...]]:
        return [
            (each.identifier, each.collection, f"{each.rows:,}", f"{each.blanks:,}", f"{each.values:,}")
            for each in self.stitched
        ]

    def _sizes(self) -> list[tuple[str, str]]:
        return [(f"{size:,}", f"{persons:,}") for size, persons in self.sizes.items()]
