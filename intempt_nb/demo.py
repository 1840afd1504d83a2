"""``intempt-nb demo``: the main job from end to end, with its timings, on the embedded sandbox."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.client import sandbox
from intempt_nb.codecs.rows.tabular import infer_schema
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from intempt_nb.handles import SourceHandle

__all__ = ["find_data", "run"]


def find_data(folder: Path | None = None) -> Path:
    """Return the folder with the demo's files: the one given, ``data/`` here, or the one beside the package.

    Raises
    ------
    DataError
        If none of them has the files.
    """
    beside = Path(__file__).parents[1] / "data"
    places = [folder] if folder is not None else [Path("data"), beside]
    for place in places:
        if (place / "purchases.csv").is_file() and (place / "flights.csv").is_file():
            return place
    looked = " and ".join(str(place.absolute()) for place in places)
    raise DataError(f"no purchases.csv and flights.csv in {looked}; run this in the project's folder, or pass --data")


def run(folder: Path | None = None) -> None:
    """Run the demo and print what happens."""
    data = find_data(folder)
    start = time.perf_counter()
    with _step("Start the sandbox: the same API, on this machine"):
        client = sandbox()
    with client:
        _say(repr(client))
        with _step("Create a source (in the sandbox; the real service does that in its console)"):
            shop = client.create_source("shop", title="Demo shop")
        _purchases(shop, data / "purchases.csv")
        _flights(shop, data / "flights.csv")
        _say(f"\n{client.collections}")
    print(f"\nDone in {time.perf_counter() - start:.1f} s. The same in a notebook: make lab")


def _purchases(shop: SourceHandle, path: Path) -> None:
    with _step(f"Infer a schema from {path}"):
        inferred = infer_schema(path)
    _say(repr(inferred))
    with _step("Create the collection 'purchases' and its primary identifier"):
        # The file has no column that tells its rows apart, so each row gets an eventId on its way.
        schema = inferred.schema.with_field({"name": "eventId", "type": "string"})
        purchases = shop.create_collection("purchases", schema, kind="event")
        purchases.create_identifier("purchase", fields=["eventId"], type="primary")
    _say(str(purchases.identifiers))
    with _step("Upload the file"):
        report = purchases.upload(path)
    _say(repr(report))
    with _step("Load it back as a DataFrame"):
        frame = purchases.load()
    _head(frame)
    with _step("Check three rows, two with mistakes, without sending them"):
        broken = frame.head(3).astype({"date": "string", "quantity": "string"})
        broken.loc[1, "date"] = "1997-02-30"
        broken.loc[2, "quantity"] = "two"
        report = purchases.upload(broken, dry_run=True)
    _say(repr(report))


def _flights(shop: SourceHandle, path: Path) -> None:
    with _step(f"The same for {path}: infer, create, upload, load"):
        schema = infer_schema(path).schema
        flights = shop.create_collection("flights", schema, kind="attribute")
        flights.create_identifier("flight", fields=["time_hour", "carrier", "flight"], type="primary")
        report = flights.upload(path)
        frame = flights.load()
    _say(repr(report))
    _head(frame)
    with _step("And use it: the three carriers that arrive latest"):
        late = frame.groupby("carrier")["arr_delay"].agg(["mean", "count"]).nlargest(3, "mean").round(1)
    _say(late.to_string())


def _head(frame: pd.DataFrame) -> None:
    counts = frame.dtypes.astype(str).value_counts()
    dtypes = ", ".join(f"{count} x {dtype}" for dtype, count in counts.items())
    _say(f"{frame.head(3).to_string(max_cols=8)}\n{len(frame):,} rows, {len(frame.columns)} columns: {dtypes}")


@contextmanager
def _step(title: str) -> Iterator[None]:
    """Print a step's title, and how long it took when it is done."""
    print(f"\n▸ {title}", flush=True)
    start = time.perf_counter()
    yield
    print(f"  ({time.perf_counter() - start:.2f} s)")


def _say(text: str) -> None:
    print("\n".join(f"  {line}" for line in text.splitlines()), flush=True)
