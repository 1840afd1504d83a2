"""The HTTP boundary: a key bound to one origin, time-outs, retries, statuses turned into errors.

Every frame that ``requests`` opens holds the request's headers, and verbose tracebacks print them. So its exceptions
are turned into values where they are caught, and what is raised from here carries none of its frames or causes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar
from weakref import WeakSet

import requests
import urllib3
from requests.utils import get_environ_proxies

from intempt_nb._version import __version__
from intempt_nb.api.answers import Answer, decode, error_for_status, object_text, scrub_body
from intempt_nb.api.downloads import Broken, Place, read_until
from intempt_nb.api.origin import ApiRoot
from intempt_nb.api.retries import Failure, classify, may_have_acted, retry_delay
from intempt_nb.api.sessions import KeyHeader, PlainSession
from intempt_nb.errors import ConfigurationError, DataError, DeliveryUnknownError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from intempt_nb.api.credentials import Secret
    from intempt_nb.errors import ApiError, IntemptError

__all__ = ["Transport"]

T = TypeVar("T")

_log: Final = logging.getLogger("intempt_nb.api")
_CHUNK: Final = 1 << 20


class Transport:
    """A connection to one organisation's API, for any number of threads.

    Requests go to the origin of `base_url` only: links to elsewhere and redirects are refused, and nothing is sent to
    where they lead. Proxies and CA bundles of the environment (``HTTPS_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``,
    ``CURL_CA_BUNDLE``) are read once, here; a proxy is never used for this machine, ``.netrc`` never.

    Retried, after a wait with full jitter:

    - a connection that could not be made, and 429 and 503 (after ``Retry-After``, if there is one): nothing was done;
    - 500 to 504 and answers that got lost: for ``GET``, ``PUT`` and calls marked ``idempotent``. Any other request may
      have been carried out already, and a second one would create a second thing. This includes ``DELETE``: a repeat
      answers 404 and hides that the first one worked.

    Parameters
    ----------
    base_url
        Where the API is; https, or http for this machine.
    org
        The organisation.
    key
        The API key, see :func:`intempt_nb.api.credentials.resolve_key`.
    timeout
        Seconds to wait for a connection and for each part of an answer: one number for both, or two.
    retries
        How often a request is repeated at most; 0 for never.

    Raises
    ------
    ConfigurationError
        One of the arguments, or the CA bundle of the environment, cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        org: str,
        key: Secret,
        *,
        timeout: float | tuple[float, float] = (10.0, 60.0),
        retries: int = 5,
    ) -> None:
        self._root = ApiRoot.parse(base_url, org)
        self._key = key
        self._timeout = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        if not all(isinstance(seconds, int | float) and seconds > 0 for seconds in self._timeout):
            raise ConfigurationError(f"timeout must be seconds above zero, not {timeout!r}")
        if retries < 0:
            raise ConfigurationError(f"retries must be zero or more, not {retries!r}")
        self._retries = retries
        self._proxies = {} if self._root.origin.is_loopback else get_environ_proxies(str(self._root.origin))
        self._verify = _ca_bundle()
        self._local = threading.local()
        self._sessions: WeakSet[requests.Session] = WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        self._sleep = time.sleep

    @property
    def org(self) -> str:
        """The organisation."""
        return self._root.org

    @property
    def base_url(self) -> str:
        """Where the API is, without a slash at its end."""
        return f"{self._root.origin}{self._root.prefix}"

    @property
    def key(self) -> Secret:
        """The API key, which shows itself as ``***``."""
        return self._key

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to wait for a connection, and for each part of an answer."""
        return self._timeout

    @property
    def closed(self) -> bool:
        """Whether it was closed: requests fail then."""
        return self._closed

    def get_json(self, href: str, params: Mapping[str, str | int | None] | None = None) -> dict[str, Any]:
        """Return the JSON object at a path or link; see :meth:`request` for arguments and errors."""
        return decode(self.request("GET", href, params=params))

    def get_chunks(self, href: str, params: Mapping[str, str | int | None] | None = None) -> Iterator[bytes]:
        """Yield the body at a path or link while it arrives, decompressed; only its start is checked to be JSON.

        The request is sent when the first part is taken. A download that breaks off is begun again, where
        :meth:`request` would repeat it, and goes on where it had come to if the server still gives the same there.

        Yields
        ------
        bytes
            Up to 1 MiB.

        Raises
        ------
        ApiError, TransportError
            As :meth:`request`, also in the middle; and if what a repeat gives is not what came before.
        """
        url, path = self._address(href, params)
        place = Place()
        attempt = 0
        while True:
            try:
                yield from place.beyond(self._chunks(url, path))
            except Broken as broken:
                outcome = broken.outcome
            else:
                return
            delay = retry_delay(outcome, attempt, repeatable=True) if attempt < self._retries else None
            if delay is None:
                raise self._given_up("GET", path, outcome, uncertain=False)
            self._sleep(delay)
            attempt += 1

    def post_json(self, href: str, value: object, *, idempotent: bool = False) -> dict[str, Any]:
        """Post `value` as JSON and return the answer's JSON object.

        Raises
        ------
        DataError
            `value` has no JSON form.
        """
        return decode(self.request("POST", href, body=_encode(value), idempotent=idempotent))

    def attempt(self, href: str, body: bytes, within: float | None = None) -> Answer | Failure:
        """Post ready-made JSON once and return what came of it; for a caller that paces and repeats by itself.

        Parameters
        ----------
        href, body
            As :meth:`request` has them.
        within
            Seconds that the request may take in all; also connecting and each part of the answer, if that is less than
            the transport's own.

        Returns
        -------
        Answer or Failure
            An answer of any status; a 2xx one is empty or begins as a JSON object does, so that the page of a gateway
            does not pass for the API's: that is a failure, and the request may have been carried out.
        """
        url, path = self._address(href)
        outcome = self._attempt("POST", url, path, body, within)
        if not isinstance(outcome, Answer) or not outcome.ok or not outcome.body:
            return outcome
        try:
            object_text(outcome)
        except DeliveryUnknownError as error:
            return Failure(str(error), sent=True, retry=True)
        return outcome

    def error_of(self, href: str, outcome: Answer | Failure, *, uncertain: bool) -> IntemptError:
        """Return the error for a post that :meth:`attempt` made and that is not repeated any more.

        Parameters
        ----------
        href, outcome
            Of the last attempt.
        uncertain
            Whether one of the attempts may have been carried out.
        """
        return self._given_up("POST", self._address(href)[1], outcome, uncertain=uncertain)

    def put_json(self, href: str, value: object) -> dict[str, Any]:
        """Put `value` as JSON and return the answer's JSON object; `DataError` as in :meth:`post_json`."""
        return decode(self.request("PUT", href, body=_encode(value), idempotent=True))

    def delete(self, href: str) -> dict[str, Any] | None:
        """Delete and return the deleted object; None if the server answers without one."""
        answer = self.request("DELETE", href)
        return decode(answer) if answer.body else None

    def request(
        self,
        method: str,
        href: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        body: bytes | None = None,
        idempotent: bool = False,
    ) -> Answer:
        """Send a request, repeat it where that is safe, and return the answer, which is 2xx.

        Parameters
        ----------
        method
            HTTP method, in capitals.
        href
            An absolute URL of this API, a path from the root, or a path below ``/v1/{org}/``.
        params
            Added to the query; those that are None are left out.
        body
            JSON text; None for no body.
        idempotent
            Whether doing it twice is the same as doing it once. ``GET`` always is.

        Raises
        ------
        ApiError
            The server answered with an error, also after the last repeat.
        DeliveryUnknownError
            The request was sent and no answer came; for all methods but ``GET``.
        TransportError
            No connection, no usable answer, a redirect, or an address that gets no key.
        """
        url, path = self._address(href, params)
        repeatable = idempotent or method == "GET"
        uncertain = False
        attempt = 0
        while True:
            outcome = self._attempt(method, url, path, body)
            if isinstance(outcome, Answer) and outcome.ok:
                return outcome
            uncertain = uncertain or (method != "GET" and may_have_acted(outcome))
            delay = retry_delay(outcome, attempt, repeatable) if attempt < self._retries else None
            if delay is None:
                break
            self._sleep(delay)
            attempt += 1
        raise self._given_up(method, path, outcome, uncertain=uncertain)

    def close(self) -> None:
        """Close every connection; requests after it fail."""
        self._closed = True
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_root"):  # a traceback may show a transport that could not be made
            return "Transport(not connected)"
        return f"Transport({self.base_url!r}, org={self.org!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Transport holds an API key and open connections, so it is never pickled or copied: make one where the "
            "other process runs, with resolve_key() for the key"
        )

    def _address(self, href: str, params: Mapping[str, str | int | None] | None = None) -> tuple[str, str]:
        """Return the URL, and its path to be shown."""
        url = self._root.url(href, params)
        return url, self._key.scrub(url.removeprefix(str(self._root.origin)).partition("?")[0])

    def _given_up(
        self, method: str, path: str, outcome: Answer | Failure, *, uncertain: bool
    ) -> ApiError | TransportError | DeliveryUnknownError:
        """Return the error for a request that is not repeated any more."""
        if isinstance(outcome, Answer):
            return error_for_status(outcome)
        if uncertain:
            return DeliveryUnknownError(
                f"{method} {path}: it was sent, but no answer came ({outcome.reason}), so the server may or may not "
                "have acted on it; look before you send it again"
            )
        return TransportError(f"{method} {path}: no answer from {self._root.origin}: {outcome.reason}")

    def _attempt(
        self, method: str, url: str, path: str, body: bytes | None, within: float | None = None
    ) -> Answer | Failure:
        """Send one request and read the answer to its end."""
        started = time.perf_counter()

        def exchange() -> Answer:
            with self._send(method, url, body, within) as response:
                return self._read(response, method, path, None if within is None else started + within)

        outcome = self._guarded(exchange)
        said = outcome.status if isinstance(outcome, Answer) else outcome.reason
        _log.debug("%s %s → %s in %.0f ms", method, path, said, (time.perf_counter() - started) * 1000)
        return outcome

    def _chunks(self, url: str, path: str) -> Iterator[bytes]:
        """Yield a body from its start; raise `Broken` if it cannot be had, or not to its end."""
        response = self._guarded(lambda: self._send("GET", url, None))
        if isinstance(response, Failure):
            _log.debug("GET %s → %s", path, response.reason)
            raise Broken(response)
        _log.debug("GET %s → %s", path, response.status_code)
        with response:
            if not 200 <= response.status_code < 300:
                raise Broken(self._guarded(lambda: self._read(response, "GET", path)))
            headers = self._headers(response)

            def read() -> Answer:
                body = response.raw.read(_CHUNK, decode_content=True)
                return Answer("GET", path, response.status_code, headers, body)

            begun = False
            while not isinstance(part := self._guarded(read), Failure):
                if not begun:
                    object_text(part)
                if not part.body:
                    return
                begun = True
                yield part.body
            raise Broken(part)

    def _guarded(self, action: Callable[[], T]) -> T | Failure:
        """Return what `action` does with a connection, or how that failed.

        Nothing raised from here has seen a frame that holds the key.
        """
        escaped: BaseException | None = None
        try:
            return action()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = classify(error)
            return replace(failure, reason=self._key.scrub(failure.reason))
        except BaseException as error:  # noqa: BLE001 - raised again below, a KeyboardInterrupt above all
            error.__cause__ = error.__context__ = None
            escaped = error.with_traceback(None)
        raise escaped

    def _send(self, method: str, url: str, body: bytes | None, within: float | None = None) -> requests.Response:
        """Send one request and return the answer, its body not read yet."""
        connect, read = self._timeout
        return self._session().request(
            method,
            url,
            data=body,
            headers=None if body is None else {"Content-Type": "application/json"},
            auth=KeyHeader(self._key),
            timeout=self._timeout if within is None else (min(connect, within), min(read, within)),
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: requests.Response, method: str, path: str, end: float | None = None) -> Answer:
        """Read an answer to its end; a server that repeats the key in an error does not spread it."""
        # Through raw: requests' own .content goes by 10 KiB and is several times slower on large pages.
        body = response.raw.read(decode_content=True) if end is None else read_until(response.raw, end)
        answer = Answer(method, path, response.status_code, self._headers(response), body)
        return answer if answer.ok else replace(answer, body=scrub_body(body, self._key.scrub))

    def _headers(self, response: requests.Response) -> dict[str, str]:
        return {name.lower(): self._key.scrub(text) for name, text in response.headers.items()}

    def _session(self) -> requests.Session:
        """Return this thread's session: requests does not promise that one may be shared."""
        if self._closed:
            raise TransportError("this connection was closed; make a new client, then run this again")
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = PlainSession()
            session.trust_env = False
            session.proxies = self._proxies
            session.verify = self._verify
            session.headers["User-Agent"] = f"intempt-nb/{__version__}"
            session.headers["Accept"] = "application/hal+json, application/json"
            self._local.session = session
            with self._lock:
                self._sessions.add(session)
        return session


def _encode(value: object) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"cannot be written as JSON: {error}") from error


def _ca_bundle() -> str | bool:
    """Return the CA bundle the environment names, in the order requests has; True for the built-in one."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path:
            if not os.path.exists(path):
                raise ConfigurationError(f"{name} names a CA bundle that does not exist: {path}")
            return path
    return True
