"""A server that costs next to nothing, for a process of its own: it takes posts unread, and sends pages made before.

As a script: ``nullserver.py SPEC``, where SPEC is a `Service` as JSON; it prints its address. It needs the standard
library only, so that it starts at once.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["COLLECTION_ID", "DATA", "KEY", "NAME", "ORG", "PAGE_START", "POSTS", "Service", "page_end"]

ORG = "OrgABC"
NAME = "events"
KEY = "eventId"
COLLECTION_ID = "9848174362845173000"
SOURCE_ID = "9848174362845170000"
DATA = f"/v1/{ORG}/collections/{COLLECTION_ID}/data"
POSTS = f"/v1/{ORG}/sources/{SOURCE_ID}/data"
PAGE_START = b'{"_embedded":{"dataItemList":['


@dataclass(frozen=True, slots=True)
class Service:
    """What a server does.

    Parameters
    ----------
    schema
        Of the collection's rows, as Avro JSON.
    delay
        Seconds that it waits before it answers a post or sends a page.
    items
        A file with the items of a page; None if nothing is to be read.
    copies
        How often a page has them.
    pages
        How many pages there are, all the same.
    """

    schema: dict[str, Any]
    delay: float = 0.0
    items: str | None = None
    copies: int = 1
    pages: int = 1


def page_end(next_page: str | None = None) -> bytes:
    """Return what stands behind the items of a page."""
    link = "" if next_page is None else f',"next":{{"href":"{next_page}"}}'
    return f']}},"_links":{{"self":{{"href":"{DATA}"}}{link}}}}}'.encode()


def _serve(service: Service) -> None:
    items = Path(service.items).read_bytes() if service.items else b""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_talk, args=(connection, service, items), daemon=True).start()


def _talk(connection: socket.socket, service: Service, items: bytes) -> None:
    """Answer the requests of one connection."""
    buffer = memoryview(bytearray(1 << 20))
    with connection, connection.makefile("rb", buffering=1 << 16) as stream:
        while line := stream.readline():
            method, target = line.decode().split()[:2]
            _pass_over(stream, _content_length(stream), buffer)
            path, _, query = target.partition("?")
            if method == "POST" or path == DATA:
                time.sleep(service.delay)
            if method == "POST":
                _answer(connection, b'{"_embedded":{"data":[]}}')
            elif path == DATA:
                number = int(query.removeprefix("page=")) if query.startswith("page=") else 0
                _send_page(connection, service, items, number)
            else:
                _answer(connection, json.dumps(_described(service, path)).encode())


def _content_length(stream: BinaryIO) -> int:
    """Read the headers."""
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return length


def _pass_over(stream: Any, length: int, buffer: memoryview) -> None:
    while length > 0:
        length -= stream.readinto(buffer[: min(length, len(buffer))])


def _start(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def _answer(connection: socket.socket, body: bytes) -> None:
    connection.sendall(_start(len(body)) + body)


def _send_page(connection: socket.socket, service: Service, items: bytes, number: int) -> None:
    last = number + 1 >= service.pages
    end = page_end(None if last else f"{DATA}?page={number + 1}")
    length = len(PAGE_START) + service.copies * (len(items) + 1) - 1 + len(end)
    connection.sendall(_start(length) + PAGE_START)
    for copy in range(service.copies):
        if copy:
            connection.sendall(b",")
        connection.sendall(items)
    connection.sendall(end)


def _described(service: Service, path: str) -> dict[str, Any]:
    """Return what the API says of the collection or its identifiers."""
    if path.endswith("/identifiers"):
        schema = {"type": "record", "name": "key", "fields": [{"name": KEY, "type": "string"}]}
        key = {"id": "1", "collId": COLLECTION_ID, "type": "primary", "name": "key", "schema": schema}
        return {"_embedded": {"identifiers": [key]}}
    described = {"id": COLLECTION_ID, "sourceId": SOURCE_ID, "name": NAME, "event": True, "schema": service.schema}
    return described if path.endswith(COLLECTION_ID) else {"_embedded": {"collections": [described]}}


if __name__ == "__main__":
    _serve(Service(**json.loads(sys.argv[1])))
