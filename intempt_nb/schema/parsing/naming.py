"""Names, aliases and the other words that a schema says of a type or a field."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.display import shorten
from intempt_nb.errors import Problem
from intempt_nb.schema.model import Null

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.schema.model import AvroType, Defined
    from intempt_nb.schema.parsing.extent import Extent

__all__ = [
    "NAME",
    "NAME_RULE",
    "PRIMITIVE_NAMES",
    "Context",
    "Stated",
    "aliases",
    "full_name",
    "order",
    "shown",
    "text",
]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
NAME_RULE = "letters, digits and '_' only, not starting with a digit"
PRIMITIVE_NAMES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


@dataclass(frozen=True, slots=True)
class Stated:
    """A default that a schema gives, to be held against its type once all types are known.

    Parameters
    ----------
    path
        Its JSON pointer.
    default
        As decoded JSON.
    type
        Of its field.
    at
        How many problems had been noted before it.
    """

    path: str
    default: Any
    type: AvroType
    at: int


@dataclass(slots=True)
class Context:
    """What has been met so far.

    Parameters
    ----------
    problems, warnings
        In document order.
    named
        The types with names; None for one whose definition is still open.
    extents
        How large each record is.
    defaults
        Those of fields.
    unknown
        Where a name was used that nothing had yet, and what it could stand for.
    strict
        Whether what a reader can do without being right is a problem, rather than a warning.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    named: dict[str, Defined | None] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)
    defaults: list[Stated] = field(default_factory=list)
    unknown: list[tuple[str, list[str]]] = field(default_factory=list)
    strict: bool = True

    def problem(self, path: str, message: str) -> Null:
        """Note a problem; the returned null stands in for the type, so that the rest is still read."""
        self.problems.append(Problem(path, message))
        return Null()

    def told_in_full(self) -> list[Problem]:
        """Return the problems; of a name that is defined after its use, they say that."""
        late = {
            path: f"{name!r} is used before it is defined; define it here, and use its name below"
            for path, candidates in self.unknown
            for name in reversed(candidates)
            if name in self.named
        }
        return [Problem(each.path, late.get(each.path, each.message)) for each in self.problems]

    def flaw(self, path: str, message: str) -> None:
        """Note what Avro does not allow and a reader can nevertheless use: a name, a default."""
        (self.problems if self.strict else self.warnings).append(Problem(path, message))

    def warn(self, path: str, message: str) -> None:
        """Note what the schema can be used without."""
        self.warnings.append(Problem(path, message))


def shown(value: Any) -> str:
    """Return a decoded JSON value as short JSON text, for messages."""
    return shorten(json.dumps(value, ensure_ascii=False, default=str))


def full_name(value: Mapping[str, Any], path: str, namespace: str, context: Context) -> str:
    """Return the full name of a named type (Avro 1.12, "Names"); problems are noted.

    Parameters
    ----------
    value
        The type's JSON.
    path
        Where it stands.
    namespace
        The one around it.
    context
        Takes the problems.
    """
    name = value.get("name")
    if not isinstance(name, str):
        found = "no 'name'" if "name" not in value else f"'name' is {shown(name)}"
        context.problem(path, f"{found}; expected text for a {value['type']}")
        return f"unnamed{path}"
    if "." not in name:
        own = value.get("namespace", namespace)
        if not isinstance(own, str):
            context.problem(f"{path}/namespace", f"found {shown(own)}; expected text")
            own = ""
        name = f"{own}.{name}" if own else name
    for part in name.split("."):
        if not NAME.fullmatch(part):
            context.flaw(f"{path}/name", f"{shorten(name)!r} is not a name: {NAME_RULE}")
            break
    if name in PRIMITIVE_NAMES:
        context.problem(f"{path}/name", f"{name!r} is the name of a primitive type")
    elif name.rpartition(".")[2] in PRIMITIVE_NAMES:
        context.flaw(f"{path}/name", f"{shorten(name)!r} is the name of a primitive type, in any namespace")
    return name


def aliases(value: Mapping[str, Any], path: str, context: Context, namespace: str = "") -> tuple[str, ...]:
    """Return the other names of a field or a named type; those of a type in full, relative to its namespace."""
    found = value.get("aliases", [])
    if isinstance(found, list) and all(isinstance(alias, str) for alias in found):
        return tuple(alias if not namespace or "." in alias else f"{namespace}.{alias}" for alias in found)
    context.problem(f"{path}/aliases", f"found {shown(found)}; expected a list of names")
    return ()


def text(value: Mapping[str, Any], key: str, path: str, context: Context) -> str | None:
    """Return a text of the schema's writer, None if there is none.

    What Avro itself knows of must be text; of the Intempt API's own words that are not, a warning is noted.
    """
    found = value.get(key)
    if found is None or isinstance(found, str):
        return found
    note = context.flaw if key == "doc" else context.warn
    note(f"{path}/{key}", f"found {shown(found)}; expected text")
    return None


_ORDERS: tuple[Literal["ascending", "descending", "ignore"], ...] = ("ascending", "descending", "ignore")


def order(value: Mapping[str, Any], path: str, context: Context) -> Literal["ascending", "descending", "ignore"]:
    """Return the sort order of a field."""
    found = value.get("order", "ascending")
    for known in _ORDERS:
        if found == known:
            return known
    context.problem(f"{path}/order", f"found {shown(found)}; expected ascending, descending or ignore")
    return "ascending"
