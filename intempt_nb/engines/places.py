"""Where a collection is, told to processes elsewhere: all but the API key, which each of them has by itself."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from intempt_nb.api.credentials import ENVIRONMENT_VARIABLE, KEYRING_SERVICE, resolve_key
from intempt_nb.api.transport import Transport
from intempt_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from intempt_nb.api.credentials import Secret
    from intempt_nb.client import Client

__all__ = ["Place", "lend_key"]

_lock: Final = Lock()
_here: Final = WeakValueDictionary[tuple[int, str, str], Transport]()
"""Connections that clients of a process hold: its threads need no key of their own."""
_made: Final = dict[tuple[int, str, str, tuple[float, float]], Transport]()
"""Connections made for a `Place`, by process; kept, so that each part of the work does not connect anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server, as a process elsewhere reaches it; holds no key, and may be pickled.

    Parameters
    ----------
    org, base_url, timeout
        As :class:`intempt_nb.Client` has them.
    """

    org: str
    base_url: str
    timeout: tuple[float, float]

    @classmethod
    def of(cls, transport: Transport) -> Place:
        """Return where a connection goes to; threads of this process will use the connection itself."""
        place = cls(transport.org, transport.base_url, transport.timeout)
        with _lock:
            _here[os.getpid(), place.org, place.base_url] = transport
        return place

    def connect(self) -> Transport:
        """Return a connection of this process; all threads and all parts of the work share it.

        Raises
        ------
        ConfigurationError
            If this process has no key: it is the one that was lent to it with :func:`lend_key`, or taken from the
            environment variable ``INTEMPT_API_KEY`` or the keyring, and nobody is asked.
        """
        with _lock:
            own = _here.get((os.getpid(), self.org, self.base_url))  # a forked process shares no socket
            if own is not None and not own.closed:
                return own
            address = (os.getpid(), self.org, self.base_url, self.timeout)
            if address not in _made:
                _made[address] = Transport(self.base_url, self.org, self._key(), timeout=self.timeout)
            return _made[address]

    def require_key(self) -> None:
        """Raise `ConfigurationError`, with what to do, if this process has no key of its own to connect with."""
        self._key()

    def _key(self) -> Secret:
        here = f"the process {os.getpid()} on {platform.node()}"
        try:
            return resolve_key(os.environ.get(_lent_name(self.org, self.base_url)), org=self.org, ask=False)
        except ConfigurationError as error:
            if os.environ.get(ENVIRONMENT_VARIABLE, "").strip():
                raise ConfigurationError(f"{here}: {error}") from None
            raise ConfigurationError(
                f"{here} has no API key for the organisation {self.org!r}. "
                f"Keys do not travel with the work: set {ENVIRONMENT_VARIABLE} where the workers start, or store it "
                f"there with `keyring set {KEYRING_SERVICE} {self.org}`. Workers on this machine inherit it if "
                "inb.engines.lend_key(client) is called before the cluster starts"
            ) from None


def lend_key(client: Client) -> None:
    """Let processes that are started from now on inherit a client's API key, in their environment.

    It is put into a variable of this process's environment whose name is that of the server and the organisation: other
    clients, of this process and of theirs, do not take it for their own. Nothing is written to disk or sent. For
    workers on this machine: call it before the cluster, the pool or the Spark session starts; workers that are started
    again later inherit it, too. Elsewhere the workers have a key of their own.

    Parameters
    ----------
    client
        Whose key it is.
    """
    os.environ[_lent_name(client.org, client.base_url)] = client._transport.key.reveal()


def _lent_name(org: str, base_url: str) -> str:
    return f"INTEMPT_LENT_KEY_{hashlib.sha256(f'{base_url} {org}'.encode()).hexdigest()[:16].upper()}"
