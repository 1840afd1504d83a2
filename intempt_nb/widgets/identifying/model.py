"""An identifier that is being defined: what is known of the collections, what was chosen, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from intempt_nb.analysis.keys import key_refusal, same_type, type_problem, type_text
from intempt_nb.display import shorten
from intempt_nb.schema.inferring.identifiers import identifier_rank
from intempt_nb.schema.parsing.naming import NAME, NAME_RULE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.api.resources import Identifier, Relation
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.schema.schema import Schema


__all__ = [
    "Draft",
    "Known",
    "Place",
    "Relating",
    "choose_reference",
    "choose_type",
    "fields_of",
    "is_choice",
    "name_of",
    "problems",
    "refusal",
    "relate",
    "start",
    "tick",
]


IdentifierType: TypeAlias = Literal["primary", "foreign", "user", "profile", "account"]


@dataclass(frozen=True, slots=True)
class Place:
    """A collection with its identifiers.

    Parameters
    ----------
    handle, schema
        The collection.
    source
        The name of its source.
    identifiers
        Its identifiers.
    """

    handle: CollectionHandle
    schema: Schema
    source: str
    identifiers: tuple[Identifier, ...]

    @property
    def primary(self) -> Identifier | None:
        """Its primary identifier; None if there is none yet."""
        return next((each for each in self.identifiers if each.type == "primary"), None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the server said.

    Parameters
    ----------
    own
        The collection that the identifier is for.
    relations
        Its relations.
    others
        The other collections; None before they are read.
    """

    own: Place
    relations: tuple[Relation, ...] = ()
    others: tuple[Place, ...] | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """All collections, this one first."""
        return self.own, *(self.others or ())

    def place_of(self, identifier_id: str | None) -> Place | None:
        """Return the collection that has this identifier; None if none is known."""
        return next((each for each in self.places if any(one.id == identifier_id for one in each.identifiers)), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was chosen.

    Parameters
    ----------
    type
        The type of the identifier.
    fields
        Its fields, in order.
    name
        The name that was typed; None to take the one that is guessed.
    reference
        The id of the primary identifier to refer to.
    by_hand
        Whether a person chose the fields; otherwise they are guessed.
    """

    type: IdentifierType = "primary"
    fields: tuple[str, ...] = ()
    name: str | None = None
    reference: str | None = None
    by_hand: bool = False

    def toggled(self, field: str, *, on: bool) -> Draft:
        """Return the same with a field more, at the end, or less."""
        rest = tuple(each for each in self.fields if each != field)
        return replace(self, fields=(*rest, field) if on else rest, by_hand=True)

    def moved(self, field: str, by: int) -> Draft:
        """Return the same with a field at another place in the order."""
        at = self.fields.index(field)
        to = min(max(at + by, 0), len(self.fields) - 1)
        rest = [each for each in self.fields if each != field]
        return replace(self, fields=(*rest[:to], field, *rest[to:]), by_hand=True)


@dataclass(frozen=True, slots=True)
class Relating:
    """A relation that is being defined.

    Parameters
    ----------
    identifier
        The id of the identifier that gets a name and a direction.
    name, type
        As the server wants them.
    """

    identifier: str
    name: str
    type: Literal["many_to_one", "one_to_many"] = "many_to_one"


def relate(known: Known, identifier: Identifier) -> Relating:
    """Return what is offered for an identifier's relation."""
    there = known.place_of(identifier.reference_id)
    name = identifier.name if there is None else f"{known.own.handle.name}_{there.handle.name}"
    taken = {each.name for each in known.relations}
    others = (f"{name}_{identifier.name}", *(f"{name}_{count}" for count in range(2, len(taken) + 3)))
    return Relating(identifier.id, next(each for each in (name, *others) if each not in taken))


def fields_of(identifier: Identifier) -> tuple[str, ...]:
    """Return the names of an identifier's fields."""
    return tuple(str(field["name"]) for field in identifier.schema_json.get("fields", ()))


def start(known: Known) -> Draft:
    """Return what is offered first: the primary identifier while there is none, then a foreign one."""
    return choose_type(Draft(), known, "primary" if known.own.primary is None else "foreign")


def choose_type(draft: Draft, known: Known, kind: IdentifierType) -> Draft:
    """Return the draft with another type, and with the fields that are likely for it unless a person chose some."""
    changed = replace(draft, type=kind, reference=None if kind == "primary" else draft.reference)
    if changed.by_hand:
        return changed
    return replace(changed, fields=_likely_fields(changed, known))


def tick(draft: Draft, known: Known, field: str, *, on: bool) -> Draft:
    """Return the draft with a field more or less; one that was guessed gives way where the key has room for one."""
    there = known.place_of(draft.reference)
    is_single = there is not None and there.primary is not None and len(fields_of(there.primary)) == 1
    gives_way = on and is_single and not draft.by_hand
    return (replace(draft, fields=()) if gives_way else draft).toggled(field, on=on)


def is_choice(draft: Draft, known: Known) -> bool:
    """Return whether any field can be chosen."""
    return any(refusal(draft, known, each) is None for each in known.own.schema.names)


def _likely_key(schema: Schema) -> tuple[str, ...]:
    ranked = [
        (rank, at, each.name)
        for at, each in enumerate(schema.fields)
        if (rank := identifier_rank(each.name, schema.record.name, each.type)) is not None and rank[0] < 2
    ]
    return (min(ranked)[2],) if ranked else ()


def choose_reference(draft: Draft, known: Known, identifier_id: str | None) -> Draft:
    """Return the draft with another reference, and with the likely fields unless a person chose some."""
    changed = replace(draft, reference=identifier_id or None)
    return changed if changed.by_hand else replace(changed, fields=_likely_fields(changed, known))


def _likely_fields(draft: Draft, known: Known) -> tuple[str, ...]:
    """Return the key by its name, or what is called like what it refers to."""
    schema = known.own.schema
    if draft.type == "primary":
        return _likely_key(schema)
    there = known.place_of(draft.reference)
    if there is None or there.primary is None or there is known.own:
        return ()
    own = () if known.own.primary is None else fields_of(known.own.primary)
    offered = [each for each in schema.names if each not in own]  # a collection's own key seldom is another's
    found = [_likely_reference(schema, offered, there, each) for each in fields_of(there.primary)]
    likely = tuple(each for each in found if each is not None)
    return likely if len(set(likely)) == len(found) else ()


def _likely_reference(schema: Schema, offered: Sequence[str], there: Place, field: str) -> str | None:
    """Return the field that is called like the one referred to, with or without the collection's name before it."""
    wanted = {
        _plain(field),
        _plain(there.handle.name) + _plain(field),
        _plain(there.handle.name).rstrip("s") + _plain(field),
    }
    fitting = [each for each in offered if same_type(schema, each, there.schema, field)]
    return next((each for each in fitting if _plain(each) in wanted), None)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def name_of(draft: Draft, known: Known) -> str:
    """Return the name: the one that was typed, or the field's own, made unlike those there are."""
    if draft.name is not None:
        return draft.name
    taken = {each.name for each in known.own.identifiers}
    guess = "_".join(draft.fields)[:60]
    others = (f"{guess}_{draft.type}", *(f"{guess}_{count}" for count in range(2, len(taken) + 3)))
    return next(each for each in (guess, *others) if each not in taken)


def refusal(draft: Draft, known: Known, field: str) -> str | None:
    """Return why a field cannot be chosen; None if it can."""
    schema = known.own.schema
    reason = key_refusal(schema[field].type, schema.named)
    there = known.place_of(draft.reference)
    if reason is not None or there is None or there.primary is None:
        return reason
    theirs = fields_of(there.primary)
    if any(same_type(schema, field, there.schema, each) for each in theirs):
        return None
    key = " + ".join(type_text(there.schema, each) for each in theirs)
    return f"the key of {shorten(there.handle.name, 40)} is {key}"


def problems(draft: Draft, known: Known) -> Mapping[str, str]:
    """Return what is wrong, by the part that it is wrong with: ``type``, ``reference``, ``fields``, ``name``."""
    found = {
        "type": _type_problem(draft, known),
        "reference": _reference_problem(draft, known),
        "fields": _fields_problem(draft, known),
        "name": _name_problem(name_of(draft, known), known) if draft.fields or draft.name is not None else None,
    }
    return {place: problem for place, problem in found.items() if problem is not None}


def _type_problem(draft: Draft, known: Known) -> str | None:
    primary = known.own.primary
    if draft.type != "primary" or primary is None:
        return None
    there = f"{shorten(known.own.handle.name)} has a primary identifier already, {shorten(primary.name)}."
    return f"{there} A collection has one; choose another type."


def _reference_problem(draft: Draft, known: Known) -> str | None:
    if draft.type == "foreign" and draft.reference is None:
        return "A foreign identifier refers to a primary one. Choose which."
    if draft.reference is not None and known.place_of(draft.reference) is None:
        return "That identifier is not there any more. Choose another one."
    return None


def _fields_problem(draft: Draft, known: Known) -> str | None:
    schema = known.own.schema
    if not draft.fields:
        return "Choose at least one field." if is_choice(draft, known) else _no_choice(draft, known)
    for each in draft.fields:
        reason = key_refusal(schema[each].type, schema.named)
        if reason is not None:
            return f"{shorten(each)}: {reason}."
    there = known.place_of(draft.reference)
    if there is None or there.primary is None:
        return None
    return type_problem(schema, draft.fields, there.schema, fields_of(there.primary))


def _no_choice(draft: Draft, known: Known) -> str:
    """Return why no field can be chosen."""
    name, there = shorten(known.own.handle.name), known.place_of(draft.reference)
    if is_choice(replace(draft, reference=None), known) and there is not None and there.primary is not None:
        key = " + ".join(type_text(there.schema, each) for each in fields_of(there.primary))
        return f"No field of {name} has the type of the key of {shorten(there.handle.name)}, {key}."
    return f"No field of {name} can be a key; add one of text or whole numbers."


def _name_problem(name: str, known: Known) -> str | None:
    if NAME.fullmatch(name) is None:
        return f"This is not a name: {NAME_RULE}."
    if any(each.name == name for each in known.own.identifiers):
        return f"{shorten(known.own.handle.name)} has an identifier of this name already. Choose another one."
    return None
