"""`identities`: the profiles of all sources, stitched into persons by the values of user identifiers."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from intempt_nb.analysis.linking.identity_report import IdentityReport, LargePerson, SharedValue, Stitched
from intempt_nb.analysis.linking.persons import Identities, Known, frame_of, names_of_profiles
from intempt_nb.analysis.linking.reading import collections_of, hubs_of, kinds_of, links_of, read
from intempt_nb.analysis.linking.stitching import Vocabulary, stitch
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from intempt_nb.analysis.linking.reading import Hub, Reading, ValueKind
    from intempt_nb.analysis.linking.stitching import Numbers
    from intempt_nb.client import Client
    from intempt_nb.handles import CollectionHandle, SourceHandle

    Pairs = tuple[Numbers, Numbers]

__all__ = ["IdentityWarning", "identities"]

MANY = 100
"""A person of more profiles than this is warned of [ours]."""


class IdentityWarning(UserWarning):
    """Persons have so many profiles that they may well be several."""


def identities(
    where: Client | SourceHandle | CollectionHandle | Sequence[Client | SourceHandle | CollectionHandle],
    *,
    match: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    most: int | None = None,
) -> Identities:
    """Stitch the profiles of all sources into persons, as the platform does: by equal values of user identifiers.

    A user identifier "stitches profiles with the same value (e-mail, phone) across sources" (the API's reference). Its
    value may stand in the profile itself, or in an item that refers to the profile by a foreign identifier, such as a
    web source's ``identify`` events. Profiles that share a value are one person, and so are those that share one with
    them, however long the chain.

    Where the reference is silent, these are the rules here: values are compared between identifiers of the same name
    and types only, so that a phone number never meets an order number. They are compared exactly, upper and lower case
    too; spread over several fields, they are equal in each. A value that is missing, or blank text, stitches nothing.
    Collections that refer to two profiles stitch nothing, as it is not said whose the value is.

    Parameters
    ----------
    where
        The collections: all of a client or of a source, or those given.
    match
        Names of user identifiers, and what they are to be taken for: ``{"mail": "email"}``.
    ignore
        Values, as text, that are nobody's own: ``["info@shop.com"]``. They stitch nothing, nor does one that has them
        in one of its fields.
    most
        A value that more profiles than this have stitches nothing; None for no bound.

    Returns
    -------
    Identities
        ``frame``, ``report``, and ``attach(rows, collection)``. A person is called by one of its profiles: the first
        one by source, then by key as text, written ``source/key`` (``%`` and ``/`` in the source's name as ``%25`` and
        ``%2F``). The name depends on the profiles only, not on the order of the items; it changes if a profile that
        comes first is stitched to the person later.

    Raises
    ------
    DataError
        If there is no profile collection, or `match` or `most` cannot be used.
    ConfigurationError
        If scipy is not installed: the extra ``analysis``.

    Warns
    -----
    IdentityWarning
        If a person has more than 100 profiles.
    """
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise DataError(f"most is {most!r}; expected how many profiles may share a value, or None for any number")
    ignored = _texts(ignore)
    if match is not None and not (isinstance(match, Mapping) and all(isinstance(each, str) for each in match.values())):
        raise DataError(f"match is {match!r}; expected names and what they are taken for: match={{'mail': 'email'}}")
    collections = collections_of(where)
    hubs = hubs_of(collections)
    notes: list[str] = []
    kinds = _noted(kinds_of(collections, match or {}), notes)
    if not kinds:
        notes.append(
            "No collection has a user identifier, so that every profile is a person by itself. This makes one: "
            "collection.create_identifier('email', fields=['email'], type='user')."
        )
    readings = []
    for each in collections:
        links = links_of(each, hubs)
        if len(links) == 1 and (each.users or links[0][1].there is each):
            readings.append(read(*links[0], kinds, ignored))
        elif len(links) > 1 and each.users:
            notes.append(f"{each.name} refers to {len(links)} profiles, so that whose its values are is not said.")
        elif each.users and not links:
            notes.append(
                f"{each.name} has user identifiers, but none that refers to a profile, so that its values stitch "
                "nothing: create_identifier(…, type='foreign', references=profiles.primary) says whose they are."
            )
    return _stitched(hubs, kinds, readings, ignored, most, notes)


def _texts(ignore: Iterable[str]) -> tuple[str, ...]:
    if isinstance(ignore, str):
        raise DataError(f"ignore is the text {ignore!r}; expected a list of values: ignore=[{ignore!r}]")
    values = tuple(ignore)
    for each in values:
        if not isinstance(each, str):
            raise DataError(f"ignore has {each!r}; expected values as text: {str(each)!r}")
    return values


def _noted(kinds: list[ValueKind], notes: list[str]) -> list[ValueKind]:
    for name, count in Counter(kind.name for kind in kinds).items():
        if count > 1:
            where = "; ".join(
                ", ".join(sorted(each.name for each, _ in kind.members)) for kind in kinds if kind.name == name
            )
            notes.append(f"{name} is of {count} different types, which are not compared: {where}.")
    return kinds


def _stitched(
    hubs: list[Hub],
    kinds: list[ValueKind],
    readings: list[Reading],
    ignored: tuple[str, ...],
    most: int | None,
    notes: list[str],
) -> Identities:
    profiles, values = _profiles(hubs, readings), _values(kinds, readings)
    found = [_Numbered.of(each, profiles, values) for each in readings]
    count, size = profiles[-1].end, values[-1].end if values else 0
    pairs = _pairs(found, size)
    shares = np.bincount(pairs[1], minlength=size)
    fine = np.ones(size, bool) if most is None else shares <= most
    pairs = pairs[0][fine[pairs[1]]], pairs[1][fine[pairs[1]]]
    holders = np.full(size, -1)
    holders[pairs[1]] = pairs[0]
    known = Known(tuple(hubs), profiles, tuple(kinds), values, stitch(count, *pairs), holders, ignored)
    stored = np.zeros(count, bool)
    for each in found:
        if each.reading.own:
            stored[each.profiles[each.profiles >= 0]] = True
    sizes = np.bincount(known.persons, minlength=count)
    report = IdentityReport(
        profiles=count,
        persons=int(np.count_nonzero(sizes)),
        unstored=int(np.count_nonzero(~stored)),
        sizes=dict(sorted(Counter(sizes[sizes > 0].tolist()).items())),
        stitched=tuple(each for one in found for each in one.brought(kinds)),
        shared=_shared(known, np.where(fine, shares, 0)),
        refused=_shared(known, np.where(fine, 0, shares)),
        largest=_largest(known, sizes, pairs),
        notes=tuple(notes),
    )
    _warn(report)
    return Identities(frame_of(known, stored), report, known)


@dataclass(frozen=True, slots=True, eq=False)
class _Numbered:
    """What a collection says, by numbers; -1 for nothing."""

    reading: Reading
    profiles: Numbers
    values: tuple[Numbers, ...]

    @classmethod
    def of(cls, reading: Reading, profiles: Sequence[Vocabulary], values: Sequence[Vocabulary]) -> _Numbered:
        theirs = (values[column.kind].numbers(column.texts) for column in reading.values)
        return cls(reading, profiles[reading.hub].numbers(reading.profiles), tuple(theirs))

    def brought(self, kinds: Sequence[ValueKind]) -> Iterator[Stitched]:
        """Yield what each user identifier brought."""
        record = self.reading.collection.collection.record
        where = f"{record.source_name or record.source_id}/{record.name}"
        for column, values in zip(self.reading.values, self.values, strict=True):
            different = int(np.count_nonzero(np.bincount(values[values >= 0])))
            yield Stitched(kinds[column.kind].name, where, len(self.profiles), column.blanks, different)


def _profiles(hubs: list[Hub], readings: list[Reading]) -> tuple[Vocabulary, ...]:
    """Return the profiles of each profile collection, numbered in the order by which persons are called."""
    found: list[Vocabulary] = []
    for at in range(len(hubs)):
        start = found[-1].end if found else 0
        found.append(Vocabulary.of((each.profiles for each in readings if each.hub == at), start))
    return tuple(found)


def _values(kinds: list[ValueKind], readings: list[Reading]) -> tuple[Vocabulary, ...]:
    found: list[Vocabulary] = []
    for at in range(len(kinds)):
        texts = (column.texts for each in readings for column in each.values if column.kind == at)
        found.append(Vocabulary.of(texts, found[-1].end if found else 0))
    return tuple(found)


def _pairs(found: list[_Numbered], size: int) -> Pairs:
    """Return which profiles have which values, each pair once; `size` is how many values there are."""
    pairs = [np.zeros(0, np.int64)]
    for each in found:
        for values in each.values:
            both = (each.profiles >= 0) & (values >= 0)
            pairs.append(each.profiles[both] * size + values[both])  # fewer than 2**63, as they fit in memory
    ordered = np.sort(np.concatenate(pairs))
    once = ordered[np.diff(ordered, prepend=-1) != 0]
    return once // max(size, 1), once % max(size, 1)


def _shared(known: Known, shares: Numbers) -> tuple[SharedValue, ...]:
    """Return the values that the most profiles have, of those that several have."""
    most = [at for at in _top(shares) if shares[at] > 1]
    return tuple(_value(known, at, int(shares[at])) for at in most)


def _top(counts: Numbers) -> list[int]:
    """Return the places of the five highest counts, the first ones first among equals."""
    least = np.partition(counts, -5)[-5] if len(counts) > 5 else 0
    places = np.flatnonzero(counts >= least)
    top: list[int] = places[np.argsort(-counts[places], kind="stable")][:5].tolist()
    return top


def _value(known: Known, at: int, profiles: int) -> SharedValue:
    kind = next(place for place, values in enumerate(known.values) if at < values.end)
    values = known.values[kind]
    return SharedValue(known.kinds[kind].name, values.texts[at - values.start].as_py(), profiles)


def _largest(known: Known, sizes: Numbers, pairs: Pairs) -> tuple[LargePerson, ...]:
    """Return the persons of the most profiles, each with the value that the most of these have."""
    found = []
    names = names_of_profiles(known)
    for at in _top(sizes):
        shares = np.bincount(pairs[1][known.persons[pairs[0]] == at])
        if sizes[at] > 1:
            widest = int(shares.argmax())
            value = _value(known, widest, int(shares[widest]))
            found.append(LargePerson(names[at].as_py(), int(sizes[at]), value))
    return tuple(found)


def _warn(report: IdentityReport) -> None:
    large = [each for each in report.largest if each.profiles > MANY]
    if large:
        values = [each.value.value for each in large if each.value.profiles > MANY]
        advice = f": ignore={values!r}, or most={MANY}" if values else f", by ignore=[…] or most={MANY}, for example"
        warnings.warn(
            f"these may be several persons: {'; '.join(map(str, large))}. Leave out what is nobody's own{advice}",
            IdentityWarning,
            stacklevel=4,
        )
