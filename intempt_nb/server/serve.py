"""Running the API: `EmbeddedServer` beside a notebook, `run` on its own in the foreground.

The organisation's key is never written down: a server makes one at its start unless it is given one. The keys of
sources are in the store, as digests.
"""

from __future__ import annotations

import atexit
import errno
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from intempt_nb.errors import ConfigurationError
from intempt_nb.server.access import new_key
from intempt_nb.server.app import MAX_BODY, create_app
from intempt_nb.server.connections import OpenProtocol
from intempt_nb.server.faults import FaultScript
from intempt_nb.server.guard import LOOPBACK
from intempt_nb.server.pages import DEMO_PATH
from intempt_nb.server.store import MEMORY, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from starlette.applications import Starlette
    from starlette.middleware import Middleware

__all__ = ["API_KEY_VARIABLE", "DEFAULT_ORG", "EmbeddedServer", "run"]

DEFAULT_ORG = "sandbox"
API_KEY_VARIABLE = "INTEMPT_API_KEY"

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 3  # for requests under way when the server stops
_KEEP_ALIVE_SECONDS = 75  # longer than a look at a notebook's output takes, so that the next cell finds its connection


class EmbeddedServer:
    """The API on a loopback port of this machine, served from a thread until it is stopped or the process ends.

    It runs from the moment it is made. The thread has an event loop of its own, so it works beside the one of a
    notebook. Also a context manager, which stops it.

    Parameters
    ----------
    db
        The file to keep the data in; they end with the server by default.
    org
        The organisation it answers for.
    api_key
        The organisation's key; a new one by default.
    host, port
        Where to listen; a free port by default. Requests have to name this host, or a loopback one.
    max_body
        The most bytes of a request's body.
    middleware
        Goes between the guards and the routes.

    Attributes
    ----------
    url
        Base URL, without ``/v1``.
    org, api_key
        As given or made.

    Raises
    ------
    ConfigurationError
        If the file cannot be used, or the address is taken.
    """

    def __init__(
        self,
        db: str | os.PathLike[str] = MEMORY,
        *,
        org: str = DEFAULT_ORG,
        api_key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        max_body: int = MAX_BODY,
        middleware: Sequence[Middleware] = (),
    ) -> None:
        self.org = org
        self.api_key = api_key or new_key()
        self._store = Store(db)
        try:
            self._socket = _bind(host, port)
        except BaseException:
            self._store.close()
            raise
        self.url = _url(host, self._socket)
        faults = FaultScript()
        app = create_app(
            self._store,
            org=org,
            api_key=self.api_key,
            hosts=(*LOOPBACK, _name(host)),
            max_body=max_body,
            middleware=middleware,
            faults=faults,
        )
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._stopping = threading.Lock()
        self._server = _Server(_config(app), self._ready.set, faults.release)
        self._thread = threading.Thread(target=self._serve, name=f"intempt sandbox {self.url}", daemon=True)
        self._start()

    def _start(self) -> None:
        self._thread.start()
        atexit.register(self.stop)
        if not self._ready.wait(_START_SECONDS) or self._failure is not None:
            self.stop()
            raise ConfigurationError(f"the sandbox did not start at {self.url}: {self._failure or 'no answer'}")

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001  (told by the thread that waits for the start)
            self._failure = error
        finally:
            self._socket.close()
            self._ready.set()

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive() and not self._server.should_exit

    def stop(self) -> None:
        """Finish the requests under way and close the file; a second call does nothing."""
        atexit.unregister(self.stop)
        with self._stopping:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._store.close()

    def __enter__(self) -> Self:
        """Return the server, which runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def __repr__(self) -> str:
        """Return where it is, never its key."""
        state = "running" if self.running else "stopped"
        return f"<EmbeddedServer {self.url} org={self.org!r} db={self._store.path!r} {state}>"


def run(
    db: str | os.PathLike[str] = MEMORY,
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    org: str = DEFAULT_ORG,
    api_key: str | None = None,
    announce: Callable[[str], object] = print,
) -> None:
    """Serve in the foreground until Ctrl-C, or until the process is asked to end.

    Several processes may serve the same file; each has its own key for the organisation.

    Parameters
    ----------
    db
        The file to keep the data in.
    port, host
        Where to listen; port 0 takes a free one. Requests have to name this host, or a loopback one.
    org
        The organisation it answers for.
    api_key
        The organisation's key; by default the environment's ``INTEMPT_API_KEY``, or else a new one.
    announce
        Called once it serves, with a few lines for a person: the address, and the key if it is a new one.

    Raises
    ------
    ConfigurationError
        If the file cannot be used, or the address is taken.
    """
    given = api_key or os.environ.get(API_KEY_VARIABLE)
    key = given or new_key()
    with Store(db) as store, _bind(host, port) as listener:
        address = _url(host, listener)
        lines = [
            f"Intempt sandbox at {address}, organisation {org!r}, data in {store.path}",
            "API key: as given" if given else f"API key: {key} (made for this run; set {API_KEY_VARIABLE} to keep one)",
            "Connect: " + _connect(org, address, None if given else key),
            f"Demo page: {address}{DEMO_PATH} (a visit sets up its source)",
            "Ctrl-C stops it.",
        ]
        faults = FaultScript()
        app = create_app(store, org=org, api_key=key, hosts=(*LOOPBACK, _name(host)), faults=faults)
        with suppress(KeyboardInterrupt):
            _Server(_config(app), lambda: announce("\n".join(lines)), faults.release).run(sockets=[listener])


def _connect(org: str, address: str, key: str | None) -> str:
    """Return the Python that connects; without a key it comes from the environment there too."""
    shown = "" if key is None else f', api_key="{key}"'
    return f'inb.Client(org="{org}", base_url="{address}"{shown})'


class _Server(uvicorn.Server):
    """Says when it is ready, and when it ends."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object], ending: Callable[[], object]) -> None:
        super().__init__(config)
        self._say_ready = ready
        self._say_ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._say_ending()
        await super().shutdown(sockets)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=OpenProtocol,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        workers=1,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"{port} is not a port; choose one from 1024 to 65535, or 0 for a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                advice = "it is taken; stop what listens there, or choose another port (0 takes a free one)"
            case errno.EACCES:
                advice = "it is not allowed; choose a port from 1024 up (0 takes a free one)"
            case _:
                advice = f"{error.strerror or error}; choose an address of this machine, such as 127.0.0.1"
        raise ConfigurationError(f"cannot listen at {host} port {port}: {advice}") from None


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{_name(host)}:{listener.getsockname()[1]}"


def _name(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
