"""Avro names for columns whose own names Avro does not take."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.parsing.naming import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["avro_name", "avro_names", "titled", "unused"]


def avro_name(text: str) -> str:
    """Return a valid Avro name made of `text`: ``"Booking ID"`` → ``"Booking_ID"``, ``"2nd"`` → ``"_2nd"``."""
    if NAME.fullmatch(text):
        return text
    name = "".join(each if NAME.fullmatch(f"_{each}") else "_" for each in text.strip()) or "_"
    return name if NAME.fullmatch(name) else f"_{name}"


def avro_names(texts: Sequence[str]) -> list[str]:
    """Return an Avro name for each text, all different: those that are names already, and the others made of them.

    Parameters
    ----------
    texts
        All different. ``["a b", "a-b", "a_c"]`` → ``["a_b", "a_b_2", "a_c"]``.
    """
    made = [avro_name(text) for text in texts]
    taken = set(texts).intersection(made)
    for index, text in enumerate(texts):
        if made[index] != text:
            made[index] = unused(made[index], taken)
    return made


def unused(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken already; it then is."""
    free = next(each for each in chain((name,), (f"{name}_{n}" for n in count(2))) if each not in taken)
    taken.add(free)
    return free


def titled(avro: dict[str, Any], name: str, column: str) -> dict[str, Any]:
    """Return a field's Avro JSON under a name; the column's own name is its title if it is another and has none."""
    renamed = {**avro, "name": name}
    return renamed if name == column else {**renamed, "title": avro.get("title", column)}
