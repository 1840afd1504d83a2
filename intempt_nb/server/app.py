"""`create_app`: the routes of the API, and how a request becomes a `Call` and an error an answer."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from intempt_nb.display import shorten
from intempt_nb.server import collection_calls, data_calls, link_calls, source_calls, tracker_calls
from intempt_nb.server.access import authenticate, authenticate_tracker, digest_of
from intempt_nb.server.answers import HttpError, error_answer, invalid, json_answer, not_found
from intempt_nb.server.calls import Call
from intempt_nb.server.faults import FAULTS_PATH, Faults, FaultScript, fault_calls
from intempt_nb.server.guard import LOOPBACK, BodyLimit, FailureAnswers, HostAllowList, TrackerOrigins
from intempt_nb.server.hal import Hal
from intempt_nb.server.pages import page_routes
from intempt_nb.server.store import is_busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from starlette.responses import Response

    from intempt_nb.server.access import Access
    from intempt_nb.server.store import Store

    Handler: TypeAlias = Callable[[Call], Response]

__all__ = ["MAX_BODY", "create_app"]

MAX_BODY = 10 * 1024 * 1024
"""The most bytes of a request's body [ours]."""

_ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "/sources": {"GET": source_calls.list_sources, "POST": source_calls.create_source},
    "/sources/{source}": {"GET": source_calls.show_source, "DELETE": source_calls.delete_source},
    "/sources/{source}/collections": {"GET": collection_calls.list_collections_of_source},
    "/sources/{source}/data": {"POST": data_calls.create_items},
    "/collections": {"GET": collection_calls.list_collections, "POST": collection_calls.create_collection},
    "/collections/{collection}": {
        "GET": collection_calls.show_collection,
        "PUT": collection_calls.update_collection,
        "DELETE": collection_calls.delete_collection,
    },
    "/collections/{collection}/identifiers": {"GET": link_calls.list_identifiers_of_collection},
    "/collections/{collection}/data": {"GET": data_calls.list_items, "POST": data_calls.create_item},
    "/collections/{collection}/data/{item}": {"GET": data_calls.show_item, "DELETE": data_calls.delete_item},
    "/identifiers": {"GET": link_calls.list_identifiers, "POST": link_calls.create_identifier},
    "/identifiers/{identifier}": {"GET": link_calls.show_identifier},
    "/relations": {"GET": link_calls.list_relations, "POST": link_calls.create_relation},
    "/relations/{relation}": {"GET": link_calls.show_relation},
    "/trackers/{tracker}/events": {"POST": tracker_calls.receive_events},
}


@dataclass(frozen=True, slots=True)
class _Site:
    """What all calls have in common."""

    store: Store
    org: str
    key_digest: bytes


def create_app(
    store: Store,
    *,
    org: str,
    api_key: str,
    hosts: Iterable[str] = LOOPBACK,
    max_body: int = MAX_BODY,
    middleware: Sequence[Middleware] = (),
    faults: FaultScript | None = None,
) -> Starlette:
    """Return the API as an ASGI application.

    Parameters
    ----------
    store
        What it is about; stays open when the application ends.
    org
        The one organisation that it answers for; any other in a path is not found [ours].
    api_key
        The organisation's key, which opens every source [ours].
    hosts
        The names it may be called by.
    max_body
        The most bytes of a request's body; above it the answer is 413.
    middleware
        Goes between the guards and the routes.
    faults
        What goes wrong on purpose; by default nothing, until a script is put.
    """
    script = FaultScript() if faults is None else faults
    site = _Site(store, org, digest_of(api_key))
    guards = [
        Middleware(FailureAnswers),
        Middleware(HostAllowList, hosts=hosts),
        Middleware(TrackerOrigins, prefix=f"/v1/{org}/trackers/"),
        Middleware(Faults, script=script, prefix=f"/v1/{org}"),
        Middleware(BodyLimit, limit=max_body),
    ]
    app = Starlette(
        routes=[
            _root(site),
            _route(site, FAULTS_PATH, fault_calls(script)),
            *page_routes(store, org),
            *(_route(site, f"/v1/{{org}}{path}", calls) for path, calls in _ROUTES.items()),
        ],
        middleware=[*guards, *middleware],
        exception_handlers={
            HttpError: _answer_error,
            HTTPException: _answer_http_exception,
            RecursionError: _answer_recursion,
            ClientDisconnect: _answer_disconnect,
            sqlite3.OperationalError: _answer_operational,
        },
    )
    # A redirect to the path without its last slash would have the client send its key once more.
    app.router.redirect_slashes = False
    return app


