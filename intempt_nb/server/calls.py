"""`Call`: a request as the handlers see it, its key already checked; and the readers of JSON bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from intempt_nb.display import shorten
from intempt_nb.server.answers import invalid, not_found
from intempt_nb.server.ids import parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.server.access import Access
    from intempt_nb.server.hal import Hal
    from intempt_nb.server.store import Store
    from intempt_nb.server.tables import Collection, Identifier, Source, Transaction

__all__ = ["Call", "read_flag", "read_id", "read_json", "read_optional_text", "read_text"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Parameters
    ----------
    store
        What it is about.
    hal
        Builds the answer.
    access
        What its key opens.
    path
        The parameters in the path.
    query
        The parameters behind the question mark.
    body
        As it came.
    """

    store: Store
    hal: Hal
    access: Access
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, Any]:
        """Return the body, which has to be a JSON object."""
        value = read_json(self.body)
        if not isinstance(value, dict):
            raise invalid(f"the body is {_kind(value)}; expected a JSON object")
        return value

    def path_id(self, parameter: str) -> int:
        """Return an id in the path, whose parameters are named for what they are ids of."""
        found = parse_id(self.path[parameter])
        if found is None:
            raise not_found(parameter, self.path[parameter])
        return found

    def query_id(self, parameter: str) -> int | None:
        """Return an id behind the question mark, None if it is not asked for."""
        value = self.query.get(parameter)
        found = parse_id(value)
        if value is not None and found is None:
            raise invalid(f"'{parameter}': {shorten(value)!r} is not an id")
        return found

    def visible_source(self, asked: int | None = None) -> int | None:
        """Return the source a listing is limited to: the one asked for, or the one the key belongs to."""
        if asked is not None:
            self.access.require(asked)
        return asked if asked is not None else self.access.source_id

    def source(self, tx: Transaction) -> Source:
        """Return the source that the path names."""
        source_id = self.path_id("source")
        source = tx.source(source_id)
        if source is None:
            raise not_found("source", str(source_id))
        self.access.require(source_id)
        return source

    def collection(self, tx: Transaction) -> Collection:
        """Return the collection that the path names."""
        collection_id = self.path_id("collection")
        collection = tx.collection(collection_id)
        if collection is None:
            raise not_found("collection", str(collection_id))
        self.access.require(collection.source_id)
        return collection

    def identifier(self, tx: Transaction) -> Identifier:
        """Return the identifier that the path names."""
        identifier_id = self.path_id("identifier")
        identifier = tx.identifier(identifier_id)
        if identifier is None:
            raise not_found("identifier", str(identifier_id))
        self.access.require(identifier.source_id)
        return identifier


def _refuse_constant(name: str) -> NoReturn:
    raise invalid(f"the body has {name}, which is no JSON; leave the value out, or send null")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def read_json(body: bytes) -> Any:
    """Return the decoded JSON of a body.

    Raises
    ------
    HttpError
        400 for what is not UTF-8, not JSON, NaN, Infinity, or half of a surrogate pair.
    RecursionError
        For what is nested too deeply, here or wherever it is followed; the application answers that with a 400.
    """
    if not body:
        raise invalid("the body is empty; expected JSON")
    try:
        value = _DECODER.decode(body.decode())
        if b"\\ud" in body or b"\\uD" in body:
            # Half of a pair decodes, and fails only when it is stored: not Unicode text, so not an Avro string.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise invalid("the body has half of a surrogate pair in a text; send whole characters") from None
    except UnicodeDecodeError as error:
        raise invalid(f"the body is not UTF-8, byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise invalid(f"the body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise invalid(f"the body is not usable JSON: {shorten(error)}") from None
    return value


def read_text(body: Mapping[str, Any], key: str) -> str:
    """Return a text of a body that has to be there and say something."""
    if key not in body:
        raise invalid(f"'{key}' is missing; expected text")
    value = body[key]
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"'{key}' is {shorten(json.dumps(value))}; expected text that is not empty")
    return value


def read_optional_text(body: Mapping[str, Any], key: str) -> str | None:
    """Return a text of a body, None if it is absent or null."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise invalid(f"'{key}' is {shorten(json.dumps(value))}; expected text")
    return value


def read_flag(body: Mapping[str, Any], key: str, default: bool = False) -> bool:
    """Return a flag of a body."""
    value = body.get(key, default)
    if not isinstance(value, bool):
        raise invalid(f"'{key}' is {shorten(json.dumps(value))}; expected true or false")
    return value


def read_id(body: Mapping[str, Any], key: str) -> int:
    """Return an id of a body; text or a number, as the API takes both."""
    if key not in body:
        raise invalid(f"'{key}' is missing; expected an id")
    found = parse_id(body[key])
    if found is None:
        raise invalid(f"'{key}' is {shorten(json.dumps(body[key]))}; expected an id: text of digits, or an integer")
    return found


def _kind(value: Any) -> str:
    match value:
        case list():
            return "a list"
        case str():
            return "text"
        case None:
            return "null"
        case _:
            return f"{shorten(json.dumps(value))}"
