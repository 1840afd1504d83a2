"""Time and memory: ways that take turns, and peaks in an interpreter of their own."""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peak import peak_growth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["TURNS", "Times", "peak_of", "take_turns"]

TURNS = 5
_HERE = Path(__file__).parent
_SETUP = f"import sys; sys.path[:0] = [{str(_HERE)!r}, {str(_HERE.parent / 'support')!r}]; "


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each turn: on the clock, and of the processor by all threads of this process."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def runs(self) -> int:
        """How often it ran."""
        return len(self.wall)

    @property
    def seconds(self) -> float:
        """The median on the clock."""
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        """The median of the processor."""
        return statistics.median(self.cpu)


def take_turns(
    ways: Mapping[str, Callable[[], Any]], turns: int = TURNS, patience: float = math.inf
) -> dict[str, Times]:
    """Run each way once in each turn, in another order each time, so that a busy machine slows all of them.

    A way that has taken more than `patience` seconds sits the other turns out.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(turns):
        for name in random.Random(turn).sample(list(ways), len(ways)):
            if sum(wall for wall, _ in taken[name]) > patience:
                continue
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            ways[name]()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: Times(*zip(*pairs, strict=True)) for name, pairs in taken.items()}


def peak_of(code: str, setup: str) -> int:
    """Return the bytes that `code` takes at most in a fresh interpreter, after `setup`; it can import what is here."""
    return peak_growth(code, _SETUP + setup)
