"""The rules of a fault script: read from JSON with every mistake told, and what they do as closed types. Pure.

A rule is a JSON object that says which requests it is about, which of those it acts on, and what it does to them::

    {"path": "/sources/*/data", "on": 2, "status": 503, "retry_after": 1}

Which requests, all of them if nothing is said:

``method``
    ``"POST"``.
``path``
    A path as it stands behind ``/v1/{org}``; ``*`` is any one part of it, ``**`` any number: ``"/sources/*/data"``.

Which of those, counted from 1, all of them if nothing is said:

``on``
    The number of one, or a list: ``3``, ``[2, 5]``.
``from``, ``to``, ``every``
    The first, the last, and the step: ``{"every": 3}`` is 3, 6, 9 …; ``{"from": 2, "every": 3}`` is 2, 5, 8 …
``chance``, ``seed``
    How likely it is for each one, from 0 to 1. The same seed (0 by default) picks the same numbers each time.

``rate``, ``burst``
    Those that come faster than so many a second, as from a server that limits them: a bucket of `burst` tokens (a
    second's worth by default), of which each request that passes takes one, and which fills at the rate.

What it does, one of the first four, or a delay alone:

``status``
    It answers that and nothing is carried out. With it ``message``, for the usual error answer, or ``body``, JSON
    or text to send instead; ``retry_after`` as seconds, or a text that is sent as it is, or ``retry_after_date``,
    which says the same seconds as a date.
``drop``
    The connection is reset without an answer: ``"before"`` the request is carried out, or ``"after"`` it.
``hang``
    No answer for that many seconds, then the connection is reset.
``cut``
    The request is carried out, and the connection ends after that many bytes of the answer's body.
``after``
    True: the ``status`` or ``hang`` comes once the request was carried out, as from a gateway that lost the answer.
``delay``
    Seconds before anything else happens, for any rule.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from http.client import responses
from time import time
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.responses import Response

from intempt_nb.display import shorten
from intempt_nb.errors import suggest
from intempt_nb.server.answers import invalid, text_answer, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["MAX_RULES", "Action", "Cut", "Drop", "Reply", "Rule", "read_rules"]

MAX_RULES = 100
"""The most rules of a script; each is looked at for each request."""

_MAX_SECONDS = 3600
_MAX_RATE = 1_000_000
_SHOWN = 5
_NO_BODY = (204, 205, 304)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in place of the real one."""

    status: int
    message: str
    body: Any = None
    retry_after: float | str | None = None
    as_date: bool = False
    after: bool = False

    def answer(self) -> Response:
        """Return the answer to send now."""
        headers = {} if self.retry_after is None else {"Retry-After": self._retry_after()}
        if isinstance(self.body, str):
            return Response(self.body, self.status, headers, "text/plain")
        body = self.body if self.body is not None else self._error()
        return text_answer(to_json(body), self.status, headers)

    def _retry_after(self) -> str:
        if isinstance(self.retry_after, str):
            return self.retry_after
        seconds = self.retry_after or 0
        return formatdate(time() + seconds, usegmt=True) if self.as_date else f"{seconds:g}"

    def _error(self) -> dict[str, Any]:
        return {"status": self.status, "error": responses.get(self.status, "Error"), "message": self.message}


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection that is reset without an answer, after a wait."""

    seconds: float
    after: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """An answer whose body ends too early."""

    size: int


Action: TypeAlias = Reply | Drop | Cut | None
"""What a rule does; None for a delay alone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a script.

    Parameters
    ----------
    source
        As it was written.
    index
        Its place in the script, from 0.
    method, path
        What it is about; None for all.
    on
        The numbers it acts on; None for those from `first` to `last` by `every`.
    first, last, every
        As said; no `last` for all that come.
    chance, seed
        How likely each of them is.
    rate, burst
        The requests a second that it lets pass, and at once; None for a rule that does not count time.
    delay
        Seconds.
    action
        What it does.
    """

    source: Mapping[str, Any]
    index: int
    method: str | None
    path: re.Pattern[str] | None
    on: frozenset[int] | None
    first: int
    last: int | None
    every: int
    chance: float
    seed: int
    rate: float | None
    burst: float
    delay: float
    action: Action = field(repr=False)

    def is_about(self, method: str, path: str) -> bool:
        """Return whether it counts this request."""
        return self.method in (None, method) and (self.path is None or self.path.fullmatch(path) is not None)

    def acts_on(self, number: int) -> bool:
        """Return whether it acts on the request of that number; the same each time it is asked."""
        if self.on is not None:
            return number in self.on
        if number < self.first or (number - self.first) % self.every or (self.last is not None and number > self.last):
            return False
        # Its place is part of the seed: two rules with the same one would pick the same requests.
        drawn = random.Random(f"{self.seed}/{self.index}/{number}").random()  # noqa: S311  (repeatable on purpose)
        return drawn < self.chance


def read_rules(script: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of a script ``{"rules": [rule, …]}``.

    Raises
    ------
    HttpError
        400 with all that is wrong, each with its place as a JSON pointer.
    """
    rules = script.get("rules")
    if set(script) != {"rules"} or not isinstance(rules, list):
        raise invalid(f'the script is {_shown(script)}; expected {{"rules": [rule, …]}}')
    if len(rules) > MAX_RULES:
        raise invalid(f"/rules has {len(rules)} rules; expected up to {MAX_RULES}")
    problems = [f"/rules/{index}{each}" for index, rule in enumerate(rules) for each in _problems(rule)]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise invalid("; ".join(problems[:_SHOWN]) + more)
    return tuple(_rule(index, rule) for index, rule in enumerate(rules))


