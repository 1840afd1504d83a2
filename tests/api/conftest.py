"""A small HTTP server that answers by script and records every request, and a reader of everything an error shows."""

from __future__ import annotations

import json
import signal
import socket
import threading
import traceback
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from intempt_nb.api.credentials import Secret
from intempt_nb.api.transport import Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from types import TracebackType

KEY = "canary-7f3a91c25e"
PAYLOADS = Path(__file__).parent / "payloads"


@dataclass
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client_port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    action: Literal["answer", "drop", "hang", "cut", "garble", "interrupt"] = "answer"

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): text for name, text in self.headers.items()}
        reply = self.server.record(Received(self.command, self.path, headers, body, self.client_address[1]))
        self.reply(reply)

    def reply(self, reply: Reply) -> None:
        if reply.action == "interrupt":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if reply.action in ("hang", "interrupt"):
            self.server.released.wait(10)
        if reply.action in ("drop", "hang", "interrupt"):
            self.close_connection = True
            return
        content = reply.content
        if reply.action == "garble":  # not HTTP at all
            self.wfile.write(content + b"\r\n\r\n")
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, text in ({"Content-Type": "application/hal+json"} | reply.headers).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content) + (100 if reply.action == "cut" else 0)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = reply.action == "cut"

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.requests: list[Received] = []
        self.replies: deque[Reply] = deque()
        self.connections = 0
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def answer(self, *replies: Reply | dict[str, Any]) -> None:
        """Give the next answers; the last one stays."""
        self.replies.extend(each if isinstance(each, Reply) else Reply(body=each) for each in replies)

    def record(self, received: Received) -> Reply:
        with self.lock:
            self.requests.append(received)
            if not self.replies:
                return Reply()
            return self.replies.popleft() if len(self.replies) > 1 else self.replies[0]

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.connections += 1
        super().process_request_thread(request, client_address)
        with self.lock:
            self.connections -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is part of the tests."""

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


@pytest.fixture
def key() -> Secret:
    return Secret(KEY)


@pytest.fixture
def canary() -> str:
    return KEY


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(port: int = 0, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(port, context))
        return servers[-1]

    yield start
    for each in servers:
        each.stop()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()


@pytest.fixture
def foreign(start_server: Callable[..., Server]) -> Server:
    """Another origin, which must never be asked anything."""
    return start_server()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def make_transport(start_server: object, key: Secret) -> Iterator[Callable[..., Transport]]:
    """Make transports that do not sleep: ``transport.waits`` holds the seconds they would have slept."""
    made: list[Transport] = []

    def make(base_url: str, **options: Any) -> Transport:
        transport = Transport(base_url, options.pop("org", "OrgABC"), options.pop("key", key), **options)
        transport.waits = []
        transport._sleep = transport.waits.append
        made.append(transport)
        return transport

    yield make
    for each in made:
        each.close()


@pytest.fixture
def transport(server: Server, make_transport: Callable[..., Transport]) -> Transport:
    return make_transport(server.url)


@pytest.fixture
def payload() -> Callable[[str], Any]:
    """Read a sample answer from ``payloads/``, taken from the seed documents."""
    return lambda name: json.loads((PAYLOADS / f"{name}.json").read_text())


@pytest.fixture
def shown() -> Callable[[BaseException], str]:
    """Return all that an error shows to people and tools, suppressed causes and local variables included."""
    return everything_shown


def everything_shown(error: BaseException) -> str:
    from IPython.core.ultratb import VerboseTB

    verbose = VerboseTB(theme_name="nocolor")
    texts: list[str] = []
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is None:
            continue
        pending += [each.__cause__, each.__context__]
        frames = within_package(each.__traceback__)
        texts += [repr(each), str(each), repr(vars(each)), *traceback.format_exception(type(each), each, frames)]
        texts += traceback.TracebackException(type(each), each, frames, capture_locals=True).format()
        texts.append(verbose.stb2text(verbose.structured_traceback(type(each), each, frames, context=9)))
        texts += [repr(frame.f_locals) for frame, _ in traceback.walk_tb(frames)]
    return "".join(texts)


def within_package(frames: TracebackType | None) -> TracebackType | None:
    """Drop the frames of the caller, who wrote the key down himself."""
    inner = frames
    while inner is not None and "/intempt_nb/" not in inner.tb_frame.f_code.co_filename:
        inner = inner.tb_next
    return inner or frames


@pytest.fixture
def catch() -> Callable[..., BaseException]:
    """Call something that fails, and return its error; nothing in this frame knows the key."""

    def call(function: Callable[..., object], *args: object, **options: object) -> BaseException:
        try:
            function(*args, **options)
        except BaseException as error:  # noqa: BLE001 - a KeyboardInterrupt is one of them
            return error
        raise AssertionError("it did not fail")

    return call
