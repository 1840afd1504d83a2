"""Connections: answers that leave at once, and an end on purpose, for which the application reaches its connection."""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["OpenProtocol", "reset"]

# On, and no seconds to linger: what is unsent is dropped, and the other side is told by a reset.
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class OpenProtocol(H11Protocol):
    """HTTP/1.1, with the connection in the application's reach as ``scope["state"]["transport"]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Keep the connection where every request of it will find it."""
        # An answer's body leaves behind its headers. Together they would wait for the client to acknowledge the
        # headers, which takes it 40 ms; asyncio sees to it only for sockets that name their protocol.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with a reset (RST), dropping what was not sent yet."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()  # type: ignore[attr-defined]  # every transport of a connection has it