def _rule(index: int, rule: Mapping[str, Any]) -> Rule:
    on = rule.get("on")
    every = rule.get("every", 1)
    return Rule(
        source=rule,
        index=index,
        method=rule.get("method"),
        path=_pattern(rule["path"]) if "path" in rule else None,
        on=None if on is None else frozenset(on if isinstance(on, list) else [on]),
        first=rule.get("from", every),
        last=rule.get("to"),
        every=every,
        chance=rule.get("chance", 1),
        seed=rule.get("seed", 0),
        rate=rule.get("rate"),
        burst=rule.get("burst", max(rule.get("rate", 1), 1)),
        delay=rule.get("delay", 0),
        action=_action(index, rule),
    )


def _action(index: int, rule: Mapping[str, Any]) -> Action:
    after = rule.get("after", False)
    if "status" in rule:
        as_date = "retry_after_date" in rule
        return Reply(
            rule["status"],
            rule.get("message", f"rule {index} of the fault script answers {rule['status']}"),
            rule.get("body"),
            rule.get("retry_after_date" if as_date else "retry_after"),
            as_date,
            after,
        )
    if "drop" in rule:
        return Drop(0, after=rule["drop"] == "after")
    if "hang" in rule:
        return Drop(rule["hang"], after)
    return Cut(rule["cut"]) if "cut" in rule else None


def _pattern(path: str) -> re.Pattern[str]:
    parts = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in re.split(r"(\*\*|\*)", path)), re.DOTALL)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _MAX_SECONDS


def _is_rate(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= _MAX_RATE


def _is_on(value: Any) -> bool:
    return all(map(_is_count, value)) and bool(value) if isinstance(value, list) else _is_count(value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and (value.startswith(("/", "**"))) and not value.startswith("/v1/")


def _is_status(value: Any) -> bool:
    return type(value) is int and 200 <= value <= 599 and value not in _NO_BODY


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[!-~]([ -~]*[!-~])?", value) is not None


_SECONDS = f"seconds from 0 to {_MAX_SECONDS}"
_COUNT = "a whole number from 1 up"
_KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "method": (lambda value: isinstance(value, str) and re.fullmatch("[A-Z]+", value) is not None, '"POST", for one'),
    "path": (_is_path, 'a path as it stands behind /v1/{org}: "/sources/*/data"'),
    "on": (_is_on, "a whole number from 1 up, or a list of such"),
    "from": (_is_count, _COUNT),
    "to": (_is_count, _COUNT),
    "every": (_is_count, _COUNT),
    "chance": (lambda value: type(value) in (int, float) and 0 <= value <= 1, "a number from 0 to 1"),
    "seed": (lambda value: type(value) is int, "a whole number"),
    "delay": (_is_seconds, _SECONDS),
    "rate": (_is_rate, f"requests a second, above 0 and up to {_MAX_RATE}"),
    "burst": (_is_count, _COUNT),
    "status": (_is_status, "a status from 200 to 599 whose answer has a body"),
    "message": (lambda value: isinstance(value, str), "text"),
    "body": (lambda value: value is not None, "JSON or text to answer with"),
    "retry_after": (lambda value: _is_seconds(value) or _is_header(value), f"{_SECONDS}, or a header's text"),
    "retry_after_date": (_is_seconds, _SECONDS),
    "drop": (lambda value: value in ("before", "after"), '"before" or "after"'),
    "hang": (_is_seconds, _SECONDS),
    "cut": (lambda value: type(value) is int and value >= 0, "a number of bytes from 0 up"),
    "after": (lambda value: type(value) is bool, "true or false"),
}
_ACTIONS = ("status", "drop", "hang", "cut")
# Keys that say the same thing in two ways, and keys that mean nothing without another.
_APART = [
    *((one, other) for number, one in enumerate(_ACTIONS) for other in _ACTIONS[number + 1 :]),
    *(("on", other) for other in ("from", "to", "every", "chance")),
    *(("rate", other) for other in ("on", "from", "to", "every", "chance")),
    ("message", "body"),
    ("retry_after", "retry_after_date"),
]
_NEEDS = {
    "seed": ("chance",),
    "burst": ("rate",),
    "after": ("status", "hang"),
    **dict.fromkeys(("message", "body", "retry_after", "retry_after_date"), ("status",)),
}


def _problems(rule: Any) -> Iterator[str]:
    """Yield what is wrong with a rule, each behind its place in it."""
    if not isinstance(rule, dict):
        yield f': {_shown(rule)}; expected a rule: {{"path": "/sources/*/data", "on": 2, "status": 503}}'
        return
    for key, value in rule.items():
        if key not in _KEYS:
            yield f": unknown key {shorten(key)!r}{suggest(key, _KEYS)}"
        elif not _KEYS[key][0](value):
            yield f"/{key}: {_shown(value)}; expected {_KEYS[key][1]}"
    for one, other in _APART:
        if one in rule and other in rule:
            yield f": has {one!r} and {other!r}; expected one of them"
    for key, needed in _NEEDS.items():
        if key in rule and not any(each in rule for each in needed):
            yield f"/{key}: means nothing without {' or '.join(map(repr, needed))}"
    if not any(each in rule for each in (*_ACTIONS, "delay")):
        yield f": does nothing; expected one of {', '.join((*_ACTIONS, 'delay'))}"
    if _is_count(rule.get("from")) and _is_count(rule.get("to")) and rule["from"] > rule["to"]:
        yield f"/to: {rule['to']}; expected a number from {rule['from']} up, which is where it begins"


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False))
