"""What the explorer asks of the server: never more than its parts show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from intempt_nb.errors import IntemptError
from intempt_nb.profiling.profile import profile
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from intempt_nb.api.resources import Identifier, Relation
    from intempt_nb.client import Client
    from intempt_nb.handles import CollectionHandle, SourceHandle
    from intempt_nb.profiling.profile import Profile
    from intempt_nb.schema.mapping.pandas import DtypeBackend

    IsWanted = Callable[[], bool]

__all__ = [
    "FIRST_ROWS",
    "MOST_ASKED",
    "SAMPLE_ROWS",
    "Branch",
    "Links",
    "load",
    "read_links",
    "read_profile",
    "read_rows",
    "read_tree",
]

FIRST_ROWS = 20
SAMPLE_ROWS = 10_000
MOST_ASKED = 200
"""Collections that are asked for what refers to one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A source and its collections.

    Parameters
    ----------
    source
        The source.
    collections
        What it has.
    problem
        Why that is not known; None if it is.
    """

    source: SourceHandle
    collections: tuple[CollectionHandle, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """What leads from a collection to others, and from others to it.

    Parameters
    ----------
    identifiers, relations
        Its own.
    targets
        The primary identifiers that its own refer to, by id, with the collection each belongs to.
    referrers
        The identifiers of others that refer to its primary one.
    asked, others
        How many of how many other collections were asked.
    refused
        How many of them did not answer.
    """

    identifiers: tuple[Identifier, ...]
    relations: tuple[Relation, ...]
    targets: Mapping[str, tuple[CollectionHandle, Identifier]]
    referrers: tuple[tuple[CollectionHandle, Identifier], ...]
    asked: int = 0
    others: int = 0
    refused: int = 0


def read_tree(client: Client, is_wanted: IsWanted) -> tuple[Branch, ...]:
    """Return all sources with their collections; one that may not be read does not hide the others."""

    def branches() -> Iterator[Branch]:
        for source in client.sources.values():
            if not is_wanted():
                return
            try:
                yield Branch(source, tuple(source.collections.values()))
            except IntemptError as error:
                yield Branch(source, problem=str(error))

    return tuple(branches())


def read_rows(collection: CollectionHandle) -> pa.Table:
    """Return the first rows."""
    return collection.scan(limit=FIRST_ROWS).to_arrow()


def read_profile(collection: CollectionHandle, is_wanted: IsWanted) -> Profile:
    """Return a profile of the first rows."""
    scan = collection.scan(limit=SAMPLE_ROWS)
    batches = (batch for batch in scan.to_batches() if _go_on(is_wanted))
    return profile(pa.RecordBatchReader.from_batches(scan.arrow_schema, batches))


def read_links(collection: CollectionHandle, known: Sequence[CollectionHandle], is_wanted: IsWanted) -> Links:
    """Return what leads from a collection to others and back.

    Parameters
    ----------
    collection
        The collection.
    known
        All collections. No call tells what refers to one of them, so each of the others is asked.
    is_wanted
        Whether to go on.
    """
    own = tuple(collection.identifiers.values())
    relations = tuple(collection.relations.values())
    keys = {each.id for each in own if each.type == "primary"}
    wanted = {each.reference_id for each in own if each.reference_id is not None}
    targets = {each.id: (collection, each) for each in own if each.id in wanted}
    if not keys and wanted <= targets.keys():
        return Links(own, relations, targets, ())
    others = [each for each in known if each.id != collection.id]
    others.sort(key=lambda each: each.record.source_id != collection.record.source_id)  # its own source's first
    referrers = []
    refused = 0
    for other in others[:MOST_ASKED]:
        _go_on(is_wanted)
        try:
            identifiers = other.identifiers.values()
        except IntemptError:
            refused += 1
            continue
        targets |= {each.id: (other, each) for each in identifiers if each.id in wanted}
        referrers += [(other, each) for each in identifiers if each.reference_id in keys]
    return Links(own, relations, targets, tuple(referrers), min(len(others), MOST_ASKED), len(others), refused)


def load(
    collection: CollectionHandle,
    columns: Sequence[str] | None,
    limit: int | None,
    dtype_backend: DtypeBackend,
    is_wanted: IsWanted,
    progress: Callable[[int], None],
) -> pd.DataFrame:
    """Return what ``collection.load`` does, and say meanwhile how many rows have come."""
    scan = collection.scan(columns, limit)
    batches = []
    rows = 0
    for batch in scan.to_batches():
        _go_on(is_wanted)
        batches.append(batch)
        rows += len(batch)
        progress(rows)
    return to_frame(pa.Table.from_batches(batches, scan.arrow_schema), dtype_backend)


class DroppedError(IntemptError):
    """Nobody waits for the result any more; never shown."""


def _go_on(is_wanted: IsWanted) -> bool:
    if not is_wanted():
        raise DroppedError("no longer wanted")
    return True
