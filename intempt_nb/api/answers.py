"""What the server answered: its JSON, its errors, and how long it asks to wait. Pure functions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.api.origin import Origin
from intempt_nb.display import shorten
from intempt_nb.errors import (
    ApiError,
    AuthenticationError,
    DeliveryUnknownError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
    ServerError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Answer", "decode", "error_for_status", "object_text", "parse_retry_after", "scrub_body"]

_MESSAGE_LIMIT: Final = 500

_ERRORS: Final[dict[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitedError,
}

_ADVICE: Final = {
    401: "check the API key; a key belongs to one source",
    403: "use the API key of the source that owns this; a key belongs to one source",
    404: "check the id, and the organisation's name",
    410: "it was deleted",
    413: "send fewer rows at once",
    429: "wait, or send fewer requests at once",
}
_SERVER_ADVICE: Final = "try again later; a request that changes something may have taken effect all the same"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end.

    Parameters
    ----------
    method, path
        What was requested; the path without its query.
    status
        HTTP status.
    headers
        The headers, their names in lower case; never shown by ``repr``.
    body
        The decompressed body; never shown by ``repr``, because a server may repeat the request in it.
    """

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """The seconds that it asks to wait, if it does; a date is counted from the answer's own, as clocks differ."""
        return parse_retry_after(self.headers.get("retry-after"), _date(self.headers.get("date")))


def error_for_status(answer: Answer) -> ApiError | TransportError:
    """Return the error that an answer's status stands for: the only place where one becomes the other.

    Parameters
    ----------
    answer
        An answer that is not 2xx. Its body's ``message``, or else its ``error``, becomes the error's message.

    Returns
    -------
    ApiError or TransportError
        For 4xx and 5xx the subclass of `ApiError` that :mod:`intempt_nb.errors` lists for the status. For 3xx a
        `TransportError`: redirects are not followed, because the API key belongs to one origin.
    """
    if answer.status < 400:
        return TransportError(
            f"{answer.method} {answer.path} → {answer.status}: the server redirects to "
            f"{_redirect_origin(answer.headers)}; redirects are not followed, check base_url"
        )
    error = _ERRORS.get(answer.status, ServerError if answer.status >= 500 else RejectedError)
    content = _object(answer.body) or {}
    return error(
        _message(content, answer.status),
        status=answer.status,
        method=answer.method,
        path=answer.path,
        body=content,
        retry_after=answer.retry_after,
    )


def decode(answer: Answer) -> dict[str, Any]:
    """Return the JSON object that a 2xx answer holds; integers keep all their digits.

    Raises
    ------
    TransportError
        It holds something else. The error shows nothing of the body.
    DeliveryUnknownError
        The same, after a request that changes something.
    """
    content = _object(answer.body)
    if content is None:
        raise _unusable(answer)
    return content


def object_text(answer: Answer) -> bytes:
    """Return the body of a 2xx answer without decoding it, if it begins as a JSON object does.

    That is enough to tell the pages of gateways and sign-in forms apart. Errors as :func:`decode` has them.
    """
    if not answer.body[:256].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        raise _unusable(answer)
    return answer.body


def parse_retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks to wait (RFC 9110 §10.2.3).

    Parameters
    ----------
    text
        Seconds or an HTTP date; None if there is no such header.
    now
        The time to count a date from, with a time zone; None for the present.

    Returns
    -------
    float or None
        Zero or more; None if there is no header or it cannot be read.
    """
    text = (text or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    date = _date(text)
    return None if date is None else max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def _date(text: str | None) -> datetime | None:
    """Return an HTTP date; None if it cannot be read."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def scrub_body(body: bytes, scrub: Callable[[str], str]) -> bytes:
    """Return an error's body with every text in it passed through `scrub`.

    JSON is decoded first, since a key may be written there with escapes.
    """
    try:
        return json.dumps(_scrub_value(json.loads(body), scrub)).encode()
    except (ValueError, RecursionError):
        return scrub(body.decode("utf-8", "replace")).encode()


def _scrub_value(value: object, scrub: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list):
        return [_scrub_value(each, scrub) for each in value]
    if isinstance(value, dict):
        return {scrub(name): _scrub_value(each, scrub) for name, each in value.items()}
    return value


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unusable(answer: Answer) -> TransportError | DeliveryUnknownError:
    got = f"{answer.headers.get('content-type', 'no content type')}, {len(answer.body)} bytes"
    said = f"{answer.method} {answer.path} → {answer.status}: not a JSON object: got {shorten(got)}"
    if answer.method == "GET":
        return TransportError(f"{said}; check base_url, and whether a gateway or sign-in page is in between")
    return DeliveryUnknownError(f"{said}, so it is not known whether the API has acted; look before you send it again")


def _message(content: Mapping[str, object], status: int) -> str:
    """Return the server's words on one line, followed by what to do."""
    said = next((text for text in (content.get("message"), content.get("error")) if isinstance(text, str)), "")
    words = shorten(" ".join(said.split()), _MESSAGE_LIMIT) or "the server gave no reason"
    advice = _ADVICE.get(status, _SERVER_ADVICE if status >= 500 else "")
    return f"{words} ({advice})" if advice else words


def _redirect_origin(headers: Mapping[str, str]) -> str:
    """Return where a redirect leads, without path and query: those may be somebody's secret."""
    location = headers.get("location")
    if location is None:
        return "nowhere"
    try:
        return shorten(str(Origin.of(location)))
    except ValueError:
        return "another address"