def _root(site: _Site) -> Route:
    async def endpoint(request: Request) -> Response:
        _check_accept(request)
        base = f"{str(request.base_url).rstrip('/')}/v1/{site.org}"
        links = {
            "self": {"href": str(request.base_url)},
            "sources": {"href": f"{base}/sources{{?name}}", "templated": True},
            "collections": {"href": f"{base}/collections{{?name,sourceId}}", "templated": True},
            "identifiers": {"href": f"{base}/identifiers{{?collId}}", "templated": True},
            "relations": {"href": f"{base}/relations{{?collId}}", "templated": True},
        }
        return json_answer({"service": "intempt_nb sandbox", "version": "v1", "status": "ok", "_links": links})

    return Route("/", endpoint, methods=["GET"])


def _route(site: _Site, path: str, handlers: Mapping[str, Handler]) -> Route:
    """Return the one route of a path, so that a 405 names all of its methods."""

    async def endpoint(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        body = await request.body() if request.method in ("POST", "PUT") else b""
        return await run_in_threadpool(_answer, site, handler, request, body)

    return Route(path, endpoint, methods=list(handlers))


def _answer(site: _Site, handler: Handler, request: Request, body: bytes) -> Response:
    _check_accept(request)
    access = _authenticated(site, request)
    org = request.path_params.get("org", site.org)  # the sandbox's own paths have none
    if org != site.org:
        raise not_found("organisation", org)
    hal = Hal(f"{str(request.base_url).rstrip('/')}/v1/{org}")
    return handler(Call(site.store, hal, access, request.path_params, request.query_params, body))


def _authenticated(site: _Site, request: Request) -> Access:
    """Return what a request's credential opens: a number in the one path that has one, else the key in the header."""
    number = request.path_params.get("tracker")
    if number is not None:
        return authenticate_tracker(number, site.store)
    return authenticate(request.headers.get("authorization"), site.key_digest, site.store)


def _check_accept(request: Request) -> None:
    """Refuse a request for anything but JSON (406) [ref]; a body's own type is not looked at, as in the seed."""
    accept = request.headers.get("accept", "*/*")
    types = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    if not any(each in ("*/*", "application/*", "application/json") or each.endswith("+json") for each in types):
        raise HttpError(406, f"the answer is JSON, and 'Accept: {accept}' does not take it")


async def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)  # noqa: S101  (handlers are looked up by class; this shows it to mypy)
    return error_answer(error)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (as above)
    path = shorten(request.scope["path"], 200)
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            message = f"there is nothing at {path}; paths begin with /v1/{{org}}/"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "")
            message = f"{request.method} is not for {path}, which takes {allowed}"
        case _:
            message = error.detail
    return error_answer(HttpError(error.status_code, message, headers=error.headers))


async def _answer_recursion(_: Request, __: Exception) -> Response:
    return error_answer(invalid("the body is nested too deeply"))


async def _answer_disconnect(_: Request, __: Exception) -> Response:
    return error_answer(invalid("the connection ended before the body did"))


async def _answer_operational(_: Request, error: Exception) -> Response:
    """Answer for a file that another process has locked; all else is a failure as any other."""
    assert isinstance(error, sqlite3.OperationalError)  # noqa: S101  (as above)
    if not is_busy(error):
        raise error
    return error_answer(
        HttpError(503, "another process is writing to the sandbox file; try again", headers={"Retry-After": "1"})
    )
