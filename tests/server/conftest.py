"""The API under test, over real HTTP, and short ways to say what a test needs of it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import requests

from intempt_nb.server.serve import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 30
NUMBERS = itertools.count(1)


def record(name: str, **types: Any) -> dict[str, Any]:
    """Return an Avro record schema from field names and types."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": each} for key, each in types.items()]}


class Api:
    """A caller with one key."""

    def __init__(self, server: EmbeddedServer, key: str | None = None) -> None:
        self.server = server
        self.base = f"{server.url}/v1/{server.org}"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"ApiKey {key or server.api_key}"

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        return self.session.request(method, url, json=body, timeout=TIMEOUT, **options)

    def get(self, path: str, **options: Any) -> Any:
        """Return what a path has, which has to be there."""
        response = self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def make(self, path: str, body: Any) -> Any:
        """Post what has to be accepted."""
        response = self.call("POST", path, body)
        assert response.status_code == 201, response.text
        return response.json()

    def refused(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> str:
        """Send what has to be refused and return the message."""
        return refusal(self.call(method, path, body, **options), status)["message"]

    def source(self, kind: str = "api", **more: Any) -> Any:
        return self.make("/sources", {"title": f"Source {next(NUMBERS)}", "type": kind, **more})

    def collection(self, source: Any, schema: dict[str, Any], name: str = "things", **flags: Any) -> Any:
        return self.make("/collections", {"sourceId": source["id"], "name": name, "schema": schema, **flags})

    def identifier(self, collection: Any, kind: str = "primary", **more: Any) -> Any:
        """Create an identifier over the fields given as ``fields``."""
        names = more.pop("fields")
        fields = [field for field in collection["schema"]["fields"] if field["name"] in names]
        schema = {"type": "record", "name": "key", "fields": fields}
        return self.make(
            "/identifiers", {"collId": collection["id"], "type": kind, "name": kind, "schema": schema, **more}
        )

    def table(self, key: str | None = None, **types: Any) -> tuple[Any, Any]:
        """Return a new source and a collection that can take data; its first field is the key if none is named."""
        source = self.source()
        collection = self.collection(source, record("thing", **types))
        self.identifier(collection, fields=[key or next(iter(types))])
        return source, collection

    def bulk(self, source: Any, items: list[Any], name: str = "things") -> requests.Response:
        return self.call("POST", f"/sources/{source['id']}/data", {name: items})

    def pages(self, collection: Any, limit: int = 10_000) -> Iterator[Any]:
        url = f"{collection['_links']['data']['href']}?limit={limit}"
        while url:
            page = self.get(url)
            yield page
            url = page["_links"].get("next", {}).get("href")

    def items(self, collection: Any, limit: int = 10_000) -> list[Any]:
        return [item for page in self.pages(collection, limit) for item in page["_embedded"]["dataItemList"]]


def refusal(response: requests.Response, status: int) -> Any:
    """Return the body of an error answer, which has to have the form of all errors."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert list(body)[:3] == ["status", "error", "message"]
    assert set(body) <= {"status", "error", "message", "errors"}
    assert body["status"] == status
    assert "Traceback" not in response.text
    return body


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(org="OrgABC") as running:
        yield running


@pytest.fixture(scope="session")
def api(server: EmbeddedServer) -> Iterator[Api]:
    """Return a caller with the organisation's key."""
    caller = Api(server)
    with caller.session:
        yield caller


@pytest.fixture
def connect() -> Iterator[Any]:
    """Return a way to make callers: ``connect(server, key)``."""
    made: list[Api] = []

    def make(server: EmbeddedServer, key: str | None = None) -> Api:
        made.append(Api(server, key))
        return made[-1]

    yield make
    for each in made:
        each.session.close()


@pytest.fixture(scope="session")
def make_record() -> Any:
    return record


@pytest.fixture(scope="session")
def read_refusal() -> Any:
    return refusal
