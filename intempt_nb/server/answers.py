"""What the server says: JSON answers, and the one error that becomes an error answer.

Every error body is ``{"status": int, "error": str, "message": str}`` [ios], with ``errors`` beside it where items were
refused [ours].
"""

from __future__ import annotations

from http import HTTPStatus
from json import JSONEncoder
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["HttpError", "error_answer", "forbidden", "invalid", "json_answer", "not_found", "text_answer", "to_json"]

_ENCODER = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
to_json = _ENCODER.encode
"""Compact JSON text, key order as given, numbers as Python repeats them."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class HttpError(Exception):
    """A request that is not granted; becomes the answer.

    Parameters
    ----------
    status
        HTTP status.
    message
        What was wrong, where, and what to do.
    errors
        The refused items, each ``{collection, index, field, message}``.
    headers
        Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers


def invalid(message: str) -> HttpError:
    """Return the error for a request that breaks a rule (400)."""
    return HttpError(400, message)


def forbidden(message: str) -> HttpError:
    """Return the error for a key that may not do this (403)."""
    return HttpError(403, message)


def not_found(what: str, name: object) -> HttpError:
    """Return the error for a thing that does not exist (404)."""
    return HttpError(404, f"there is no {what} {name!r} here")


def text_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose JSON text is already there."""
    return Response(text.encode(), status, {**_HEADERS, **(headers or {})}, "application/json")


def json_answer(value: Any, status: int = 200) -> Response:
    """Return an answer with `value` as JSON."""
    return text_answer(to_json(value), status)


def error_answer(error: HttpError) -> Response:
    """Return the answer for an error."""
    body = {"status": error.status, "error": HTTPStatus(error.status).phrase, "message": error.message}
    if error.errors:
        body["errors"] = list(error.errors)
    return text_answer(to_json(body), error.status, error.headers)
