"""How cost grows: with rows, columns, depth, the size of a page, workers and the size of a request."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import pandas as pd

from intempt_nb.transfer.options import Limits
from measure import take_turns
from paths import encode, load, typed_rows
from report import HOME, markdown
from samples import SCHEMAS, deep, items, make, page, wide, write_csv
from servers import collection_at, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa

    from intempt_nb.schema.schema import Schema

__all__ = ["STUDIES", "Study", "write_scaling"]

_TURNS = 3
_TEMPLATE = Path(__file__).with_name("scaling.md")
_WIDE_ROWS = 5_000
_DEEP_ROWS = 50_000
_PAGED_ROWS = 30_000
_UPLOADED_ROWS = 100_000

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Study:
    """What is varied, what is measured, in which units, how, and whether its plot begins at zero."""

    x: str
    y: str
    measure: Callable[[], dict[str, Points]]
    from_zero: bool = False


def _by_rows() -> dict[str, Points]:
    """Return microseconds a row."""
    found: dict[str, Points] = {"load": [], "encode": [], "CSV": []}
    schema = SCHEMAS["flat"]
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "rows.csv"
        for rows in (1_000, 10_000, 100_000, 1_000_000):
            table = make("flat", rows)
            write_csv(table, csv)
            ways = _both(schema, table) | {"CSV": partial(typed_rows, csv)}
            _note(found, rows, ways, 1e6 / rows)
    return found


def _by_columns() -> dict[str, Points]:
    """Return microseconds a row."""
    found: dict[str, Points] = {"load": [], "encode": []}
    for columns in (2, 8, 32, 128, 512):
        _note(found, columns, _both(*wide(columns, _WIDE_ROWS)), 1e6 / _WIDE_ROWS)
    return found


def _by_depth() -> dict[str, Points]:
    """Return microseconds a row."""
    found: dict[str, Points] = {"load": [], "encode": []}
    for depth in (1, 2, 4, 8, 16):
        _note(found, depth, _both(*deep(depth, _DEEP_ROWS)), 1e6 / _DEEP_ROWS)
    return found


def _both(schema: Schema, table: pa.Table) -> dict[str, Callable[[], Any]]:
    body = page(schema, table)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return {"load": partial(load, body, schema), "encode": partial(encode, frame, schema)}


def _note(found: Mapping[str, Points], x: float, ways: Mapping[str, Callable[[], Any]], scale: float) -> None:
    for name, times in take_turns(ways, _TURNS).items():
        found[name].append((x, times.seconds * scale))


def _by_page_rows() -> dict[str, Points]:
    """Return rows a second."""
    found: dict[str, Points] = {"answers at once": [], "after 20 ms": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items"
        for rows in (100, 300, 1_000, 3_000, 10_000, 30_000):
            path.write_bytes(items(SCHEMAS["flat"], make("flat", rows)))
            for name, delay in zip(found, (0.0, 0.020), strict=True):
                with running(delay=delay, items=path, pages=_PAGED_ROWS // rows) as url:
                    times = take_turns({name: collection_at(url).scan().to_arrow}, _TURNS)
                found[name].append((rows, _PAGED_ROWS / times[name].seconds))
    return found


def _by_workers() -> dict[str, Points]:
    """Return rows a second."""
    delays = {"answers at once": 0.0, "after 20 ms": 0.020, "after 100 ms": 0.100}
    calls = [(workers, {"workers": workers}) for workers in (1, 2, 4, 8)]
    return {name: _uploads(delay, calls) for name, delay in delays.items()}


def _by_batch() -> dict[str, Points]:
    """Return rows a second."""
    sizes = (60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000)
    limits = [(size / 1000, Limits(batch_bytes=size, batch_rows=100_000)) for size in sizes]
    counts = {"1 worker": 1, "4 workers": 4}
    return {
        name: _uploads(0.020, [(size, {"workers": workers, "limits": limit}) for size, limit in limits])
        for name, workers in counts.items()
    }


def _uploads(delay: float, calls: Iterable[tuple[float, Mapping[str, Any]]]) -> Points:
    with tempfile.TemporaryDirectory() as folder, running(delay=delay) as url:
        csv = Path(folder) / "rows.csv"
        write_csv(make("flat", _UPLOADED_ROWS), csv)
        upload = partial(collection_at(url).upload, csv, progress=False)
        times = [(x, take_turns({"": partial(upload, **options)}, _TURNS)[""]) for x, options in calls]
    return [(x, _UPLOADED_ROWS / each.seconds) for x, each in times]


STUDIES = {
    "rows": Study("rows", "µs a row", _by_rows, from_zero=True),
    "columns": Study("columns", "µs a row", _by_columns),
    "depth": Study("records inside each other", "µs a row", _by_depth, from_zero=True),
    "pages": Study("rows a page", "rows a second", _by_page_rows),
    "workers": Study("workers", "rows a second", _by_workers),
    "requests": Study("kB a request at most", "rows a second", _by_batch),
}


def write_scaling(found: Mapping[str, Mapping[str, Points]]) -> None:
    """Draw the plots and write SCALING.md."""
    from plots import plot  # draws with a library that nothing else here needs

    HOME.mkdir(exist_ok=True)
    tables = {}
    for name, series in found.items():
        study = STUDIES[name]
        plot(HOME / f"{name}.svg", study.x, study.y, series, from_zero=study.from_zero)
        tables[name] = markdown((study.x, *(f"{each}, {study.y}" for each in series)), rows_of(series))
    (HOME / "SCALING.md").write_text(Template(_TEMPLATE.read_text("utf-8")).substitute(tables), "utf-8")


def rows_of(series: Mapping[str, Points]) -> list[Sequence[str]]:
    """Return a row for each x, with what each line has there."""
    across = [x for x, _ in next(iter(series.values()))]
    values = [[_shown(y) for _, y in points] for points in series.values()]
    return [(f"{x:,.0f}", *row) for x, row in zip(across, zip(*values, strict=True), strict=True)]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
