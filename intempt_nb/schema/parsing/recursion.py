"""Which records contain themselves: told once for a whole schema, in time linear in its size."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from intempt_nb.schema.model import Array, AvroType, Defined, Map, Record, Reference, Union

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["NamedTypes", "recursive_names"]


class NamedTypes(dict[str, Defined]):
    """The named types of one schema by full name; not changed once it is made, so that what follows is told once."""

    @cached_property
    def recursive(self) -> frozenset[str]:
        """The names of the records that contain themselves, directly or by way of others."""
        return _on_a_circle({name: list(_names_in(each)) for name, each in self.items()})


def recursive_names(named: Mapping[str, Defined]) -> frozenset[str]:
    """Return the names of the records that contain themselves, directly or by way of others.

    Parameters
    ----------
    named
        A schema's named types. The answer is kept if they are `NamedTypes`, and found anew each time otherwise.
    """
    return (named if isinstance(named, NamedTypes) else NamedTypes(named)).recursive


def _names_in(named: AvroType) -> Iterator[str]:
    """Yield the names that a record's fields name; what those lead to in turn is told with them."""
    rest: list[AvroType] = [field.type for field in named.fields] if isinstance(named, Record) else []
    while rest:
        match rest.pop():
            case Reference(name) | Record(name=name):
                yield name
            case Array(inner) | Map(inner):
                rest.append(inner)
            case Union(branches):
                rest.extend(branches)


def _on_a_circle(edges: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the nodes that can be reached from themselves: Kosaraju's strongly connected components."""
    backward: dict[str, list[str]] = {name: [] for name in edges}
    for name, targets in edges.items():
        for target in targets:
            backward[target].append(name)
    found = {name for name, targets in edges.items() if name in targets}
    seen: set[str] = set()
    order = [name for start in edges for name in _reached(start, edges, seen)]
    seen.clear()
    for start in reversed(order):
        component = _reached(start, backward, seen)
        if len(component) > 1:
            found.update(component)
    return frozenset(found)


def _reached(start: str, edges: Mapping[str, Sequence[str]], seen: set[str]) -> list[str]:
    """Return what can be reached and was not `seen`, each behind all that it leads to; it now is."""
    if start in seen:
        return []
    seen.add(start)
    reached, path = [], [(start, iter(edges[start]))]
    while path:
        target = next((each for each in path[-1][1] if each not in seen), None)
        if target is None:
            reached.append(path.pop()[0])
        else:
            seen.add(target)
            path.append((target, iter(edges[target])))
    return reached
