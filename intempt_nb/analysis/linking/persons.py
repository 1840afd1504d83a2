"""`Identities`: which profiles are which person, and the persons of other rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.keys import fields_of
from intempt_nb.analysis.linking.declared import Declared, declared
from intempt_nb.analysis.linking.matching import frame_of_rows, key_columns
from intempt_nb.analysis.linking.reading import links_of, value_texts
from intempt_nb.analysis.linking.stitching import escaped, texts_of
from intempt_nb.api.resources import Identifier
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    from intempt_nb.analysis.linking.identity_report import IdentityReport
    from intempt_nb.analysis.linking.reading import Hub, ValueKind
    from intempt_nb.analysis.linking.stitching import Numbers, Vocabulary
    from intempt_nb.handles import CollectionHandle

__all__ = ["Identities", "Known", "frame_of", "names_of_profiles"]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Profiles and values by number.

    Parameters
    ----------
    hubs, profiles
        The profile collections, and the texts of the profiles in each.
    kinds, values
        The kinds of user identifiers, and the values of each.
    persons
        For each profile, the profile that its person is called by.
    holders
        For each value, a profile that has it; -1 for none.
    ignored
        Values that are nobody's.
    """

    hubs: tuple[Hub, ...]
    profiles: tuple[Vocabulary, ...]
    kinds: tuple[ValueKind, ...]
    values: tuple[Vocabulary, ...]
    persons: Numbers
    holders: Numbers
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Identities:
    """Persons: profiles of all sources, those of the same person under the same name.

    Parameters
    ----------
    frame
        A row for each profile, ordered by person, then source and profile: ``person``, ``source``, ``collection``,
        ``profile`` (all text: the profile's key; of a key of several fields, these joined by ``/``) and ``stored``
        (boolean: whether the profile collection has it, or other items only refer to it). No gaps.
    report
        How profiles became persons.
    """

    frame: pd.DataFrame
    report: IdentityReport
    _known: Known = field(repr=False)

    def attach(
        self,
        rows: Any,
        collection: CollectionHandle,
        *,
        identifier: Identifier | str | None = None,
        column: str = "person",
    ) -> pd.DataFrame:
        """Return rows of a collection with the persons they belong to.

        Parameters
        ----------
        rows
            A DataFrame, a scan or Arrow data; at least the fields of the identifier.
        collection
            Where they are from: a profile collection, one that refers to a profile, or one with a user identifier.
        identifier
            Which one to follow if there are several, or its name.
        column
            The name of the new column.

        Returns
        -------
        pandas.DataFrame
            The rows with a last column of text: null where the key or the value is missing, or nobody has the value. A
            profile that is not among the persons is one by itself, under the name that it would have there.

        Raises
        ------
        DataError
            If the collection leads to no profile, or in several ways; or the rows have such a column already.
        """
        here = declared(collection, "the rows come before it: attach(rows, collection)")
        frame = frame_of_rows(rows)
        if column in frame.columns:
            raise DataError(f"the rows have a column {column!r} already; choose another name: column=…", field=column)
        persons = _persons(self._known, frame, here, identifier)
        added = to_frame(pa.table({column: persons.cast(pa.string())})).set_axis(frame.index)
        return pd.concat([frame, added], axis=1)

    def __repr__(self) -> str:
        """Return the report."""
        return str(self.report)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


def frame_of(known: Known, stored: np.ndarray[Any, np.dtype[np.bool_]]) -> pd.DataFrame:
    """Return the table of persons."""
    order = pa.array(np.argsort(known.persons, kind="stable"))
    names = names_of_profiles(known)
    at = pa.array(np.repeat(np.arange(len(known.hubs)), [len(each) for each in known.profiles])).take(order)
    profiles = pa.chunked_array([each.texts for each in known.profiles], pa.large_string())
    table = {
        "person": names.take(pa.array(known.persons).take(order)),
        "source": pa.array([hub.label for hub in known.hubs], pa.large_string()).take(at),
        "collection": pa.array([hub.declared.name for hub in known.hubs], pa.large_string()).take(at),
        "profile": profiles.take(order),
        "stored": pa.array(stored).take(order),
    }
    kinds = {name: pa.string() for name in table} | {"stored": pa.bool_()}
    return to_frame(pa.table({name: column.cast(kinds[name]) for name, column in table.items()}))


def names_of_profiles(known: Known) -> pa.ChunkedArray:
    """Return the name of each profile: its source and its key."""
    return pa.chunked_array(
        [
            _named(hub.label, pa.chunked_array([each.texts])).combine_chunks()
            for hub, each in zip(known.hubs, known.profiles, strict=True)
        ],
        pa.large_string(),
    )


def _named(label: str, texts: pa.ChunkedArray) -> pa.ChunkedArray:
    source = escaped(pa.chunked_array([[label]], pa.large_string()))[0]
    return pc.binary_join_element_wise(source, texts, pa.scalar("/", pa.large_string()))


def _persons(known: Known, frame: pd.DataFrame, here: Declared, wanted: Identifier | str | None) -> pa.ChunkedArray:
    links = {link.identifier.id: (hub, link) for hub, link in links_of(here, known.hubs)}
    users = {each.id: at for each in here.users for at, kind in enumerate(known.kinds) if kind.holds(each)}
    chosen = _chosen(here, set(links) or set(users), {*links, *users}, wanted)
    keys = key_columns(frame, fields_of(chosen), here.schema, "the rows")
    names = names_of_profiles(known)
    if chosen.id in links:
        hub = links[chosen.id][0]
        texts = texts_of(keys)
        profiles = known.profiles[hub].numbers(texts)
        found = names.take(_places(profiles, known.persons))
        return pc.coalesce(found, _named(known.hubs[hub].label, texts))
    values = known.values[users[chosen.id]].numbers(value_texts(keys, known.ignored))
    return names.take(_places(_looked_up(values, known.holders), known.persons))


def _looked_up(at: Numbers, values: Numbers) -> Numbers:
    return np.where(at < 0, -1, values[np.maximum(at, 0)]) if len(values) else at


def _places(profiles: Numbers, persons: Numbers) -> pa.Array:
    found = _looked_up(profiles, persons)
    return pa.array(found, mask=found < 0)


def _chosen(here: Declared, usual: set[str], known: set[str], wanted: Identifier | str | None) -> Identifier:
    """Return the identifier to follow; without a word, one that holds a profile's key goes before a user identifier."""
    names = (wanted,) if isinstance(wanted, str) else ()
    if wanted is None:
        found = [each for each in here.identifiers if each.id in usual]
    else:
        ids = (wanted.id,) if isinstance(wanted, Identifier) else ()
        found = [each for each in here.identifiers if each.id in known and (each.id in ids or each.name in names)]
    if len(found) == 1:
        return found[0]
    if found:
        several = " or ".join(repr(each.name) for each in found)
        raise DataError(f"{here.name!r} leads to profiles in several ways; say which: identifier={several}")
    if wanted is None:
        raise DataError(f"{here.name!r} has no identifier of those that were stitched by. {here}")
    name = wanted.name if isinstance(wanted, Identifier) else wanted
    usable = [each.name for each in here.identifiers if each.id in known]
    raise DataError(f"{here.name!r} has no identifier {name!r} that leads to a profile{suggest(name, usable)}")
