"""The application: its root, what is not there, what is not allowed, and what it says when it fails."""

from __future__ import annotations

import sqlite3

import pytest
import requests
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from intempt_nb.server import source_calls
from intempt_nb.server.serve import EmbeddedServer


def test_the_root(server):
    answer = requests.get(f"{server.url}/", timeout=30)
    assert answer.status_code == 200
    body = answer.json()
    assert {key: body[key] for key in ("service", "version", "status")} == {
        "service": "intempt_nb sandbox",
        "version": "v1",
        "status": "ok",
    }
    assert body["_links"]["self"] == {"href": f"{server.url}/"}
    assert body["_links"]["collections"] == {
        "href": f"{server.url}/v1/OrgABC/collections{{?name,sourceId}}",
        "templated": True,
    }


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1",
        "/v1/OrgABC",
        "/v1/OrgABC/nothing",
        "/v1/OrgABC/sources/",
        "/v2/OrgABC/sources",
        "//",
        "/v1//x",
    ],
)
def test_a_path_that_is_not_there(api, server, path):
    message = api.refused(404, "GET", server.url + path, allow_redirects=False)
    assert "paths begin with /v1/{org}/" in message


def test_another_organisation(api, server):
    assert "there is no organisation 'Other' here" in api.refused(404, "GET", f"{server.url}/v1/Other/sources")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/sources", {"GET", "HEAD", "POST"}),
        ("DELETE", "/collections", {"GET", "HEAD", "POST"}),
        ("POST", "/collections/1", {"GET", "HEAD", "PUT", "DELETE"}),
        ("GET", "/sources/1/data", {"POST"}),
        ("PATCH", "/identifiers/1", {"GET", "HEAD"}),
        ("OPTIONS", "/sources", {"GET", "HEAD", "POST"}),
        ("POST", "/collections/1/data/1", {"GET", "HEAD", "DELETE"}),
    ],
)
def test_a_method_that_is_not_allowed(api, method, path, allowed, read_refusal):
    response = api.call(method, path)
    assert f"{method} is not for" in read_refusal(response, 405)["message"]
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*", "image/png", "application/jsonx"])
def test_an_answer_that_is_not_json(api, server, accept):
    for path in ("/sources", server.url + "/"):
        assert "the answer is JSON" in api.refused(406, "GET", path, headers={"Accept": accept})


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/hal+json",
        "Application/JSON; q=0.5",
        "text/html, */*;q=0.1",
        "application/*",
    ],
)
def test_answers_that_may_be_json(api, accept):
    api.get("/sources", headers={"Accept": accept})


def test_head(api):
    response = api.call("HEAD", "/sources")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(("method", "path"), [("GET", "/sources"), ("GET", "/nothing"), ("DELETE", "/sources")])
def test_headers_of_every_answer(api, method, path):
    headers = api.call(method, path, headers={"Origin": "https://evil.example"}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert "server" not in headers


def test_a_web_page_may_not_ask_first(api):
    """The question that a browser sends ahead of another site's request gets no leave."""
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = api.call("OPTIONS", "/sources", headers=headers)
    assert response.status_code == 405
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


class TestFailures:
    """What is not foreseen: an answer of the usual form without a word of the inside, and a log that has it."""

    @pytest.fixture
    def own(self, connect):
        with EmbeddedServer() as server:
            yield connect(server)

    def failing(self, monkeypatch, error):
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(source_calls, "create_defaults", fail)

    def test_500(self, own, monkeypatch, caplog):
        self.failing(monkeypatch, ZeroDivisionError("the secret inside"))
        response = own.call("POST", "/sources", {"title": "x", "type": "js"})
        assert response.json() == {
            "status": 500,
            "error": "Internal Server Error",
            "message": "the sandbox failed on this request; its log says why",
        }
        assert "POST /v1/sandbox/sources failed" in caplog.text
        assert "the secret inside" in caplog.text
        monkeypatch.undo()
        assert own.get("/sources")["_embedded"]["sources"] == []  # what the request had begun was dropped

    def test_a_file_that_stays_locked(self, tmp_path, connect, monkeypatch, caplog):
        monkeypatch.setattr("intempt_nb.server.store._BUSY_SECONDS", 0.05)
        with EmbeddedServer(tmp_path / "s.db") as server:
            own = connect(server)
            other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            response = own.call("POST", "/sources", {"title": "x", "type": "api"})
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            assert "another process is writing" in response.json()["message"]
            assert own.call("GET", "/sources").status_code == 200  # reading goes on
            other.execute("COMMIT")
            other.close()
            own.make("/sources", {"title": "x", "type": "api"})
        assert caplog.records == []

    def test_any_other_trouble_with_the_file_is_a_failure(self, own, monkeypatch, caplog):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        self.failing(monkeypatch, error)
        response = own.call("POST", "/sources", {"title": "x", "type": "js"})
        assert response.status_code == 500
        assert "disk is full" in caplog.text


class Teapot:
    """Answers every n-th request itself: the kind of thing that goes between the guards and the routes."""

    def __init__(self, app, every):
        self.app, self.every, self.count = app, every, 0

    async def __call__(self, scope, receive, send):
        self.count += 1
        if self.count % self.every == 0:
            await PlainTextResponse("teapot", 418)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def test_middleware_goes_between_the_guards_and_the_routes(connect):
    with EmbeddedServer(middleware=[Middleware(Teapot, every=2)]) as server:
        api = connect(server)
        statuses = [api.call("GET", "/sources").status_code for _ in range(4)]
        assert statuses == [200, 418, 200, 418]
        assert api.call("GET", "/sources", headers={"Host": "evil.example"}).status_code == 400
        assert api.call("GET", "/sources").status_code == 200  # the refused one was not counted
