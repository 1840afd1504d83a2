"""python tests/benchmarks [--quick] [part …]: measure the parts, all by default, and write benchmarks/*.md.

Nothing here fails on a time: the numbers are for people to read. What must not get worse is in test_ratios.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import QUESTIONS, visits
from endtoend import BARE, download, upload
from engines import crossings
from measure import TURNS, Times, peak_of, take_turns
from memory import ALLOWED, growths
from pace import RATE, paced
from paths import OURS, PATHS, DataPath
from report import TIMES, Section, Table, Target, seconds, times_row, write_results
from resuming import resumed
from samples import SCHEMAS, items, make, write_csv
from scaling import STUDIES, rows_of, write_scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SIZES = (10_000, 100_000, 1_000_000)
QUICK = (
    "page → DataFrame, flat",
    "page → DataFrame, nested",
    "DataFrame → bodies, flat",
    "DataFrame → bodies, nested",
    "CSV → typed rows, clean",
    "CSV → typed rows, 1 % bad",
    "JSON lines → typed rows",
    "Avro → DataFrame, flat",
)
PATIENCE = 8.0
"""Seconds after which a way need not run once more."""
PEAK_ROWS = 100_000
STREAMED_ROWS = 10_000_000
SENT_ROWS = 200_000
EVENTS = (1_000_000, 10_000_000)

Measured = dict[str, dict[str, Times]]
"""By path and way."""


def paths_part() -> Section:
    tables, largest, peaks = [], {}, {}
    for path in PATHS.values():
        warm_up(path)
        rows = []
        for size in SIZES:
            with stored(path, size) as file:
                found = take_turns(path.calls(file), TURNS, PATIENCE)
                ways = [way for way in found if size == PEAK_ROWS or (size > PEAK_ROWS and way == OURS)]
                peak = {way: peak_way(path, way, file) for way in ways}
                rows += rows_for(path, size, file, found, peak)
                peaks[path.title] = peak.get(OURS, 0) / file.stat().st_size
        largest[path.title] = found
        tables.append(Table(path.title, TIMES, rows))
        tables[-1].show()
    return Section("Data paths", "Flat rows are orders, nested ones web visits.", tables, path_targets(largest, peaks))


@contextmanager
def stored(path: DataPath, rows: int) -> Iterator[Path]:
    """Give a path's input, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"rows{path.suffix}"
        path.store(make(path.kind, rows), file)
        yield file


def warm_up(path: DataPath) -> None:
    """Run each way once, so that what it imports is not measured."""
    with stored(path, 100) as file:
        take_turns(path.calls(file), 1)


def peak_way(path: DataPath, way: str, file: Path) -> int:
    found = f"PATHS[{path.title!r}].call({way!r}, Path({str(file)!r}))"
    setup = f"from pathlib import Path; from paths import PATHS; call = {found}"
    return peak_of("result = call()", setup)


def rows_for(
    path: DataPath, size: int, file: Path, found: Mapping[str, Times], peak: Mapping[str, int]
) -> list[tuple[str, ...]]:
    base = found[next(iter(path.ways))]
    total = file.stat().st_size
    return [times_row(size, way, times, total, base, peak.get(way)) for way, times in found.items()]


def path_targets(found: Measured, peaks: Mapping[str, float]) -> list[Target]:
    bounds = {
        "page → DataFrame, flat": 10,
        "page → DataFrame, nested": 10,
        "DataFrame → bodies, flat": 20,
        "DataFrame → bodies, nested": 8,
        "CSV → typed rows, clean": 20,
        "Avro → DataFrame, flat": 10,
        "Avro → DataFrame, nested": 10,
    }
    targets = [
        Target(f"{title}: the obvious way's speed", bound, ratio(found[title])) for title, bound in bounds.items()
    ]
    for kind in ("flat", "nested"):
        title = f"page → DataFrame, {kind}"
        targets.append(Target(f"{title}: peak memory", 0.5, peaks[title], at_most=True, unit="times the page"))
    clean, bad = (found[f"CSV → typed rows, {what}"][OURS].seconds for what in ("clean", "1 % bad"))
    return [*targets, Target("CSV, 1 % bad: the time of a clean file", 1.5, bad / clean, at_most=True)]


