"""What was measured, for people: tables on the terminal, and RESULTS.md.

Each part of a run keeps its section in .benchmarks/, so that parts can be measured again one by one.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.display import text_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from measure import Times

__all__ = ["HOME", "TIMES", "Section", "Table", "Target", "machine", "markdown", "times_row", "write_results"]

HOME = Path(__file__).parents[2] / "benchmarks"
KEPT = Path(__file__).parents[2] / ".benchmarks"
TIMES = ("rows", "way", "time", "processor time", "rows/s", "MB/s", "times as fast", "runs", "peak", "peak / input")
_LIBRARIES = ("numpy", "pandas", "pyarrow", "arro3-io", "fastavro", "polars", "duckdb", "requests")
_INTRO = """# How fast it is

Written by `make bench`; [SCALING.md](SCALING.md) says how cost grows. *Time* is the median on the clock, *processor
time* that of all threads; the ways took turns, so that a busy machine slows all of them, and a way that is very slow
ran less often (*runs*). *Times as fast* compares with the first way of the same rows: what one writes first. MB are
those of the input. *Peak* is by how much the memory of a fresh interpreter grew at most.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table, with what it is about."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def show(self) -> None:
        print(text_table(self.header, self.rows, f"\n{self.title}"), flush=True)


@dataclass(frozen=True, slots=True)
class Target:
    """A speed to reach: the measured number is to be at least, or at most, the bound."""

    what: str
    bound: float
    measured: float
    at_most: bool = False
    unit: str = "times"

    def cells(self) -> tuple[str, ...]:
        reached = self.measured <= self.bound if self.at_most else self.measured >= self.bound
        sign = "≤" if self.at_most else "≥"
        unit = self.unit
        return self.what, f"{sign} {self.bound:g} {unit}", f"{self.measured:.3g} {unit}", "yes" if reached else "no"


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of a run found."""

    title: str
    note: str
    tables: Sequence[Table]
    targets: Sequence[Target]

    def keep(self, part: str) -> None:
        KEPT.mkdir(exist_ok=True)
        (KEPT / f"{part}.json").write_text(json.dumps(asdict(self) | {"day": str(dt.date.today())}), "utf-8")


def times_row(rows: int, way: str, times: Times, size: int, base: Times, peak: int | None = None) -> tuple[str, ...]:
    """Return the cells under `TIMES`; `base` is what one writes first."""
    return (
        f"{rows:,}",
        way,
        seconds(times.seconds),
        seconds(times.cpu_seconds),
        f"{rows / times.seconds:,.0f}",
        f"{size / times.seconds / 1e6:,.0f}",
        f"{base.seconds / times.seconds:.1f}",
        str(times.runs),
        "" if peak is None else f"{peak / 1e6:,.0f} MB",
        "" if peak is None else f"{peak / size:.2f}",
    )


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> list[tuple[str, str]]:
    """Return what the numbers were measured on."""
    return [
        ("processor", f"{_line_of('/proc/cpuinfo', 'model name') or platform.machine()}, {os.cpu_count()} cores"),
        ("memory", f"{int(_line_of('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release().partition('-')[0]}"),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _LIBRARIES),
    ]


def _line_of(path: str, name: str) -> str:
    lines = (line.partition(":") for line in Path(path).read_text("utf-8").splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")


def write_results(parts: Sequence[str]) -> None:
    """Write RESULTS.md of the parts that were measured, now or before."""
    kept = [json.loads(file.read_text("utf-8")) for part in parts if (file := KEPT / f"{part}.json").exists()]
    targets = [Target(**each).cells() for section in kept for each in section["targets"]]
    pieces = [_INTRO, "## Machine\n", markdown(("", ""), machine()), "\n## Speeds to reach\n"]
    pieces += [markdown(("what", "to reach", "measured", "reached"), targets)]
    for section in kept:
        pieces.append(f"\n## {section['title']}\n\n{section['note']} Measured on {section['day']}.")
        for table in section["tables"]:
            pieces.append(f"\n### {table['title']}\n\n{markdown(table['header'], table['rows'])}")
    HOME.mkdir(exist_ok=True)
    (HOME / "RESULTS.md").write_text("\n".join(pieces) + "\n", "utf-8")
