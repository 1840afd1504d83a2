"""Where a collection is, told to processes elsewhere: all but the API key, which each of them has by itself."""

from __future__ import annotations

import hashlib
import os
import platform
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from intempt_nb.api.credentials import ENVIRONMENT_VARIABLE, KEYRING_SERVICE, resolve_key
from intempt_nb.api.transport import Transport
from intempt_nb.errors import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from intempt_nb.api.credentials import Secret
    from intempt_nb.client import Client

__all__ = ["Place", "lend_key"]

_lock: Final = Lock()
_here: Final = defaultdict[tuple[int, str], WeakSet[Transport]](WeakSet)
"""Connections that clients of a process hold, open or not: its threads need no key of their own."""
_made: Final = dict[tuple[int, "Place"], Transport]()
"""Connections made for a `Place`, by process; kept, so that each part of the work does not connect anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server, as a process elsewhere reaches it; holds no key, and may be pickled.

    Parameters
    ----------
    org, base_url, timeout
        As :class:`intempt_nb.Client` has them.
    key_digest
        Tells the client's key from others of the organisation, as each source has its own; None for any.
    """

    org: str
    base_url: str
    timeout: tuple[float, float]
    key_digest: str | None = field(default=None, repr=False)
    _own: Transport | None = field(default=None, repr=False, compare=False)
    """Kept for as long as the work that this is a part of, though nobody holds the client any more; left behind."""

    def __reduce__(self) -> tuple[type[Place], tuple[Any, ...]]:
        return Place, (self.org, self.base_url, self.timeout, self.key_digest)

    @classmethod
    def of(cls, transport: Transport) -> Place:
        """Return where a connection goes to; threads of this process will use the connection itself."""
        digest = _digest(transport.org, transport.base_url, transport.key)
        place = cls(transport.org, transport.base_url, transport.timeout, digest, transport)
        with _lock:
            for name in place._names():
                _here[os.getpid(), name].add(transport)
        return place

    def connect(self) -> Transport:
        """Return a connection of this process; all threads and all parts of the work share it.

        Raises
        ------
        ConfigurationError
            If this process has no key: it is the one that was lent to it with :func:`lend_key`, or taken from the
            environment variable ``INTEMPT_API_KEY`` or the keyring, and nobody is asked.
        """
        process = os.getpid()  # a forked one shares no socket
        with _lock:
            clients = _here.get((process, self._names()[0]))
            for own in clients or ():
                if not own.closed:
                    return own
            if (process, self) not in _made:
                _made[process, self] = _OwnTransport(self, *self._key(had_client=clients is not None))
            return _made[process, self]

    def require_key(self) -> None:
        """Raise `ConfigurationError`, with what to do, if this process has no key of its own to connect with."""
        self._key()

    def _key(self, *, had_client: bool = False) -> tuple[Secret, str]:
        """Return the key, and where it was found."""
        name, process = self._names()[0], f"the process {os.getpid()} on {platform.node()}"
        is_set = bool(os.environ.get(ENVIRONMENT_VARIABLE, "").strip())
        try:
            key = resolve_key(os.environ.get(name), org=self.org, ask=False)
        except ConfigurationError as error:
            if is_set:
                raise ConfigurationError(f"{process}: {error}") from None
            raise ConfigurationError(self._closed() if had_client else self._no_key(process)) from None
        if name in os.environ:
            return key, "lent with lend_key"
        where = f"from the environment variable {ENVIRONMENT_VARIABLE}" if is_set else "from the keyring"
        is_other = self.key_digest not in (None, _digest(self.org, self.base_url, key))
        return key, f"{where}, and not the client's" if is_other else where

    def _closed(self) -> str:
        return (
            f"the client of the organisation {self.org!r} that this was made with was closed; keep it open until the "
            "work is done, or make this again with a new one"
        )

    def _no_key(self, process: str) -> str:
        return (
            f"{process} has no API key for the organisation {self.org!r}. "
            f"Keys do not travel with the work: set {ENVIRONMENT_VARIABLE} where the workers start, or store it "
            f"there with `keyring set {KEYRING_SERVICE} {self.org}`. Workers on this machine inherit it if "
            "inb.engines.lend_key(client) is called before the cluster starts"
        )

    def _names(self) -> tuple[str, str]:
        """Return the variables in which its key is lent: to what has its digest, and to what has none."""
        server = ("INTEMPT_LENT_KEY", _hashed(self.base_url, self.org))
        return "_".join((*server, self.key_digest or "ANY")), "_".join((*server, "ANY"))


class _OwnTransport(Transport):
    """A connection with a process's own key: a refusal says which one that was."""

    def __init__(self, place: Place, key: Secret, found: str) -> None:
        super().__init__(place.base_url, place.org, key, timeout=place.timeout)
        self._found = found

    def _given_up(self, *request: Any, **known: Any) -> Any:
        error = super()._given_up(*request, **known)
        if isinstance(error, AuthenticationError):
            error.message += f" (the API key of the process {os.getpid()} on {platform.node()} is {self._found})"
        return error


def lend_key(client: Client) -> None:
    """Let processes that are started from now on inherit a client's API key, in their environment.

    It is put into variables of this process's environment whose names are made of the server, the organisation and the
    key: other clients, of this process and of theirs, do not take it for their own. What names no client (Spark's
    options) has the one that was lent last. Nothing is written to disk or sent. For workers on this machine: call it
    before the cluster, the pool or the Spark session starts; workers that are started again later inherit it, too.
    Elsewhere the workers have a key of their own.

    Parameters
    ----------
    client
        Whose key it is.
    """
    for name in Place.of(client._transport)._names():
        os.environ[name] = client._transport.key.reveal()


def _digest(org: str, base_url: str, key: Secret) -> str:
    """Return what tells a key from others: it travels, which is safe as nobody can try all keys that there may be."""
    return _hashed(base_url, org, key.reveal())


def _hashed(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16].upper()
