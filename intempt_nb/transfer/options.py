"""What an upload is told: where the rows go, how they are cut into requests, what is sent for missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.display import shorten
from intempt_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from intempt_nb.codecs.wire.bodies import Nulls
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.keys import KeyRule

__all__ = ["Delivery", "Limits", "MissingValues", "OnUnknown", "Target", "UploadOptions"]

OnUnknown: TypeAlias = Literal["repost", "skip", "raise"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How rows are cut into requests.

    The defaults stay under what a public README of the vendor gives: 500 KB a batch, 32 KB an item.

    Parameters
    ----------
    batch_rows, batch_bytes
        The most rows and bytes of a request.
    item_bytes
        The most bytes of a row as JSON; a larger one is rejected.

    Raises
    ------
    ConfigurationError
        For a limit below 1.
    """

    batch_rows: int = 5_000
    batch_bytes: int = 480_000
    item_bytes: int = 32_000

    def __post_init__(self) -> None:
        for name in ("batch_rows", "batch_bytes", "item_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} is {value!r}; expected a whole number of at least 1")


@dataclass(frozen=True, slots=True)
class MissingValues:
    """What is sent for values that are missing, and for numbers that JSON has no word for.

    Parameters
    ----------
    nulls
        ``"explicit"`` sends null fields as ``null``, ``"omit"`` leaves them out.
    nan
        ``"reject"`` rejects rows with NaN or infinity, ``"null"`` takes these for null.

    Raises
    ------
    ConfigurationError
        For another word.
    """

    nulls: Nulls = "explicit"
    nan: Literal["reject", "null"] = "reject"

    def __post_init__(self) -> None:
        for name, words in (("nulls", ("explicit", "omit")), ("nan", ("reject", "null"))):
            value = getattr(self, name)
            if value not in words:
                raise ConfigurationError(f"{name} is {value!r}; expected {words[0]!r} or {words[1]!r}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How rows are brought to a server that does not answer.

    Parameters
    ----------
    on_unknown
        What to do with rows that were sent and whose answer never came: ``"repost"`` sends them again, which is
        harmless where the primary key makes them overwrite themselves; ``"skip"`` lists them and goes on; ``"raise"``
        stops.
    deadline
        Seconds that the whole upload may take; None for no limit.

    Raises
    ------
    ConfigurationError
        For another word, or a time that is not above zero.
    """

    on_unknown: OnUnknown = "repost"
    deadline: float | None = None

    def __post_init__(self) -> None:
        if self.on_unknown not in ("repost", "skip", "raise"):
            raise ConfigurationError(f"on_unknown is {self.on_unknown!r}; expected 'repost', 'skip' or 'raise'")
        if self.deadline is not None and not (isinstance(self.deadline, int | float) and self.deadline > 0):
            raise ConfigurationError(f"deadline is {self.deadline!r}; expected seconds above zero, or None")


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How rows are uploaded.

    Parameters
    ----------
    csv
        How a CSV file is written.
    missing
        What is sent for missing values.
    key
        How rows without a key get one.
    columns
        Column of the source → field, where that is said by hand; None leaves a column out.
    limits
        How rows are cut into requests.
    delivery
        What to do when no answer comes, and for how long.
    workers
        Requests under way at once.
    progress
        A bar on the terminal or in the notebook; None for where someone can see it.

    Raises
    ------
    ConfigurationError
        If there is no worker, or `limits` or `columns` are none.
    """

    csv: CsvOptions = field(default_factory=CsvOptions)
    missing: MissingValues = MissingValues()
    key: KeyRule = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    limits: Limits = Limits()
    delivery: Delivery = Delivery()
    workers: int = 1
    progress: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise ConfigurationError(f"limits is {self.limits!r}; expected inb.Limits(batch_rows=…, batch_bytes=…)")
        if not isinstance(self.columns, Mapping):
            raise ConfigurationError(f"columns is {shorten(self.columns)}; expected {{'column': 'field' or None}}")
        object.__setattr__(self, "columns", dict(self.columns))  # a retry follows it, too, whatever becomes of theirs
        whole = isinstance(self.workers, int) and not isinstance(self.workers, bool)
        if not (whole and self.workers >= 1):
            raise ConfigurationError(f"workers is {self.workers!r}; expected a whole number of at least 1")

    def deciding(self) -> dict[str, Any]:
        """Return what decides, beside the content and the target, what is sent: keyword arguments of an upload."""
        key = self.key if self.key is None or isinstance(self.key, str) else list(self.key)
        mapped = {"columns": dict(self.columns)} if self.columns else {}  # without it a run is what it was before
        return {**asdict(self.csv), **asdict(self.missing), "key": key, **mapped}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows go: a collection, and the fields of its primary identifier."""

    source_id: str
    collection_id: str
    collection: str
    schema: Schema
    key: tuple[str, ...]
