"""What ``.option(…)`` says, checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from intempt_nb.api.origin import DEFAULT_BASE_URL
from intempt_nb.engines.places import Place
from intempt_nb.errors import ConfigurationError, suggest
from intempt_nb.handles import list_collections, list_sources
from intempt_nb.transfer.options import MissingValues, UploadOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.engines.pacing import SharedPace
    from intempt_nb.handles import CollectionHandle

__all__ = ["Home", "Settings"]

_OPTIONS: Final = (
    "collection", "source", "columns", "numPartitions", "key", "atLeastOnce", "onRejects", "nulls", "nan", "org",
    "baseUrl",
)  # fmt: skip
_KNOWN: Final = {each.lower(): each for each in _OPTIONS}
_SPARKS: Final = (
    "path", "checkpointlocation", "queryname", "provider", "owner", "comment", "location", "external",
)  # fmt: skip
"""What Spark and Sail themselves say of a write, a stream or an SQL table."""
_OPTION: Final = "option."
"""What Spark says the options of an SQL table with, besides saying them by themselves."""
_SECRETS: Final = ("apikey", "accesskey", "password", "secret", "token", "bearer", "authorization")
_TIMEOUT: Final = (10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Home:
    """What a registered data source knows of its driver; pickled with the class, so it holds no key.

    Parameters
    ----------
    place
        The server.
    pace
        One rate limit for all workers, and the driver's desk.
    """

    place: Place
    pace: SharedPace


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options of a reader or a writer say.

    Parameters
    ----------
    place, pace
        The server, and when requests may begin; no pace for what each worker's machine goes by.
    collection, source
        Names or ids; the source may be left out.
    columns
        To be read, in this order; None for all.
    partitions
        How many parts a collection is read in at most; None to go by the number of items.
    upload
        How rows are written.
    at_least_once
        Whether rows without keys are written all the same.
    rejects_fail
        Whether a write fails if rows were rejected.
    """

    place: Place
    pace: SharedPace | None
    collection: str
    source: str | None
    columns: tuple[str, ...] | None
    partitions: int | None
    upload: UploadOptions
    at_least_once: bool
    rejects_fail: bool

    @classmethod
    def of(cls, options: Mapping[str, str], home: Home | None) -> Settings:
        """Read options, whose names and words may be in any case.

        Raises
        ------
        ConfigurationError
            For an option that is missing, unknown, or has a value that cannot be used; for one that is named like a
            key, or holds this process's API key, as options end up in plans and logs.
        """
        given = {name.lower(): value for name, value in options.items()}
        _check_names(given)
        place = _place(given, home)
        _require_no_key(given, place)
        _require_own(given, home)
        if "collection" not in given:
            raise ConfigurationError(
                "no collection is named; add .option('collection', 'its name or id'). Spark does not pass on those of "
                "an SQL table: use CREATE TEMPORARY VIEW … USING intempt OPTIONS (collection '…')"
            )
        columns = given.get("columns")
        return cls(
            place=place,
            pace=None if home is None else home.pace,
            collection=given["collection"],
            source=given.get("source"),
            columns=None if columns is None else _names("columns", columns),
            partitions=_count(given),
            upload=UploadOptions(missing=_missing(given), key=_key(given.get("key")), progress=False),
            at_least_once=_one_of(given, "atLeastOnce", ("false", "true")) == "true",
            rejects_fail=_one_of(given, "onRejects", ("fail", "report")) == "fail",
        )

    def find(self) -> CollectionHandle:
        """Return the collection, asking the server.

        Raises
        ------
        NotFoundError
            If there is none of that name or id, or several; says what there is.
        """
        transport = self.place.connect()
        source = None if self.source is None else list_sources(transport).find(self.source)
        return list_collections(transport, source).find(self.collection)


def _check_names(given: Mapping[str, str]) -> None:
    for name in given:
        if name in _KNOWN or name in _SPARKS or name.startswith(_OPTION):
            continue
        plain = "".join(each for each in name if each.isalnum())
        if any(each in plain for each in _SECRETS):
            raise ConfigurationError(
                f"the option {name!r} is not for here: options end up in plans and event logs. {_KEYS}"
            )
        raise ConfigurationError(f"there is no option {name!r}{suggest(name, _OPTIONS)}")


_KEYS: Final = (
    "Workers take the API key from their environment variable INTEMPT_API_KEY or their keyring; see "
    "inb.engines.lend_key"
)


def _require_no_key(given: Mapping[str, str], place: Place) -> None:
    """Raise `ConfigurationError` if an option holds the key; says nothing of its value, nor do errors after this."""
    key = place.connect().key.reveal()
    for name, value in given.items():
        if key in value:
            raise ConfigurationError(
                f"the option {_KNOWN.get(name, name)!r} holds the API key, and options end up in plans and event logs: "
                f"if these are kept, have a new key made, as this one stands there. {_KEYS}"
            )


def _place(given: Mapping[str, str], home: Home | None) -> Place:
    if home is not None:
        return home.place
    if "org" not in given:
        raise ConfigurationError(
            "nothing says which organisation; call inb.engines.spark.register(spark, client) first, or add "
            ".option('org', …)"
        )
    return Place(given["org"], given.get("baseurl", DEFAULT_BASE_URL), _TIMEOUT)


def _require_own(given: Mapping[str, str], home: Home | None) -> None:
    own = {} if home is None else {"org": home.place.org, "baseurl": home.place.base_url}
    for name, value in own.items():
        if given.get(name, value) != value:
            raise ConfigurationError(
                f"{_KNOWN[name]} is {given[name]!r}, and the data source is registered for {value!r}; leave the "
                "option out, or register another client"
            )


def _names(option: str, text: str) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.split(",") if each.strip())
    if not names:
        raise ConfigurationError(f"the option {option} is {text!r}; expected names of columns, 'a,b'")
    twice = [each for each, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigurationError(f"the option {option} names the column {twice[0]!r} more than once; name it once")
    return names


def _key(text: str | None) -> str | tuple[str, ...] | None:
    return text if text is None or text in ("content", "row") else _names("key", text)


def _missing(given: Mapping[str, str]) -> MissingValues:
    nulls = _one_of(given, "nulls", ("explicit", "omit"))
    return MissingValues(nulls, _one_of(given, "nan", ("reject", "null")))  # type: ignore[arg-type]  # these very words


def _one_of(given: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """Return an option's word in lower case; the first of the words if it is not given."""
    value = given.get(name.lower(), words[0])
    if value.lower() not in words:
        raise ConfigurationError(f"the option {name} is {value!r}{suggest(value, words)}")
    return value.lower()


def _count(given: Mapping[str, str]) -> int | None:
    text = given.get("numpartitions")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise ConfigurationError(f"the option numPartitions is {text!r}; expected a whole number of at least 1")
    return int(text)
