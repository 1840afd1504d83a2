"""What an upload is told: where the rows go, how they are cut into requests, what is sent for missing values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from intempt_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from intempt_nb.codecs.wire.bodies import Nulls
    from intempt_nb.schema.schema import Schema

__all__ = ["Limits", "MissingValues", "Target"]


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
class Target:
    """Where the rows go: a collection, and the fields of its primary identifier."""

    source_id: str
    collection: str
    schema: Schema
    key: tuple[str, ...]