def ratio(found: Mapping[str, Times]) -> float:
    """Return how many times as fast ours is as the first way."""
    return next(iter(found.values())).seconds / found[OURS].seconds


def endtoend_part() -> Section:
    tables, targets = [], []
    with tempfile.TemporaryDirectory() as folder:
        csv, page = Path(folder) / "rows.csv", Path(folder) / "items"
        table = make("flat", SENT_ROWS)
        write_csv(table, csv)
        page.write_bytes(items(SCHEMAS["flat"], table))
        for delay, bound in ((0.0, 3.0), (0.020, 1.2)):
            for workers in (1, 4):
                found = upload(csv, delay=delay, workers=workers, turns=TURNS, patience=PATIENCE)
                title = f"CSV → accepted rows, {delay * 1000:.0f} ms a request, {workers} worker{'s'[: workers - 1]}"
                tables.append(times_table(title, found, csv))
                taken = found[OURS].seconds / found[BARE].seconds
                targets.append(Target(f"{title}: the time of the posts alone", bound, taken, at_most=True))
        for delay in (0.0, 0.020):
            title = f"page on a server → DataFrame, {delay * 1000:.0f} ms a request"
            tables.append(times_table(title, download(page, "flat", delay=delay, turns=TURNS, patience=PATIENCE), page))
    tables.append(imports())
    targets.append(
        Target("import: the time of pandas and pyarrow alone", 1.15, float(tables[-1].rows[1][2]), at_most=True)
    )
    return Section("Over HTTP, and the import", "The server runs in a process of its own.", tables, targets)


def times_table(title: str, found: Mapping[str, Times], file: Path) -> Table:
    base, size = next(iter(found.values())), file.stat().st_size
    rows = [times_row(SENT_ROWS, way, times, size, base)[1:-2] for way, times in found.items()]
    table = Table(title, TIMES[1:-2], rows)
    table.show()
    return table


def imports() -> Table:
    base, ours = "pandas, pyarrow", "pandas, pyarrow, intempt_nb"
    found = take_turns({modules: importing(modules) for modules in (base, ours)}, 3 * TURNS)
    best = {modules: min(times.wall) for modules, times in found.items()}
    rows = [(modules, seconds(taken), f"{taken / best[base]:.3f}") for modules, taken in best.items()]
    table = Table("import, the best of 15", ("import", "time", "times as long"), rows)
    table.show()
    return table


def importing(modules: str) -> Callable[[], object]:
    command = [sys.executable, "-c", f"import {modules}"]
    return lambda: subprocess.run(command, check=True)


def memory_part() -> Section:
    header = ("job", "rows", "input", "growth")
    found = list(growths(STREAMED_ROWS))
    rows = [
        (each.job, f"{each.rows:,}", f"{each.input_bytes / 1e6:,.0f} MB", f"{each.growth / 1e6:,.0f} MB")
        for each in found
    ]
    table = Table("growth of the resident memory", header, rows)
    table.show()
    targets = [
        Target(f"{each.job}, {each.rows:,} rows", ALLOWED / 2**20, each.growth / 2**20, at_most=True, unit="MiB more")
        for each in found
    ]
    return Section("Memory of streams", "Each job ran in a fresh interpreter.", [table], targets)


def resume_part() -> Section:
    found = resumed(STREAMED_ROWS)
    header = ("rows", "input", "until killed", "the rest", "known by then", "peak of the second", "journal")
    row = (
        f"{found.rows:,}",
        f"{found.input_bytes / 1e6:,.0f} MB",
        f"{found.first_seconds:,.0f} s",
        f"{found.second_seconds:,.0f} s",
        f"{found.known:,} rows",
        f"{found.peak / 1e6:,.0f} MB",
        f"{found.journal_bytes / 1e3:,.0f} kB",
    )
    table = Table("an upload into the sandbox that is killed in the middle", header, [row])
    table.show()
    said = f"The sandbox then has {found.items:,} items. It runs on the same two cores, and takes most of the time."
    return Section("Resuming", said, [table], [])


