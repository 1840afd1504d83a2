"""What is known of the rows of an upload: intervals of row numbers, by session and lane.

An interval says of *all* rows of its lane between two numbers what became of them. A row that a session looked at and
did not send (it was found bad here, or its outcome was to stay unknown) lies between rows that it sent, so each session
says of which rows its intervals do not speak.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Rows: TypeAlias = npt.NDArray[np.int64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = ["Known", "Posts", "Rejected"]

NO_COUNT: Final = -1
"""Stands for a number of rows that is not known."""


class Rejected(NamedTuple):
    """A row that the server refused."""

    row: int
    field: str | None
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Posts:
    """Requests, a column for each thing known of them: there may be a million, too many for an object each.

    Parameters
    ----------
    sessions, lanes, firsts, lasts
        Each was in some session, for the rows of a lane from a first to a last one.
    counts
        How many rows they are; `NO_COUNT` where that is not known.
    accepted
        Whether the server is known to have them.
    """

    sessions: Rows
    lanes: Rows
    firsts: Rows
    lasts: Rows
    counts: Rows
    accepted: Mask

    @classmethod
    def of(cls, rows: Iterable[Sequence[int | bool]]) -> Posts:
        """Put together what is known of each in turn."""
        table = np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 6)
        sessions, lanes, firsts, lasts, counts, accepted = np.ascontiguousarray(table.T)
        return cls(sessions, lanes, firsts, lasts, counts, accepted.astype(np.bool_))

    def only(self, chosen: Mask) -> Posts:
        """Return some of them."""
        return Posts(
            self.sessions[chosen],
            self.lanes[chosen],
            self.firsts[chosen],
            self.lasts[chosen],
            self.counts[chosen],
            self.accepted[chosen],
        )

    def rows(self) -> int | None:
        """Return how many rows all of them are; None if that is not known of each."""
        return None if (self.counts == NO_COUNT).any() else int(self.counts.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Row numbers from `firsts` to `lasts`, both included; ascending and apart."""

    firsts: Rows
    lasts: Rows

    @classmethod
    def merged(cls, firsts: Rows, lasts: Rows) -> Intervals:
        """Return intervals that may overlap as such that do not; there is at least one."""
        order = np.argsort(firsts)
        firsts, reach = firsts[order], np.maximum.accumulate(lasts[order])
        begins = np.append(True, firsts[1:] > reach[:-1] + 1)
        return cls(firsts[begins], reach[np.append(begins[1:], True)])

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
    def of(cls, posts: Posts, rejects: Iterable[Rejected], left_out: Sequence[tuple[int, Rows]]) -> Known:
        """Put together what a journal holds: requests, refused rows, and by session the rows that it left out."""
        sessions = []
        for number in np.unique(posts.sessions):
            own = posts.only(posts.sessions == number)
            out = _united([rows for session, rows in left_out if session == number])
            sessions.append(Session(_by_lane(own.only(own.accepted)), _by_lane(own.only(~own.accepted)), out))
        ordered = tuple(sorted(rejects))
        return cls(tuple(sessions), ordered, np.array([each.row for each in ordered], np.int64))

    def settled(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane need not be sent: the server has them, or refused them."""
        return self._accepted(lane, rows) | _among(self.refused, rows)

    def accepted(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane the server has."""
        return self._accepted(lane, rows) & ~_among(self.refused, rows)

    def doubtful(self, lane: int, rows: Rows) -> Mask:
        """Return which rows of a lane the server may or may not have."""
        doubtful = _held([(session.doubtful.get(lane), session.left_out) for session in self.sessions], rows)
        return doubtful & ~self.settled(lane, rows)

    def in_doubt(self, posts: Posts) -> Posts:
        """Return the requests whose outcome no later request settled; rows of a lane are sent in order."""
        chosen = ~posts.accepted
        for lane in np.unique(posts.lanes[chosen]).tolist():
            own = np.flatnonzero(chosen & (posts.lanes == lane))
            chosen[own] = ~(self.settled(lane, posts.firsts[own]) & self.settled(lane, posts.lasts[own]))
        return posts.only(chosen)

    def _accepted(self, lane: int, rows: Rows) -> Mask:
        return _held([(session.accepted.get(lane), session.left_out) for session in self.sessions], rows)


def _held(sessions: Iterable[tuple[Intervals | None, Rows]], rows: Rows) -> Mask:
    """Return which rows lie in some session's intervals, and were not left out by it."""
    found = np.zeros(len(rows), np.bool_)
    for intervals, left_out in sessions:
        if intervals is not None:
            found |= intervals.hold(rows) & ~_among(left_out, rows)
    return found


def _by_lane(posts: Posts) -> dict[int, Intervals]:
    found = {}
    for lane in np.unique(posts.lanes).tolist():
        own = posts.lanes == lane
        found[lane] = Intervals.merged(posts.firsts[own], posts.lasts[own])
    return found


def _united(rows: Sequence[Rows]) -> Rows:
    return np.unique(np.concatenate([np.array([], np.int64), *rows]))


def _among(ordered: Rows, rows: Rows) -> Mask:
    """Return which rows are among some that are in order."""
    place = np.searchsorted(ordered, rows)
    inside = place < len(ordered)
    inside[inside] = ordered[place[inside]] == rows[inside]
    return inside
