"""A body that is handed on while it arrives, and begun again where its download broke off."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import urllib3

    from intempt_nb.api.answers import Answer
    from intempt_nb.api.retries import Failure

__all__ = ["Broken", "Place", "read_until"]

_KNOWN: Final = 4096
_PART: Final = 1 << 16
_CHANGED: Final = "the connection broke in the middle of a page, and the server then gave another one; load it again"


class Broken(Exception):  # noqa: N818 - it tells the transport why, and never leaves it
    """A body did not come to its end."""

    def __init__(self, outcome: Answer | Failure) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(slots=True)
class Place:
    """How far a body was handed on, and the last of it, by which the place is known again."""

    reached: int = 0
    last: bytes = b""

    def beyond(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what was not handed on before of a body that begins anew.

        Raises
        ------
        TransportError
            If it is not the same body up to here: its last 4 KiB differ, or it is shorter.
        """
        known, begun, at, passed = self.last, self.reached, 0, b""
        for chunk in chunks:
            old = max(begun - at, 0)
            at += len(chunk)
            if old:
                passed = (passed + chunk[:old])[-len(known) :]
                if at >= begun and passed != known:
                    raise TransportError(_CHANGED)
            if new := chunk[old:]:
                self.reached += len(new)
                self.last = (self.last + new[-_KNOWN:])[-_KNOWN:]
                yield new
        if at < begun:
            raise TransportError(_CHANGED)


def read_until(body: urllib3.HTTPResponse, end: float) -> bytes:
    """Return a body that arrives before a time of :func:`time.perf_counter`, however slowly its parts drip in.

    Raises
    ------
    TimeoutError
        If it does not.
    """
    parts = []
    while part := body.read1(_PART, decode_content=True):
        parts.append(part)
        if time.perf_counter() > end:
            raise TimeoutError("the answer did not come to its end in time")
    return b"".join(parts)
