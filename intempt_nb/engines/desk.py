"""The driver's desk: workers ask it small things over TCP, a line of JSON each way; nothing is unpickled.

A connection begins with a line that holds the desk's token, which travels with the work; what comes without it is
closed unanswered. The lines are not encrypted: they say when a request may begin and what became of a partition, and
belong on the network that the cluster's own messages travel on.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import os
import secrets
import socket
import socketserver
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from intempt_nb.display import shorten
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import BinaryIO, Self

__all__ = ["LONGEST", "LOOPBACK", "Desk", "DeskAddress", "reachable_host"]

LOOPBACK: Final = "127.0.0.1"

LONGEST: Final = 16 << 20
"""The longest line, in bytes: the report of a partition in which every row was rejected has to fit."""

PATIENCE: Final = 5.0
"""Seconds in which a connection is made, the token shown, or a line answered."""

IDLE: Final = 600.0
"""Seconds without a line after which the desk closes a connection; whoever asks again later connects anew."""

_ANY_PORT: Final = 9

_POLL: Final = 0.05
"""Seconds after which the desk notices that it is to close."""


@dataclass(frozen=True, slots=True)
class DeskAddress:
    """Where a desk is; may be pickled. Its token lets whoever has it ask the desk, and nothing else.

    Parameters
    ----------
    host, port
        Where it listens.
    token
        What it knows its askers by.
    """

    host: str
    port: int
    token: str = field(repr=False)

    def call(self, op: str, value: Any = None, *, patience: float = PATIENCE) -> Any:
        """Have the desk do something, and return what it answers.

        Each thread of a process keeps a connection. One that broke is made anew once, so that the desk may be told the
        same twice.

        Parameters
        ----------
        op
            The name of one of the desk's handlers.
        value
            What it is given; anything that JSON can say.
        patience
            Seconds in which a connection has to be made.

        Raises
        ------
        OSError
            The desk cannot be reached, does not answer in time, or something else answers there.
        TransportError
            It has no such handler, or the handler failed; the message says with what.
        """
        line = json.dumps({"op": op, "value": value}).encode() + b"\n"
        kept = _kept.get(self)
        if kept is not None:
            with suppress(OSError):
                return kept.ask(line)
            _kept.drop()
        connection = _kept.open(self, patience)
        try:
            return connection.ask(line)
        except OSError:
            _kept.drop()
            raise


class Desk:
    """Answers what workers ask; a context manager, open until its end.

    Parameters
    ----------
    handlers
        What can be asked, by name: each is given the value that came and returns what JSON can say. They are called in
        a thread for each connection.
    host
        The address to listen at; this machine's own by default, where only its processes reach it.
    gone
        Called at the end of each connection, in the thread in which the handlers were called for it.

    Raises
    ------
    OSError
        It cannot listen there.

    Attributes
    ----------
    address
        What workers are told.
    """

    def __init__(
        self,
        handlers: Mapping[str, Callable[[Any], Any]],
        host: str = LOOPBACK,
        *,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._server = _Server(host, handlers, gone)
        self.address = DeskAddress(host, self._server.server_address[1], self._server.token)
        self._process = os.getpid()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="intempt-nb-desk", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more and end all connections; a second call does nothing."""
        if sys.is_finalizing() or os.getpid() != self._process:
            # The thread is no more: there is nobody to wait for. What a forked process has is its parent's, too.
            self._server.server_close()
            return
        self._server.shutdown()
        with suppress(OSError):  # a process forked meanwhile has the socket, too, and nobody would answer there
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._server.close_connections()
        self._thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, handlers: Mapping[str, Callable[[Any], Any]], gone: Callable[[], None]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.handlers, self.gone = handlers, gone
        self.token = secrets.token_hex(32)
        self._open: set[socket.socket] = set()
        self._closing = False
        self._lock = threading.Lock()
        super().__init__((host, 0), _Caller)

    def close_connections(self) -> None:
        with self._lock:
            self._closing = True
            for each in self._open:
                with suppress(OSError):  # its worker has gone
                    each.shutdown(socket.SHUT_RDWR)

    def entered(self, connection: socket.socket) -> bool:
        """Note a connection; return whether it is still wanted."""
        with self._lock:
            self._open.add(connection)
            return not self._closing

    def left(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a worker that dies is no error of the driver's."""


class _Caller(socketserver.StreamRequestHandler):
    """One connection, in a thread of its own."""

    server: _Server
    timeout = PATIENCE
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            if not self.server.entered(self.connection) or not self._is_known():
                return
            self.connection.settimeout(IDLE)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            while (line := _read(self.rfile, LONGEST)) and (answer := self._answer(line)):
                self.wfile.write(answer)
        finally:
            self.server.left(self.connection)
            self.server.gone()

    def _is_known(self) -> bool:
        shown = _read(self.rfile, len(self.server.token) + 1)
        return hmac.compare_digest(shown, self.server.token.encode() + b"\n")

    def _answer(self, line: bytes) -> bytes | None:
        """Return the answer to a line; None if it is none that a worker sends."""
        try:
            message = json.loads(line)
            op, value = message["op"], message["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        answer: dict[str, Any]
        if op not in self.server.handlers:
            answer = {"error": f"nothing can be asked by the name {shorten(str(op))!r}"}
        else:
            try:
                answer = {"value": self.server.handlers[op](value)}
            except Exception as error:  # noqa: BLE001  (a handler's failure is the asker's to hear of)
                answer = {"error": f"{type(error).__name__}: {shorten(str(error), 500)}"}
        return json.dumps(answer).encode() + b"\n"


def _read(stream: BinaryIO | Any, longest: int) -> bytes:
    """Return the next line; nothing if the stream ends or the line is too long."""
    line: bytes = stream.readline(longest + 1)
    return line if line.endswith(b"\n") and len(line) <= longest else b""


class _Connection:
    """A thread's connection to a desk; closed with the thread."""

    def __init__(self, address: DeskAddress, patience: float) -> None:
        self.process = os.getpid()
        opened = socket.create_connection((address.host, address.port), patience)
        opened.settimeout(PATIENCE)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._stream = opened, opened.makefile("rb")
        self._first = address.token.encode() + b"\n"
        self.close = weakref.finalize(self, _close, self._stream, opened)

    def ask(self, line: bytes) -> Any:
        self._socket.sendall(self._first + line)
        self._first = b""
        answer = _read(self._stream, LONGEST)
        if not answer:
            raise ConnectionError("the driver closed the connection")
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not found.keys() & {"error", "value"}:
            raise ConnectionError("what answered is not the driver")
        if "error" in found:
            raise TransportError(f"the driver could not do what it was asked: {found['error']}")
        return found["value"]


def _close(stream: BinaryIO | Any, opened: socket.socket) -> None:
    stream.close()
    opened.close()


class _Kept(threading.local):
    """The connection that a thread used last."""

    def __init__(self) -> None:
        self._address: DeskAddress | None = None
        self._connection: _Connection | None = None

    def get(self, address: DeskAddress) -> _Connection | None:
        if self._connection is not None and (self._address, self._connection.process) != (address, os.getpid()):
            self.drop()  # another desk's, or a connection of the process that this one was forked from
        return self._connection

    def open(self, address: DeskAddress, patience: float) -> _Connection:
        self._address, self._connection = address, _Connection(address, patience)
        return self._connection

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_kept: Final = _Kept()


def reachable_host(address: str) -> str:
    """Return the address of this machine at which those reach it who are reached at another one.

    Parameters
    ----------
    address
        Where a cluster's scheduler is, as the engine says it: ``tcp://10.0.0.5:8786``, ``spark://host:7077``,
        ``inproc://…``, ``local[2]``.

    Returns
    -------
    str
        The loopback address if that is this machine's loopback or no address at all, or cannot be found; else the
        address of the interface by which it is reached.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.scheme == "inproc" or not parts.hostname:
            return LOOPBACK
        family, kind, _, _, peer = socket.getaddrinfo(parts.hostname, _ANY_PORT, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(peer)  # sends nothing: only the way there is looked up
            found = str(probe.getsockname()[0])
    except (ValueError, OSError):  # ValueError: local[2]
        return LOOPBACK
    return LOOPBACK if ipaddress.ip_address(found.partition("%")[0]).is_loopback else found
