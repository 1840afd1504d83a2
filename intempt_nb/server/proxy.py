"""`FaultProxy`: a TCP proxy on this machine that breaks connections as a plan says.

Where the sandbox's fault script speaks HTTP, this knows only bytes, as a network does. The plan is a list, one JSON
object for each connection in the order in which they come; further connections are left alone. A client keeps its
connection for many requests, so a plan of two is often all that a rehearsal needs.

``{}``
    The connection is left alone.
``reset``
    ``"accept"``: it is reset as soon as it is made. A number: it is reset once so many bytes of the answers went
    through; with 0 the server has the request, and the client gets nothing. A reset also takes what the client has
    not read yet.
``cut``
    It is closed, in the ordinary way, once so many bytes of the answers went through.
``hang``
    Nothing goes through for that many seconds, then it is reset.
``delay``
    Seconds that each answer is late.
``slow``
    Bytes of the answers in a second, at most.
``down``
    It is reset with all others, and for that many seconds connections are refused.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, Self

from intempt_nb.display import shorten
from intempt_nb.errors import ConfigurationError, suggest
from intempt_nb.server.connections import reset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

__all__ = ["FaultProxy"]

_CHUNK = 1 << 16
_SLICES = 10  # a second of a slow answer comes in so many parts


@dataclass(frozen=True, slots=True)
class _Fault:
    """What happens to one connection; None and 0 for nothing."""

    reset: str | int | None = None
    cut: int | None = None
    hang: float | None = None
    delay: float = 0
    slow: int | None = None
    down: float | None = None

    @classmethod
    def read(cls, index: int, value: Mapping[str, Any]) -> Self:
        """Check one entry of a plan."""
        known = [each.name for each in fields(cls)]
        if not isinstance(value, dict):
            raise _wrong(index, "", value, 'an object such as {"reset": 0}')
        for key, each in value.items():
            if key not in known:
                raise ConfigurationError(f"plan[{index}]: unknown key {key!r}{suggest(key, known)}")
            if key == "reset" and each != "accept" and not _is_size(each):
                raise _wrong(index, key, each, '"accept", or a number of bytes from 0 up')
            if key in ("cut", "slow") and not (_is_size(each) and (each or key == "cut")):
                raise _wrong(index, key, each, f"a number of bytes from {int(key == 'slow')} up")
            if key in ("hang", "delay", "down") and not _is_seconds(each):
                raise _wrong(index, key, each, "seconds from 0 up")
        endings = [key for key in ("reset", "cut", "hang", "down") if key in value]
        if len(endings) > 1:
            raise ConfigurationError(f"plan[{index}] has {' and '.join(map(repr, endings))}; expected one of them")
        return cls(**value)

    @property
    def limit(self) -> int | None:
        """After how many bytes of the answers the connection ends; None for never."""
        return self.cut if self.cut is not None else self.reset if isinstance(self.reset, int) else None


class FaultProxy:
    """A proxy on a free loopback port, from the moment it is made until it is closed; also a context manager.

    Parameters
    ----------
    host, port
        Where connections go.
    plan
        What happens to them, one entry each; the module's own text has the words.
    repeat
        Whether the plan begins again when it is through.

    Attributes
    ----------
    url
        Base URL to use in place of the server's.

    Raises
    ------
    ConfigurationError
        If the plan cannot be read.
    """

    def __init__(self, host: str, port: int, plan: Sequence[Mapping[str, Any]] = (), *, repeat: bool = False) -> None:
        self._to = (host, port)
        self._plan = [_Fault.read(index, each) for index, each in enumerate(plan)]
        self._repeat = repeat
        self._accepted = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._outage: asyncio.Task[None] | None = None
        listener = socket.create_server(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener,), name=f"fault proxy {self.url}", daemon=True)
        self._thread.start()
        self._ready.wait()
        atexit.register(self.close)

    @property
    def connections(self) -> int:
        """How many connections it has taken."""
        return self._accepted

    def down(self, seconds: float) -> None:
        """Reset all connections now and refuse new ones for so long; returns at once."""
        if not _is_seconds(seconds):
            raise ConfigurationError(f"down({seconds!r}): expected seconds from 0 up")
        if not self._thread.is_alive():
            raise ConfigurationError("this proxy is closed; make another one")
        asyncio.run_coroutine_threadsafe(self._go_down(seconds), self._loop).result()

    def close(self) -> None:
        """Reset all connections and stop; a second call does nothing."""
        atexit.unregister(self.close)
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the proxy, which runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def __repr__(self) -> str:
        """Return where it is and where it leads."""
        return f"<FaultProxy {self.url} to {self._to[0]}:{self._to[1]}, {self.connections} connections so far>"

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._main(listener))
        finally:
            self._ready.set()

    async def _main(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._server = await asyncio.start_server(self._accept, sock=listener)
        self._ready.set()
        await self._ending.wait()
        self._server.close()
        await self._reset_all()

    async def _go_down(self, seconds: float) -> None:
        self._server.close()
        if self._outage is not None:
            self._outage.cancel()
        self._outage = asyncio.create_task(self._come_up(seconds))
        await self._reset_all()

    async def _come_up(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)

    async def _reset_all(self) -> None:
        others = self._tasks - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do to a connection what the plan says; in the end it is closed, or reset."""
        fault = self._next()
        try:
            if fault.down is not None:
                await self._go_down(fault.down)
            elif fault.hang is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(_swallow(reader), fault.hang)
            elif fault.reset != "accept":
                await self._relay(fault, reader, writer)
        except OSError:
            pass  # either side has gone
        finally:
            reset(writer.transport)

    def _next(self) -> _Fault:
        number = self._accepted
        self._accepted += 1
        if self._repeat and self._plan:
            number %= len(self._plan)
        return self._plan[number] if number < len(self._plan) else _Fault()

    async def _relay(self, fault: _Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until a side ends, or the plan ends it."""
        server_reader, server_writer = await asyncio.open_connection(*self._to)
        asked = asyncio.Event()
        requests = asyncio.create_task(_copy(reader, server_writer, asked))
        try:
            whole = await _answer(fault, server_reader, writer, asked)
            if whole or fault.cut is not None:
                writer.close()
                await writer.wait_closed()
        finally:
            requests.cancel()
            server_writer.close()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            asked.set()
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _answer(
    fault: _Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event
) -> bool:
    """Pass answers on; return False if the plan ended them."""
    left = fault.limit
    while data := await reader.read(_CHUNK):
        if asked.is_set():  # the first part of an answer
            asked.clear()
            await asyncio.sleep(fault.delay)
        part = data if left is None else data[:left]
        await _write(part, fault.slow, writer)
        if left is not None:
            left -= len(part)
            if len(part) < len(data):
                return False
    return True


async def _write(data: bytes, rate: int | None, writer: asyncio.StreamWriter) -> None:
    size = len(data) if rate is None else max(1, rate // _SLICES)
    for start in range(0, len(data), size or 1):
        part = data[start : start + size]
        writer.write(part)
        await writer.drain()
        if rate is not None:
            await asyncio.sleep(len(part) / rate)


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and value >= 0


def _wrong(index: int, key: str, value: Any, expected: str) -> ConfigurationError:
    place = f"plan[{index}]" + (f"[{json.dumps(key)}]" if key else "")
    return ConfigurationError(f"{place} is {shorten(repr(value))}; expected {expected}")
