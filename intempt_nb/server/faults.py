"""The fault script: requests go wrong as its rules say, and ``/_sandbox/faults``, where it is read and written.

``PUT`` replaces the script and counts from 1, ``GET`` shows each rule with how many requests it matched and on how
many it acted, ``DELETE`` clears it and shows the same once more. All three need the organisation's key. See
`fault_rules` for what a rule says.

A request is counted by every rule that it matches; the first of them whose turn it is acts. Faults come before the
key is checked, as those of a gateway do; what a script says "after" has an ordinary answer that nobody sees. The
script is not kept: it ends with the server, and of several that serve one file each has its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import json_answer
from intempt_nb.server.connections import reset
from intempt_nb.server.fault_rules import Cut, Drop, Reply, read_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from intempt_nb.server.calls import Call
    from intempt_nb.server.fault_rules import Rule

__all__ = ["FAULTS_PATH", "FaultScript", "Faults", "fault_calls"]

FAULTS_PATH = "/_sandbox/faults"


@dataclass(slots=True)
class _Counted:
    rule: Rule
    matched: int = 0
    applied: int = 0
    taken: float = 0.0
    """Tokens that are missing from a rate's bucket, as of `at`, by :func:`time.monotonic`."""
    at: float = 0.0

    def acts(self) -> bool:
        """Return whether the rule acts on the request that was just counted."""
        if self.rule.rate is None:
            return self.rule.acts_on(self.matched)
        now = time.monotonic()
        self.taken, self.at = max(0.0, self.taken - (now - self.at) * self.rule.rate), now
        passes = self.taken + 1 <= self.rule.burst
        self.taken += passes
        return not passes


class FaultScript:
    """The rules in force, and their counts; for any number of threads.

    Attributes
    ----------
    active
        Whether there are any rules.
    """

    def __init__(self) -> None:
        self.active = False
        self._rules: list[_Counted] = []
        self._lock = threading.Lock()
        self._released = asyncio.Event()

    def replace(self, rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
        """Put other rules in force and return the account of those before."""
        with self._lock:
            before = self._account()
            self._rules = [_Counted(rule) for rule in rules]
            self.active = bool(rules)
            return before

    def account(self) -> list[dict[str, Any]]:
        """Return each rule as it was written, and how many requests it matched and acted on."""
        with self._lock:
            return self._account()

    def _account(self) -> list[dict[str, Any]]:
        return [{"rule": each.rule.source, "matched": each.matched, "applied": each.applied} for each in self._rules]

    def take(self, method: str, path: str) -> Rule | None:
        """Count a request and return the rule that acts on it."""
        acting = None
        with self._lock:
            for each in self._rules:
                if each.rule.is_about(method, path):
                    each.matched += 1
                    if acting is None and each.acts():
                        each.applied += 1
                        acting = each.rule
        return acting

    def release(self) -> None:
        """Let all that wait go on, now and from now on; called in the event loop when the server stops."""
        self._released.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but not for a server that stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), seconds)

    async def hang(self, seconds: float, receive: Receive) -> None:
        """Wait, but neither for a server that stops nor for a client that has gone."""
        waits = [asyncio.ensure_future(each) for each in (self._released.wait(), _until_gone(receive))]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()


class Faults:
    """Has requests go wrong as a script says; without one it costs a request no more than a look.

    Parameters
    ----------
    app
        What carries the requests out.
    script
        The rules.
    prefix
        What stands in front of the paths that the rules name.
    """

    def __init__(self, app: ASGIApp, script: FaultScript, prefix: str) -> None:
        self._app = app
        self._script = script
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or do what the first rule says whose turn it is."""
        rule = None
        if self._script.active and scope["type"] == "http" and scope["path"].startswith(f"{self._prefix}/"):
            rule = self._script.take(scope["method"], scope["path"].removeprefix(self._prefix))
        if rule is None:
            await self._app(scope, receive, send)
            return
        if rule.delay:
            await self._script.pause(rule.delay)
        match rule.action:
            case None:
                await self._app(scope, receive, send)
            case Cut(size):
                await self._app(scope, receive, _cutting(send, scope, size))
                await _until_gone(receive)
            case Reply() as reply:
                await self._carry_out(reply.after, scope, receive)
                await reply.answer()(scope, receive, send)
            case Drop(seconds, after):
                await self._carry_out(after, scope, receive)
                if seconds:
                    await self._script.hang(seconds, receive)
                reset(scope["state"]["transport"])
                await _until_gone(receive)

    async def _carry_out(self, wanted: bool, scope: Scope, receive: Receive) -> None:
        """Carry the request out and keep the answer back, or only read the request to its end."""
        if wanted:
            await self._app(scope, receive, _ignore)
            return
        more = True
        while more:
            more = (await receive()).get("more_body", False)


async def _ignore(_: Message) -> None:
    pass


async def _until_gone(receive: Receive) -> None:
    """Wait for the end of the connection, or of the answer: before it the server would send an answer of its own."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _cutting(send: Send, scope: Scope, size: int) -> Send:
    """Return a `send` that ends the connection behind `size` bytes of the body; a shorter one it lets pass."""
    left = size
    ended = False

    async def cut(message: Message) -> None:
        nonlocal left, ended
        body = message.get("body", b"")
        if ended:
            return
        ended = len(body) > left
        await send({**message, "body": body[:left], "more_body": True} if ended else message)
        left -= len(body)
        if ended:
            # Closed rather than reset, which would drop the part that the client is to see.
            scope["state"]["transport"].close()

    return cut


def fault_calls(script: FaultScript) -> Mapping[str, Callable[[Call], Response]]:
    """Return the calls about a script, by method."""

    def show(call: Call) -> Response:
        call.access.require_organization("the fault script")
        return json_answer({"rules": script.account()})

    def put(call: Call) -> Response:
        call.access.require_organization("the fault script")
        script.replace(read_rules(call.json_object()))
        return show(call)

    def clear(call: Call) -> Response:
        call.access.require_organization("the fault script")
        return json_answer({"rules": script.replace(())})

    return {"GET": show, "PUT": put, "DELETE": clear}
