"""Every error this package raises on purpose.

::

    IntemptError
    ├── ConfigurationError            a setting, key or address that cannot be used
    ├── SchemaError (ValueError)      all problems of a schema, each with a JSON pointer
    ├── DataError (ValueError)        a value, row or file that cannot be used
    ├── ApiError                      the server answered with an error
    │   ├── AuthenticationError       401
    │   ├── PermissionDeniedError     403
    │   ├── NotFoundError (KeyError)  404, 410, or a name that a mapping does not hold
    │   ├── RejectedError             400 and the other refusals (405, 406, 409, 413, 422)
    │   ├── RateLimitedError          429
    │   └── ServerError               500 and above
    ├── DeliveryUnknownError          sent, but no answer came: the server may or may not have it
    ├── TransportError                no connection, an unusable answer, a redirect
    └── UploadError                   an upload cannot go on: its journal, its time, its source

    UploadInterrupted (KeyboardInterrupt)  Ctrl-C during an upload

A message says what was wrong, where, and what to do. None ever holds the API key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConfigurationError",
    "DataError",
    "DeliveryUnknownError",
    "IntemptError",
    "NotFoundError",
    "PermissionDeniedError",
    "Problem",
    "RateLimitedError",
    "RejectedError",
    "SchemaError",
    "ServerError",
    "TransportError",
    "UploadError",
    "UploadInterrupted",
    "suggest",
]


def suggest(name: str, available: Iterable[str]) -> str:
    """Return the end of a not-found message: a near miss and what there is.

    Parameters
    ----------
    name
        What was asked for.
    available
        The names that exist; at most twelve are listed.

    Returns
    -------
    str
        For example ``"; did you mean 'string'? Available: bytes, string"``; empty if there is nothing to say.
    """
    names = [_cut(str(each)) for each in available]
    near = get_close_matches(str(name), names, n=1)
    text = f"; did you mean {near[0]!r}?" if near else ""
    if not names:
        return text
    shown = ", ".join(names[:12]) + (f" … and {len(names) - 12} more" if len(names) > 12 else "")
    return f"{text}{'' if near else '.'} Available: {shown}"


def _cut(name: str, limit: int = 60) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


class IntemptError(Exception):
    """The root of all errors of this package.

    Attributes
    ----------
    report
        What an upload had done when this ended it (an `UploadReport`); None elsewhere.
    """

    report: Any = None


class ConfigurationError(IntemptError):
    """A setting, an API key or an address that cannot be used as given."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a schema.

    Parameters
    ----------
    path
        JSON pointer (RFC 6901) into the schema text, for example ``/fields/2/type``; empty for the whole.
    message
        What was found and what was expected.
    """

    path: str
    message: str

    def __str__(self) -> str:
        """Return ``path: message``."""
        return f"{self.path or '/'}: {self.message}"


class SchemaError(IntemptError, ValueError):
    """A schema that cannot be used; holds every problem, not only the first.

    Parameters
    ----------
    problems
        All that is wrong, in document order; never empty.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return a line for each problem."""
        if len(self.problems) == 1:
            return str(self.problems[0])
        return f"{len(self.problems)} problems:\n" + "\n".join(f"  {problem}" for problem in self.problems)


@dataclass(eq=False)
class DataError(IntemptError, ValueError):
    """A value, row, column or file that cannot be used.

    Parameters
    ----------
    message
        What was wrong and what to do.
    row
        Where: the row as its source numbers it; None if the whole is meant.
    field
        Where: the field path, for example ``pageUrl.port``; None if the whole is meant.
    value
        What was found, as text, cut to a readable length.
    expected
        What would have been right.
    """

    message: str
    row: int | None = None
    field: str | None = None
    value: str | None = None
    expected: str | None = None

    def __str__(self) -> str:
        """Return the message behind its place, if it has one."""
        place = [f"row {self.row}"] if self.row is not None else []
        place += [f"field {self.field!r}"] if self.field is not None else []
        return f"{', '.join(place)}: {self.message}" if place else self.message


@dataclass(eq=False)
class ApiError(IntemptError):
    """The server refused a request.

    Parameters
    ----------
    message
        What the server said, or what this package can say in its place.
    status
        HTTP status; None where no request was made (a mapping that lacks a name).
    method, path
        The request's method and URL path; never its headers.
    body
        The decoded JSON body of the answer, if it was an object.
    retry_after
        Seconds the server asked to wait, if it did.
    """

    message: str
    status: int | None = None
    method: str | None = None
    path: str | None = None
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    retry_after: float | None = None

    def __str__(self) -> str:
        """Return the request, the status and the message."""
        request = f"{self.method} {self.path} → {self.status}: " if self.status is not None else ""
        return f"{request}{self.message}"


class AuthenticationError(ApiError):
    """The API key is missing, wrong or belongs to another source (401)."""


class PermissionDeniedError(ApiError):
    """The API key may not do this (403)."""


class NotFoundError(ApiError, KeyError):
    """There is no such thing (404, 410), or a mapping does not hold this name."""


class RejectedError(ApiError):
    """The server understood the request and does not take it (400 and other refusals)."""


class RateLimitedError(ApiError):
    """Too many requests (429), after all retries."""


class ServerError(ApiError):
    """The server failed (500 and above), after all retries."""


class TransportError(IntemptError):
    """No usable answer: no connection, a redirect, an address that gets no key, an answer that is not the API's."""


class DeliveryUnknownError(IntemptError):
    """The request was sent and no answer came, so the server may or may not have acted on it."""


class UploadError(IntemptError):
    """An upload cannot begin or go on; what was sent is known, and the same call goes on from there."""


class UploadInterrupted(KeyboardInterrupt):
    """Ctrl-C during an upload; the same call goes on from where it came to.

    Attributes
    ----------
    report
        What the upload had done (an `UploadReport`).
    """

    report: Any = None
