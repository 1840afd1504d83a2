"""What collections say of profiles: their keys, and the values of user identifiers that stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.keys import fields_of, type_problem
from intempt_nb.analysis.linking.declared import Declared, Link, check_types, declared, links_to
from intempt_nb.analysis.linking.matching import key_columns
from intempt_nb.analysis.linking.stitching import texts_of, without_blanks
from intempt_nb.client import Client
from intempt_nb.errors import DataError, suggest
from intempt_nb.handles import CollectionHandle, SourceHandle

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from intempt_nb.api.resources import Identifier

__all__ = ["Hub", "Reading", "ValueColumn", "ValueKind", "collections_of", "hubs_of", "kinds_of", "links_of", "read"]


@dataclass(frozen=True, slots=True)
class Hub:
    """A profile collection.

    Parameters
    ----------
    label
        The name of its source; the source's id, where two sources have the same name.
    declared
        The collection.
    primary
        Its primary identifier.
    """

    label: str
    declared: Declared
    primary: Identifier

    @property
    def itself(self) -> Link:
        """The profile's own key, as a link."""
        return Link(self.declared, self.declared, self.primary, self.primary)


@dataclass(frozen=True, slots=True)
class ValueKind:
    """User identifiers whose values are compared: those of one name and of the same types.

    Parameters
    ----------
    name
        What they are called, or what they are to be taken for.
    members
        The identifiers, by their collections.
    """

    name: str
    members: tuple[tuple[Declared, Identifier], ...]

    def holds(self, identifier: Identifier) -> bool:
        """Return whether an identifier is one of them."""
        return any(each.id == identifier.id for _, each in self.members)


@dataclass(frozen=True, slots=True, eq=False)
class ValueColumn:
    """The values of a user identifier, a row of the collection each.

    Parameters
    ----------
    kind
        The place of its kind in a list.
    identifier
        The identifier.
    texts
        The values; null where there is none that is somebody's.
    blanks
        Rows without one.
    """

    kind: int
    identifier: Identifier
    texts: pa.ChunkedArray
    blanks: int


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a collection says of the profiles of a source.

    Parameters
    ----------
    hub
        The place of the profile collection in a list.
    collection
        The collection; the profile collection itself, or one that refers to it.
    own
        Whether it is that itself.
    profiles
        For each row, the profile's key as text; null if it has none.
    values
        What stands beside it.
    """

    hub: int
    collection: Declared
    own: bool
    profiles: pa.ChunkedArray
    values: tuple[ValueColumn, ...]


def collections_of(where: Any) -> list[Declared]:
    """Return collections with their identifiers: of a client, of sources, or those given.

    Raises
    ------
    DataError
        If it is none of these, or names a collection twice.
    """
    found = [declared(each) for each in _handles(where)]
    ids = [each.collection.id for each in found]
    for each in found:
        if ids.count(each.collection.id) > 1:
            raise DataError(f"collection {each.name!r} is given twice; expected each once")
    return found


def _handles(where: Any) -> Iterator[CollectionHandle]:
    if isinstance(where, CollectionHandle):
        yield where
    elif isinstance(where, Client | SourceHandle):
        yield from where.collections.values()
    elif isinstance(where, list | tuple):
        for each in where:
            yield from _handles(each)
    else:
        raise DataError(f"expected a client, a source, a collection or a list of them, found {type(where).__name__}")


def hubs_of(collections: Sequence[Declared]) -> list[Hub]:
    """Return the profile collections in the order of their labels.

    Raises
    ------
    DataError
        If there are none with a primary identifier.
    """
    found = [(each, each.primary) for each in collections if each.collection.kind == "profile"]
    names = [each.collection.record.source_name for each, _ in found]
    hubs = [
        Hub(name if name and names.count(name) == 1 else each.collection.record.source_id, each, primary)
        for (each, primary), name in zip(found, names, strict=True)
        if primary is not None
    ]
    if not hubs:
        there = ", ".join(f"{each.name} ({each.collection.kind})" for each in collections) or "none"
        raise DataError(
            f"there is no profile collection with a primary identifier among the collections: {there}. "
            "source.create_collection(…, kind='profile') makes one"
        )
    return sorted(hubs, key=lambda hub: hub.label)


def kinds_of(collections: Sequence[Declared], match: Mapping[str, str]) -> list[ValueKind]:
    """Return the user identifiers by what is compared: those of the same name and types.

    Parameters
    ----------
    collections
        Those that have them.
    match
        For names of identifiers, what they are to be taken for.

    Raises
    ------
    DataError
        If `match` names an identifier that is not there.
    """
    members = [(each, identifier) for each in collections for identifier in each.users]
    for name in match:
        if all(identifier.name != name for _, identifier in members):
            known = sorted({identifier.name for _, identifier in members})
            raise DataError(f"match: there is no user identifier {name!r}{suggest(name, known)}")
    kinds: list[ValueKind] = []
    for each, identifier in members:
        name = match.get(identifier.name, identifier.name)
        for at, kind in enumerate(kinds):
            if kind.name == name and _comparable(kind.members[0], (each, identifier)):
                kinds[at] = ValueKind(name, (*kind.members, (each, identifier)))
                break
        else:
            check_types(Link(each, each, identifier, identifier))
            kinds.append(ValueKind(name, ((each, identifier),)))
    return kinds


def _comparable(one: tuple[Declared, Identifier], other: tuple[Declared, Identifier]) -> bool:
    problem = type_problem(one[0].schema, fields_of(one[1]), other[0].schema, fields_of(other[1]))
    return problem is None


def links_of(each: Declared, hubs: Sequence[Hub]) -> list[tuple[int, Link]]:
    """Return by which identifiers a collection holds the keys of profiles, and of which profile collection."""
    own = [(at, hub.itself) for at, hub in enumerate(hubs) if hub.declared.collection.id == each.collection.id]
    return own or [
        (at, link)
        for at, hub in enumerate(hubs)
        for link in links_to(each, hub.declared)
        if link.target.id == hub.primary.id
    ]


def read(hub: int, link: Link, kinds: Sequence[ValueKind], ignored: Collection[str]) -> Reading:
    """Read a collection's keys of profiles and the values beside them, each item once.

    Raises
    ------
    DataError
        If the types of the key are not those of the profile's.
    """
    check_types(link)
    here = link.here
    users = [(at, each) for each in here.users for at, kind in enumerate(kinds) if kind.holds(each)]
    names = dict.fromkeys([*link.names, *(name for _, each in users for name in fields_of(each))])
    rows = here.collection.scan(columns=list(names)).to_arrow()
    profiles = texts_of(key_columns(rows, link.names, here.schema, "the items"))
    values = (_values(at, each, here, rows, ignored) for at, each in users)
    return Reading(hub, here, link.here is link.there, profiles, tuple(values))


def _values(kind: int, identifier: Identifier, here: Declared, rows: pa.Table, ignored: Collection[str]) -> ValueColumn:
    keys = key_columns(rows, fields_of(identifier), here.schema, "the items")
    texts = value_texts(keys, ignored)
    return ValueColumn(kind, identifier, texts, texts.null_count)


def value_texts(keys: pa.Table, ignored: Iterable[str]) -> pa.ChunkedArray:
    """Return the values of a user identifier as text; null where there is none, or nobody's."""
    return texts_of(without_blanks(keys, frozenset(ignored)))