def engines_part() -> Section:
    found = list(crossings(2 * STREAMED_ROWS))
    header = ("server", "way", "rows", "time", "rows/s", "most memory of a process", "by half of the time")
    rows = [
        (
            each.server,
            each.way,
            f"{each.rows:,}",
            f"{each.seconds:,.0f} s",
            f"{each.rows / each.seconds:,.0f}",
            f"{each.peak / 1e6:,.0f} MB",
            f"{each.halfway / 1e6:,.0f} MB",
        )
        for each in found
    ]
    table = Table("twenty Parquet files into a collection", header, rows)
    table.show()
    assert all(each.items in (None, each.rows) for each in found)
    said = "Two cores, which the server shares. The sandbox is one process and takes most of the time there."
    return Section("Beyond one process", said, [table], [])


def rate_part() -> Section:
    found = list(paced(TURNS))
    header = ("posts", "at once", "rate", "ideal", "fastest", "median", "slowest", "times the ideal", "refusals")
    rows = [
        (
            each.split,
            str(each.burst),
            "known" if each.known else "found",
            *(f"{value:.2f} s" for value in (each.ideal, min(each.seconds), each.median, max(each.seconds))),
            f"{each.ratio:.3f}",
            f"{min(each.refusals)} to {max(each.refusals)}",
        )
        for each in found
    ]
    table = Table(f"400 posts of 4 processes to a sandbox that allows {RATE} a second", header, rows)
    table.show()
    targets = [
        Target(
            f"one rate for all workers, {each.split}, {each.burst} at once: the ideal", 1.15, each.ratio, at_most=True
        )
        for each in found
        if not each.known
    ]
    said = (
        "Ideal is the time in which the server takes all posts, if it takes so many of them *at once*. A refusal asks "
        "to wait for a second, which all workers do. Two are needed to find out the rate: where a bucket holds a "
        "quarter of what that second is good for, 11.25 s is the least that can be reached without knowing it."
    )
    return Section("One rate for all workers", said, [table], targets)


def scaling_part() -> Section:
    found = {name: study.measure() for name, study in STUDIES.items()}
    for name, series in found.items():
        Table(f"{STUDIES[name].y} by {STUDIES[name].x}", (STUDIES[name].x, *series), rows_of(series)).show()
    write_scaling(found)
    return Section("Scaling", "See [SCALING.md](SCALING.md).", [], [])


def analysis_part() -> Section:
    tables = analysis_tables(EVENTS, TURNS, PATIENCE)
    said = (
        "Web visits, a visitor for 20 events, as each way likes them: for pandas and ours a DataFrame with pandas' "
        "own types, for DuckDB an Arrow table. What is asked is stated in the docstrings of `intempt_nb.analysis`."
    )
    return Section("Analysis of events", said, tables, [])


def analysis_tables(sizes: Iterable[int], turns: int, patience: float) -> list[Table]:
    few, events = visits(10_000), {size: visits(size) for size in sizes}
    tables = []
    for title, question in QUESTIONS.items():
        question.check(few)
        rows = []
        for size, table in events.items():
            times = take_turns(question.calls(table), turns, patience)
            base = next(iter(times.values()))
            rows += [times_row(size, way, each, table.nbytes, base)[:-2] for way, each in times.items()]
        tables.append(Table(title, TIMES[:-2], rows))
        tables[-1].show()
    return tables


PARTS = {
    "paths": paths_part,
    "endtoend": endtoend_part,
    "memory": memory_part,
    "resume": resume_part,
    "engines": engines_part,
    "rate": rate_part,
    "scaling": scaling_part,
    "analysis": analysis_part,
}


def quick() -> None:
    """Measure the most used data paths with few runs and rows, and only print."""
    for title in QUICK:
        path, rows = PATHS[title], []
        warm_up(path)
        for size in SIZES[:2]:
            with stored(path, size) as file:
                rows += rows_for(path, size, file, take_turns(path.calls(file), 3, patience=0.3), {})
        Table(title, TIMES[:-2], [row[:-2] for row in rows]).show()
    analysis_tables(SIZES[1:2], 3, patience=0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 and 100,000 rows, printed only")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure; everything by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        os.environ["INTEMPT_NB_STATE"] = state  # the journals of uploads
        if options.quick:
            quick()
            return
        for part in options.part or PARTS:
            PARTS[part]().keep(part)
    write_results(list(PARTS))


if __name__ == "__main__":
    main()
