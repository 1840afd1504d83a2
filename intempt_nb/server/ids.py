"""Snowflake ids: 64 bits, growing with time, 17 to 19 digits as the API's own [seed].

The upper bits are milliseconds since `EPOCH_MS`, the lower 22 tell apart what is made in one millisecond. They start
at random, so that an id is never a round number which survives a trip through a float unharmed.
"""

from __future__ import annotations

import secrets
import time

__all__ = ["EPOCH_MS", "LOWEST", "MAX_ID", "id_floor", "new_tracker_number", "now_ms", "parse_id"]

EPOCH_MS = 1_566_950_400_000
"""2019-08-28: with it an id made in May 2020 has the size of those in the seed."""

LOWEST = 10**16
"""The first number of 17 digits; keeps the promise on a machine whose clock is wrong."""

MAX_ID = 2**63 - 1

_LOW_BITS = 22


def now_ms() -> int:
    """Return the time as epoch milliseconds."""
    return time.time_ns() // 1_000_000


def id_floor() -> int:
    """Return the number above which the ids made now begin; the store takes care that none is used twice."""
    millis = max(now_ms() - EPOCH_MS, LOWEST >> _LOW_BITS, 0)
    return max((millis << _LOW_BITS) | secrets.randbits(_LOW_BITS - 1), LOWEST)


def new_tracker_number() -> int:
    """Return a number of 19 digits that cannot be guessed: 62 random bits."""
    return secrets.randbelow(MAX_ID - 10**18) + 10**18


def parse_id(value: object) -> int | None:
    """Return an id given as text or as a JSON number, None if it cannot be one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_ID)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= MAX_ID else None
