"""Why a column of text got its type, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.schema.inferring.cells import KEPT, Facts, Kind, Tally, Trait

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["explain", "places"]

_ONE: Mapping[Kind, str] = {
    Kind.INTEGER: "a whole number",
    Kind.PADDED: "digits with leading zeros",
    Kind.DECIMAL: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date",
    Kind.TIMESTAMP: "a timestamp",
    Kind.TEXT: "text",
}


def explain(facts: Facts, avro_type: Any) -> str:
    """Return why a column with these facts has this type.

    Parameters
    ----------
    facts
        What was observed.
    avro_type
        The Avro JSON that was decided on, its null branch aside.
    """
    if not facts.rows:
        return "no rows"
    if not facts.values:
        return "; ".join(["no values", *_gaps(facts)])
    if avro_type == "string":
        gaps = facts.tally(Trait.GAP)
        return "; ".join([_why_text(facts), *([f"text as well: {places(gaps)}"] if gaps.count else [])])
    return "; ".join([_all_values(facts), *_digit_notes(facts), *_time_notes(facts), *_gaps(facts)])


def places(tally: Tally) -> str:
    """Return where cells stand and what they say: ``rows 17, 90, 4311, … ('x', 'y', …)``."""
    if tally.count == 1:
        row, text = tally.first[0]
        return f"row {row} {text!r}"
    rows = [str(row) for row, _ in tally.first]
    texts = [repr(text) for text in dict.fromkeys(text for _, text in tally.first)]
    more = ["…"] if tally.count > KEPT else []
    return f"rows {', '.join(rows + more)} ({', '.join(texts + more)})"


def _noun(facts: Facts) -> Kind:
    """Return what to call the values that are numbers of both kinds, or of the one kind there is."""
    return Kind.DECIMAL if Kind.DECIMAL in facts.kinds else facts.kinds[0]


def _all_values(facts: Facts) -> str:
    noun = _noun(facts)
    if facts.values == 1:
        return f"the one value is {_ONE[noun]}"
    bounds = list(facts.bounds.values())
    if not bounds:
        return f"all {facts.values:,} values are {noun.value}"
    least, greatest = min(each[0] for each in bounds), max(each[1] for each in bounds)
    if least != greatest:
        where = f" between {_plain(least)} and {_plain(greatest)}"
    else:
        where = f" of {least}" if noun is Kind.TIMESTAMP else f", each {_plain(least)}"
    return f"all {facts.values:,} values are {noun.value}{where}"


def _plain(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _gaps(facts: Facts) -> list[str]:
    gaps = facts.tally(Trait.GAP)
    if not gaps.count:
        return []
    return [f"{gaps.count:,} cell{'s say' if gaps.count > 1 else ' says'} there is none: {places(gaps)}"]


def _digit_notes(facts: Facts) -> list[str]:
    rounded = facts.tally(Trait.ROUNDED)
    if not rounded.count:
        return []
    return [f"{rounded.count:,} will be rounded, having more digits than a double keeps: {places(rounded)}"]


def _time_notes(facts: Facts) -> list[str]:
    unzoned, micros, nanos = (facts.tally(each) for each in (Trait.UNZONED, Trait.MICROS, Trait.NANOS))
    notes = []
    if unzoned.count == facts.values:
        notes.append("no time zone in the text: read as UTC")
    elif unzoned.count:
        count = f"{unzoned.count:,} of {facts.values:,} have no time zone and are"
        notes.append(f"{count} read as UTC: {places(unzoned)}")
    if nanos.count:
        notes.append(f"finer than a microsecond: {places(nanos)}")
    elif micros.count:
        notes.append(f"finer than a millisecond: {places(micros)}")
    return notes


def _why_text(facts: Facts) -> str:
    kinds = set(facts.kinds)
    if kinds == {Kind.TEXT}:
        return "the one value is text" if facts.values == 1 else f"all {facts.values:,} values are text"
    if kinds == {Kind.TIMESTAMP}:
        finer, far = places(facts.tally(Trait.NANOS)), places(facts.tally(Trait.FAR))
        return f"no one unit holds both a time finer than a microsecond ({finer}) and a year so far off ({far})"
    if kinds <= {Kind.INTEGER, Kind.DECIMAL, Kind.PADDED}:
        return _why_digits(facts)
    return _mixed(facts)


def _why_digits(facts: Facts) -> str:
    if Kind.PADDED in facts.kinds:
        return f"leading zeros: {places(facts.tally(Kind.PADDED))}"
    if Kind.DECIMAL in facts.kinds:
        return f"as a double, large whole numbers would lose digits: {places(facts.tally(Trait.INEXACT))}"
    return f"whole numbers too large for 64 bits, so identifiers: {places(facts.tally(Trait.HUGE))}"


def _mixed(facts: Facts) -> str:
    """Return which values keep the column from its nearest type."""
    usual = facts.kinds[0]
    near = {Kind.INTEGER, Kind.DECIMAL} if usual in (Kind.INTEGER, Kind.DECIMAL) else {usual}
    others = sum((facts.tally(kind) for kind in facts.kinds if kind not in near), Tally())
    if 2 * others.count >= facts.values or usual is Kind.PADDED:
        return f"a mix: {', '.join(f'{kind.value} ({facts.tally(kind).count:,})' for kind in facts.kinds)}"
    if usual is Kind.TEXT:
        text = facts.tally(Kind.TEXT)
        return f"{text.count:,} of {facts.values:,} values are text: {places(text)}"
    noun = _noun(facts) if near & set(facts.kinds) > {usual} else usual
    verb = "is" if others.count == 1 else "are"
    name = _ONE[noun] if others.count == 1 else noun.value
    return f"{others.count:,} of {facts.values:,} values {verb} not {name}: {places(others)}"
