"""What is declared of collections, and the link that it makes between two of them; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.analysis.keys import fields_of, key_refusal, type_problem, type_text
from intempt_nb.api.resources import Identifier
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest
from intempt_nb.handles import CollectionHandle

if TYPE_CHECKING:
    from intempt_nb.schema.schema import Schema

__all__ = ["Declared", "Link", "check_types", "declared", "link_between", "links_to"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A collection and its identifiers.

    Parameters
    ----------
    collection
        Its handle.
    identifiers
        All that it has.
    """

    collection: CollectionHandle
    identifiers: tuple[Identifier, ...]

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    @property
    def schema(self) -> Schema:
        """The collection's schema."""
        return self.collection.schema

    @property
    def primary(self) -> Identifier | None:
        """The primary identifier; None if there is none."""
        return next((each for each in self.identifiers if each.type == "primary"), None)

    @property
    def users(self) -> tuple[Identifier, ...]:
        """The user identifiers."""
        return tuple(each for each in self.identifiers if each.type == "user")

    def __str__(self) -> str:
        """Return the identifiers in words."""
        words = [f"{each.name} ({each.type}: {', '.join(fields_of(each))})" for each in self.identifiers]
        return shorten(f"{self.name!r} has {', '.join(words) or 'none'}", 400)


@dataclass(frozen=True, slots=True)
class Link:
    """Two identifiers with the same value in items that belong together.

    Parameters
    ----------
    here, there
        The collections.
    identifier, target
        The identifier of the one, and that of the other which it is compared with.
    """

    here: Declared
    there: Declared
    identifier: Identifier
    target: Identifier

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of `here`."""
        return fields_of(self.identifier)

    @property
    def theirs(self) -> tuple[str, ...]:
        """The fields of `there`, in the same order."""
        return fields_of(self.target)

    def __str__(self) -> str:
        """Return the link in words."""
        here, there = (shorten(" + ".join(each)) for each in (self.names, self.theirs))
        how = f"{self.identifier.type} identifier {self.identifier.name!r}"
        return f"{here} of {self.here.name} → {there} of {self.there.name} ({how})"


def declared(
    collection: CollectionHandle, hint: str = "rows that are loaded already go by themselves, in rows="
) -> Declared:
    """Return a collection with its identifiers, which are asked for now.

    Parameters
    ----------
    collection
        Its handle.
    hint
        What to say to those who gave rows in its place.

    Raises
    ------
    DataError
        If it is something else than a collection's handle.
    """
    if not isinstance(collection, CollectionHandle):
        raise DataError(
            f"expected a collection, found {type(collection).__name__}: client.collections['name'] is one; {hint}"
        )
    return Declared(collection, tuple(collection.identifiers.values()))


def links_to(here: Declared, there: Declared) -> list[Link]:
    """Return the links from one collection to another.

    Those by reference to its primary identifier; if there are none, those by a user identifier of the same name that
    both have.
    """
    primary = there.primary
    found = [
        Link(here, there, each, primary) for each in here.identifiers if primary and each.reference_id == primary.id
    ]
    return found or [
        Link(here, there, each, other) for each in here.users for other in there.users if each.name == other.name
    ]


def link_between(here: Declared, there: Declared, identifier: Identifier | str | None = None) -> Link:
    """Return the one link from a collection to another.

    Parameters
    ----------
    here, there
        The collections.
    identifier
        Which one to take, if there are several: an identifier of `here`, its name, or that of its relation.

    Raises
    ------
    DataError
        If there is none, or more than one; or the types differ, or are none that can be compared.
    """
    if identifier is None:
        found = links_to(here, there)
        if not found:
            raise _unlinked(here, there)
    else:
        found = _chosen(here, there, _known(here, identifier))
    if len(found) > 1:
        names = " or ".join(repr(each.identifier.name) for each in found)
        raise DataError(
            f"{len(found)} identifiers link {here.name!r} to {there.name!r}: "
            f"{'; '.join(map(str, found))}. Say which: identifier={names}"
        )
    check_types(found[0])
    return found[0]


def _known(here: Declared, wanted: Identifier | str) -> Identifier:
    """Return an identifier of a collection, by itself, its name, or the name of its relation."""
    if isinstance(wanted, Identifier):
        wanted = wanted.id
    for each in here.identifiers:
        if wanted in (each.name, each.id):
            return each
    relations = here.collection.relations.values()
    by_id = {each.id: each for each in here.identifiers}
    for relation in relations:
        if wanted in (relation.name, relation.id) and relation.identifier_id in by_id:
            return by_id[relation.identifier_id]
    names = [each.name for each in here.identifiers] + [each.name for each in relations]
    raise DataError(f"{here.name!r} has no identifier or relation {wanted!r}{suggest(wanted, names)}")


def _chosen(here: Declared, there: Declared, identifier: Identifier) -> list[Link]:
    """Return the links that an identifier makes to a collection; at least one."""
    primary = there.primary
    if primary is not None and identifier.reference_id == primary.id:
        return [Link(here, there, identifier, primary)]
    same = [each for each in there.users if each.name == identifier.name] if identifier.type == "user" else []
    if not same:
        what = f"identifier {identifier.name!r} of {here.name!r} is {identifier.type}"
        raise DataError(f"{what} and does not lead to {there.name!r}. {there}")
    return [Link(here, there, identifier, each) for each in same]


def _unlinked(here: Declared, there: Declared) -> DataError:
    if links_to(there, here):
        return DataError(
            f"{there.name!r} refers to {here.name!r}, not the other way round; the collection that refers comes first: "
            f"join({there.name}, {here.name})"
        )
    if there.primary is None:
        advice = f"Give {there.name!r} a primary identifier first; then refer to it"
    else:
        keys = f"client.collections[{there.name!r}].primary"
        advice = (
            f"If fields of {here.name!r} hold the {' + '.join(fields_of(there.primary))} of {there.name!r}, "
            f"declare that: client.collections[{here.name!r}].create_identifier({there.name!r}, fields=[…], "
            f"type='foreign', references={keys})"
        )
    return DataError(f"no identifier links {here.name!r} to {there.name!r}. Declared are: {here}; {there}. {advice}")


def check_types(link: Link) -> None:
    """Refuse a link whose values cannot be compared.

    Raises
    ------
    DataError
        If the types differ, or are none that a key can have.
    """
    problem = type_problem(link.here.schema, link.names, link.there.schema, link.theirs)
    if problem is not None:
        raise DataError(f"{link}: the values cannot be compared. {problem}", field=link.names[0])
    for name in link.names:
        refusal = key_refusal(link.here.schema[name].type, link.here.schema.named)
        if refusal is not None:
            raise DataError(f"{type_text(link.here.schema, name)}: {refusal}", field=name)
