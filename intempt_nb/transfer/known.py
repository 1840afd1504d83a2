"""What is known of the rows of an upload: intervals of row numbers, by session and lane.

An interval says of *all* rows of its lane between two numbers what became of them. A row that a session looked at and
did not send (it was found bad here, or its outcome was to stay unknown) lies between rows that it sent, so each session
says of which rows its intervals do not speak.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Rows: TypeAlias = npt.NDArray[np.int64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = ["Known", "Post", "Rejected"]


class Rejected(NamedTuple):
    """A row that the server refused."""

    row: int
    field: str | None
    status: int | None
    reason: str


class Post(NamedTuple):
    """A request of some session: the rows of `lane` from `first` to `last`, so many of them where it is known."""

    session: int
    lane: int
    first: int
    last: int
    rows: int | None
    accepted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Row numbers from `firsts` to `lasts`, both included; ascending and apart."""

    firsts: Rows
    lasts: Rows

    @classmethod
    def merged(cls, pairs: Iterable[tuple[int, int]]) -> Intervals:
        """Return intervals that may overlap as such that do not."""
        ordered = np.array(sorted(pairs), np.int64).reshape(-1, 2)
        firsts, reach = ordered[:, 0], np.maximum.accumulate(ordered[:, 1])
        begins = np.append(True, firsts[1:] > reach[:-1] + 1)[: len(ordered)]
        return cls(firsts[begins], reach[np.append(begins[1:], True)[: len(ordered)]])

    def hold(self, rows: Rows) -> Mask:
        """Return which rows lie in an interval."""
        place = np.searchsorted(self.firsts, rows, side="right") - 1
        inside = place >= 0
        inside[inside] = rows[inside] <= self.lasts[place[inside]]
        return inside


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What the requests of one session came to, by lane."""

    accepted: Mapping[int, Intervals]
    doubtful: Mapping[int, Intervals]
    left_out: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What earlier sessions found out.

    Parameters
    ----------
    sessions
        Each on its own, as a row that one left out may have been sent by the next.
    rejects
        The rows that the server refused, by row.
    refused
        Their numbers.
    """

    sessions: tuple[Session, ...]
    rejects: tuple[Rejected, ...]
    refused: Rows

    @classmethod
    def of(cls, posts: Sequence[Post], rejects: Iterable[Rejected], left_out: Sequence[tuple[int, Rows]]) -> Known:
        """Put together what a journal holds: requests, refused rows, and by session the rows that it left out."""
        sessions = []
        for number in sorted({post.session for post in posts}):
            own = [post for post in posts if post.session == number]
            out = _united([rows for session, rows in left_out if session == number])
            sessions.append(Session(_by_lane(own, accepted=True), _by_lane(own, accepted=False), out))
        ordered = tuple(sorted(rejects))
        return cls(tuple(sessions), ordered, np.array([each.row for each in ordered], np.int64))

    def settled(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane need not be sent: the server has them, or refused them."""
        return self._held("accepted", lane, rows) | _among(self.refused, rows)

    def accepted(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane the server has."""
        return self._held("accepted", lane, rows) & ~_among(self.refused, rows)

    def doubtful(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane the server may or may not have."""
        return self._held("doubtful", lane, rows) & ~self.settled(lane, rows)

    def in_doubt(self, posts: Iterable[Post]) -> list[Post]:
        """Return the requests whose outcome no later request settled; rows of a lane are sent in order."""
        return [
            post
            for post in posts
            if not post.accepted and not self.settled(post.lane, np.array([post.first, post.last])).all()
        ]

    def _held(self, what: Literal["accepted", "doubtful"], lane: int, rows: Rows) -> Mask:
        found = np.zeros(len(rows), np.bool_)
        for session in self.sessions:
            intervals: Intervals | None = getattr(session, what).get(lane)
            if intervals is not None:
                found |= intervals.hold(rows) & ~_among(session.left_out, rows)
        return found


def _by_lane(posts: Iterable[Post], *, accepted: bool) -> dict[int, Intervals]:
    pairs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for post in posts:
        if post.accepted == accepted:
            pairs[post.lane].append((post.first, post.last))
    return {lane: Intervals.merged(each) for lane, each in pairs.items()}


def _united(rows: Sequence[Rows]) -> Rows:
    return np.unique(np.concatenate([np.array([], np.int64), *rows]))


def _among(ordered: Rows, rows: Rows) -> Mask:
    """Return which rows are among some that are in order."""
    place = np.searchsorted(ordered, rows)
    inside = place < len(ordered)
    inside[inside] = ordered[place[inside]] == rows[inside]
    return inside
