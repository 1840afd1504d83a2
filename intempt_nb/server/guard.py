"""What stands in front of the application: its names, who may read its answers, body sizes, and what a failure says."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from intempt_nb.display import shorten
from intempt_nb.server.answers import HttpError, error_answer, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK", "BodyLimit", "FailureAnswers", "HostAllowList", "TrackerOrigins"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""The names a machine has for itself."""

_LOGGER = logging.getLogger(__name__)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z._-]+)(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class FailureAnswers:
    """Answers what nobody foresaw with a plain 500, and puts it in the log.

    Starlette's own handling passes the error on once it has answered, and the server underneath then closes the
    connection, which a client may just be using again.

    Parameters
    ----------
    app
        What is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 500; an answer that had begun is broken off."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if begun or scope["type"] != "http":
                raise
            _LOGGER.exception("%s %s failed", scope["method"], scope["path"])
            failure = HttpError(500, "the sandbox failed on this request; its log says why")
            await error_answer(failure)(scope, receive, send)


class HostAllowList:
    """Refuses requests whose ``Host`` is not one of ours.

    A web page that makes its own name point at this machine (DNS rebinding) sends that name, and gets nothing.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Names and addresses, without a port.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOOPBACK) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            match = _HOST.fullmatch(host)
            if match is None or match[1].lower() not in self._hosts:
                known = ", ".join(sorted(self._hosts))
                answer = error_answer(invalid(f"this server is not called {shorten(host)!r} but one of {known}"))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class TrackerOrigins:
    """Lets pages of any origin read what the tracker's own paths answer, and nothing else here.

    A page that has the snippet comes from another origin than the sandbox. Its script sends plain text without a header
    of its own, so that browsers ask no leave before (OPTIONS is no method of these paths); what it has to read is
    whether it arrived, and when to come again.

    Parameters
    ----------
    app
        What is guarded; faults and refusals too are answers that the script has to read.
    prefix
        What the tracker's paths begin with.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and have the answer say who may read it."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = "*"
                headers["Access-Control-Expose-Headers"] = "Retry-After"
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        await self._app(scope, receive, opened)


class BodyLimit:
    """Refuses bodies that are too long, counting what comes rather than trusting what was announced.

    Parameters
    ----------
    app
        What is guarded.
    limit
        The most bytes a body may have.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413; an announced length is refused before a byte is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            await error_answer(self._too_long())(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._limit:
                raise self._too_long()
            return message

        await self._app(scope, counted, send)

    def _too_long(self) -> HttpError:
        return HttpError(413, f"the body is longer than {self._limit} bytes; send it in smaller parts")
