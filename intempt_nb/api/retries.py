"""Which requests may be sent again, and after how long. Pure functions, apart from the random part of a wait."""

from __future__ import annotations

import random
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from intempt_nb.display import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.api.answers import Answer

__all__ = ["RETRY_AFTER_CAP", "Failure", "backoff", "classify", "may_have_acted", "retry_delay"]

#: The longest wait, in seconds, that a server can ask for with ``Retry-After``; beyond it the call fails at once.
RETRY_AFTER_CAP: Final = 60.0

_BACKOFF_BASE: Final = 0.5
_BACKOFF_CAP: Final = 30.0

_REFUSED: Final = frozenset({429, 503})  # the server says that it did nothing
_FAILED: Final = frozenset({500, 501, 502, 504})  # it may have acted before it, or a gateway, failed


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without an answer.

    Parameters
    ----------
    reason
        What happened, in the words of the layer that noticed.
    sent
        Whether the request may have reached the server.
    retry
        Whether another attempt can have another outcome.
    """

    reason: str
    sent: bool
    retry: bool


def backoff(attempt: int) -> float:
    """Return seconds to wait before retry number `attempt` (from 0), with full jitter.

    A random time between zero and a bound that doubles from 0.5 s up to 30 s, so that clients which failed together do
    not come back together.
    """
    return random.uniform(0.0, min(_BACKOFF_CAP, _BACKOFF_BASE * 2**attempt))  # noqa: S311 - spreads load, hides nothing


def retry_delay(outcome: Answer | Failure, attempt: int, repeatable: bool) -> float | None:
    """Return the seconds to wait before the next attempt; None if there must not be one.

    Parameters
    ----------
    outcome
        What came of the last attempt; not a 2xx answer.
    attempt
        Its number, from 0.
    repeatable
        Whether the request may be carried out twice.
    """
    if isinstance(outcome, Failure):
        return backoff(attempt) if outcome.retry and (repeatable or not outcome.sent) else None
    if outcome.status not in _REFUSED and not (repeatable and outcome.status in _FAILED):
        return None
    asked = outcome.retry_after or 0.0
    return asked + backoff(attempt) if asked <= RETRY_AFTER_CAP else None


def may_have_acted(outcome: Answer | Failure) -> bool:
    """Return whether the server may have carried out a request that did not end in a 2xx answer."""
    return outcome.sent if isinstance(outcome, Failure) else outcome.status in _FAILED


def classify(error: BaseException) -> Failure:
    """Return what an exception of requests or urllib3 means for the request.

    Only what proves that nothing was sent counts as not sent. A ``ProxyError`` proves nothing: behind a proxy, urllib3
    raises it for answers that got lost, too.
    """
    import requests  # these are loaded by whoever has such an exception, and take long otherwise
    import urllib3

    chain = list(_nested(error))
    reason = shorten(str(chain[-1]) or type(chain[-1]).__name__, 200)
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
        return Failure(f"{reason}; name your organisation's CA bundle in REQUESTS_CA_BUNDLE", sent=False, retry=False)
    if any(isinstance(each, (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError)) for each in chain):
        return Failure(reason, sent=False, retry=False)
    # NewConnectionError (refused, unresolved) is a ConnectTimeoutError to urllib3.
    sent = not any(isinstance(each, urllib3.exceptions.ConnectTimeoutError) for each in chain)
    return Failure(reason, sent=sent, retry=True)


def _nested(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those it was made from.

    Its own attributes are followed, not ``__context__``, which may lead to exceptions of the caller's.
    """
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        made_from = (getattr(inner, "reason", None), getattr(inner, "original_error", None), *inner.args)
        inner = next((each for each in made_from if isinstance(each, BaseException)), None)
