"""`SandboxHandle`: what only a sandbox has, which is things that go wrong when they are told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from intempt_nb.api import endpoints
from intempt_nb.display import html_table, text_table
from intempt_nb.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from intempt_nb.api.transport import Transport
    from intempt_nb.server.proxy import FaultProxy

__all__ = ["FaultRule", "Faults", "Proxy", "SandboxHandle"]


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)

_HEADER = ("rule", "about", "when", "what", "matched", "applied")
_ABOUT = ("method", "path")
_WHEN = ("on", "from", "to", "every", "chance", "seed", "rate", "burst")


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A rule of a fault script, and what became of it.

    Parameters
    ----------
    rule
        As it was written.
    matched
        How many requests it was about.
    applied
        On how many of them it acted.
    """

    rule: Mapping[str, Any]
    matched: int
    applied: int

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what the server says of one rule."""
        return cls(value["rule"], value["matched"], value["applied"])


@dataclass(frozen=True, slots=True)
class Faults:
    """A fault script as it stood when it was asked for; as a context manager, the sandbox is well again at its end.

    Parameters
    ----------
    rules
        Each rule with its counts.
    """

    rules: tuple[FaultRule, ...]
    _clear: Callable[[], object] = field(repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def __str__(self) -> str:
        """Return the rules as a text table."""
        return text_table(_HEADER, self._rows(), self._caption())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows(), self._caption())

    def _rows(self) -> list[tuple[object, ...]]:
        return [(index, *_words(each.rule), each.matched, each.applied) for index, each in enumerate(self.rules)]

    def _caption(self) -> str:
        return "Faults" if self.rules else "Faults: none"


def _words(rule: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what a rule is about, when it acts, and what it does."""
    about = " ".join(str(rule[key]) for key in _ABOUT if key in rule)
    when = ", ".join(f"{key} {rule[key]}" for key in _WHEN if key in rule)
    rest = {key: value for key, value in rule.items() if key not in (*_ABOUT, *_WHEN)}
    what = ", ".join(f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items())
    return about or "all", when or "each time", what


class Proxy(Generic[C]):
    """A network between a client and the sandbox that breaks as planned; a context manager.

    Attributes
    ----------
    client
        A client that goes through it; closed with it.
    url
        Base URL, for clients of one's own.
    """

    def __init__(self, proxy: FaultProxy, connect: Callable[[str], C]) -> None:
        self._proxy = proxy
        self.url = proxy.url
        self.client = connect(proxy.url)

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self._proxy.connections

    def down(self, seconds: float) -> None:
        """Reset all connections now and refuse new ones for so long; returns at once."""
        self._proxy.down(seconds)

    def close(self) -> None:
        """Close the client, then every connection; a second call does nothing."""
        self.client.close()
        self._proxy.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Proxy({self.url!r}, connections={self.connections})"


class SandboxHandle(Generic[C]):
    """What only a sandbox has: faults on demand, to rehearse what a pipeline does about them.

    Examples
    --------
    >>> client.sandbox.faults(
    ...     {"path": "/sources/*/data", "on": 2, "status": 503, "retry_after": 1},
    ...     {"path": "/sources/*/data", "on": 3, "drop": "after"},
    ... )
    >>> purchases.upload("purchases.csv")
    >>> client.sandbox.faults()  # which of them came to pass
    """

    def __init__(self, transport: Transport, connect: Callable[[str], C]) -> None:
        self._transport = transport
        self._connect = connect

    def faults(self, *rules: Mapping[str, Any]) -> Faults:
        """Have requests go wrong, in place of what the sandbox was told before; without a rule, show what it was told.

        Works with any sandbox that the client speaks to, also one that ``intempt-nb serve`` runs. Use it in a ``with``
        statement to have the faults end with the block, or end them with :meth:`clear_faults`.

        Parameters
        ----------
        rules
            Each says which requests it is about, on which of those it acts, and what it does to them. A request is
            counted by every rule that it matches; the first of them whose turn it is acts.

            - About: ``method``, and ``path`` as it stands behind ``/v1/{org}``, with ``*`` for any part of it and
              ``**`` for any number of parts. ``"/sources/*/data"`` is where uploads go.
            - When, counted from 1: ``on`` (``3`` or ``[2, 5]``); or ``from``, ``to`` and ``every``; or ``chance`` from
              0 to 1, with a ``seed`` for other picks; or ``rate``, for those that come faster than so many a second,
              of which ``burst`` (a second's worth, if it is not given) may come at once. Nothing for each time.
            - What: ``status`` (with ``retry_after``, ``retry_after_date``, ``message`` or ``body``); ``drop``
              (``"before"`` the request is carried out or ``"after"`` it), a reset without an answer; ``hang`` (seconds,
              then a reset); ``cut`` (bytes of the answer's body, then the end). ``"after": True`` has a status or a
              hang come once the request was carried out. ``delay`` (seconds) goes with any of them, or alone.

        Raises
        ------
        RejectedError
            If a rule cannot be used: with its place in the script and what is expected there.
        NotFoundError
            If this is not a sandbox.
        """
        if not rules:
            return self._read(endpoints.get_faults)
        return self._read(lambda transport: endpoints.put_faults(transport, rules))

    def clear_faults(self) -> Faults:
        """End all faults; return the script as it was, with its last counts."""
        return self._read(endpoints.delete_faults)

    def proxy(self, plan: Sequence[Mapping[str, Any]] = (), *, repeat: bool = False) -> Proxy[C]:
        """Put a network between that breaks connections, as no server can; for a sandbox on this machine.

        Parameters
        ----------
        plan
            What happens to the first connection, the second and so on; further ones are left alone. A client keeps
            its connection for many requests. Each entry is one of ``{}`` (nothing), ``{"reset": "accept"}`` (at once),
            ``{"reset": 100}`` (behind 100 bytes of the answers; 0 for none of them), ``{"cut": 100}`` (the same, but
            closed in the ordinary way), ``{"hang": 5}`` (nothing goes through, then a reset), ``{"down": 5}`` (a
            reset, and connections are refused for so long); and of ``{"delay": 0.2}`` (seconds that each answer is
            late) and ``{"slow": 1000}`` (bytes a second), which also go with the others.
        repeat
            Whether the plan begins again when it is through.

        Returns
        -------
        Proxy
            With a ``client`` that goes through it; a context manager.

        Raises
        ------
        ConfigurationError
            If the plan cannot be read, or the service is not on this machine.

        Examples
        --------
        >>> with client.sandbox.proxy([{"reset": 0}, {"cut": 300}]) as proxy:
        ...     proxy.client.collections["purchases"].upload("purchases.csv")
        """
        address = urlsplit(self._transport.base_url)
        if address.scheme != "http" or not address.hostname or not address.port:
            raise ConfigurationError(
                f"{self._transport.base_url} is not a sandbox on this machine, and only that has a proxy; "
                "inb.sandbox() starts one"
            )
        from intempt_nb.server.proxy import FaultProxy  # needed only here

        return Proxy(FaultProxy(address.hostname, address.port, plan, repeat=repeat), self._connect)

    def _read(self, call: Callable[[Transport], dict[str, Any] | None]) -> Faults:
        try:
            answer = call(self._transport) or {}
            return Faults(tuple(FaultRule.from_json(each) for each in answer["rules"]), self.clear_faults)
        except (KeyError, TypeError):  # a 404 is a KeyError too
            raise NotFoundError(
                f"{self._transport.base_url} takes no fault script: only a sandbox does, which inb.sandbox() or "
                "intempt-nb serve starts"
            ) from None

    def __repr__(self) -> str:
        return f"SandboxHandle({self._transport.base_url!r})"
