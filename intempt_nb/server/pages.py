"""What the sandbox serves to browsers: the tracker's script, and the demo page under ``/demo``."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from intempt_nb.server.answers import HttpError, forbidden
from intempt_nb.server.demo_source import DEMO_SOURCE, demo_tracker
from intempt_nb.server.snippet import SCRIPT, snippet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from intempt_nb.server.store import Store

__all__ = ["DEMO_PATH", "STATIC", "page_routes"]

DEMO_PATH: Final = "/demo"

STATIC: Final = Path(__file__).with_name("static")

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".json": "application/json"}
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_CACHED = {**_HEADERS, "Cache-Control": "max-age=600"}  # a page loaded while the sandbox is away still has its tracker
_PARTS = ("demo.js", "demo.css", "flights.json")


def page_routes(store: Store, org: str) -> list[Route]:
    """Return the routes; none of them needs a key, and none shows anything of what is stored but the demo's number."""
    return [_demo(store, org), _script(org), *map(_part, _PARTS)]


def _part(name: str) -> Route:
    async def endpoint(_: Request) -> Response:
        return _answer(name, _text(name))

    return Route(f"{DEMO_PATH}/{name}", endpoint, methods=["GET"])


def _script(org: str) -> Route:
    async def endpoint(_: Request) -> Response:
        text = _text("tracker.js").replace("/* elements.js */", _text("elements.js"))
        return _answer(SCRIPT, text, _CACHED)

    return Route(f"/v1/{org}/trackers/{SCRIPT}", endpoint, methods=["GET"])


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _demo(store: Store, org: str) -> Route:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_page, store, org, request)

    return Route(DEMO_PATH, endpoint, methods=["GET"])


def _page(store: Store, org: str, request: Request) -> Response:
    """Return the demo page; a visit sets up its source, if that is missing.

    A visit by a person only: a page elsewhere that asks for it as a picture, say, makes no source here.
    """
    kind, site = request.headers.get("sec-fetch-dest", "document"), request.headers.get("sec-fetch-site")
    if kind not in ("document", "iframe") or (kind == "iframe" and site == "cross-site"):
        raise forbidden("the demo is a page; open it in a browser, in a tab of its own")
    try:
        with store.write() as tx:
            number = demo_tracker(tx)
    except HttpError as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        text = f"<!doctype html><html lang=en><title>Flight demo</title><h1>No demo</h1><p>{escape(error.message)}</p>"
        return Response(text, error.status, _HEADERS, "text/html")
    host = str(request.base_url).rstrip("/")
    python = (
        f'client = inb.Client(\n    "{org}", base_url="{host}"\n)\n'
        f'demo = client.sources["{DEMO_SOURCE}"]\ndemo.collections["flight-booking"].load()'
    )
    page = _text("demo.html").replace("<!-- snippet -->", snippet(f"{host}/v1/{org}", number))
    page = page.replace("<!-- number -->", str(number)).replace("<!-- python -->", escape(python))
    return _answer("demo.html", page)


def _answer(name: str, text: str, headers: Mapping[str, str] = _HEADERS) -> Response:
    return Response(text, headers=headers, media_type=_TYPES[Path(name).suffix])
