"""What a rehearsal came to: the server's store and the reports against the rows that were uploaded."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_parts import DB, OUTCOME, STATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chaos_parts import Rows, Variant

__all__ = ["Finding", "audit", "damaged_journals", "ledger_size"]


@dataclass(frozen=True)
class Finding:
    """What was found at the end.

    Parameters
    ----------
    twice
        How many rows an append-only server would hold more than once…
    stored
        …of how many.
    unknown
        Rows that are reported to be in doubt.
    problems
        Everything that must not be.
    """

    twice: int
    stored: int
    unknown: int
    problems: tuple[str, ...]


def ledger_size(folder: Path) -> int:
    """Return how many rows the server has stored so far, those that it stored again included."""
    try:
        with closing(_open(folder / DB)) as server:
            return int(server.execute("SELECT coalesce(max(id), 0) FROM ledger").fetchone()[0])
    except sqlite3.Error:  # just down
        return 0


def damaged_journals(folder: Path) -> list[str]:
    """Return what SQLite says of each journal that is not whole; looked at as copies, so that all stays as it was."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        for path in (folder / STATE / "uploads").glob("*.db*"):
            shutil.copy(path, place)
        for path in Path(place).glob("*.db"):
            with closing(sqlite3.connect(path)) as journal:
                (said,) = journal.execute("PRAGMA integrity_check").fetchone()
            if said != "ok":
                found.append(f"journal {path.name}: {said}")
    return found


def audit(folder: Path, variant: Variant, rows: Rows) -> Finding:
    """Compare what the server has, and what the last session reported, with the rows."""
    with closing(_open(folder / DB)) as server:
        stored = Counter(row for (row,) in server.execute("SELECT row FROM ledger"))
        items = [json.loads(data) for (data,) in server.execute("SELECT data FROM items")]
    outcome = json.loads((folder / OUTCOME).read_text())
    first = 2 if variant.source == "csv" else 0
    unknown = {row - first for row in outcome["unknown"]}
    problems = [
        *_item_problems(variant, rows, items, unknown),
        *_report_problems(rows, outcome, unknown, first),
        *_letter_problems(folder / outcome["letters"], rows, unknown, first),
        *damaged_journals(folder),
    ]
    missing = [row for row in rows.good if row not in stored and row not in unknown]
    problems += _told("rows that are lost", missing)
    twice = [row for row, times in stored.items() if times > 1]
    if variant.on_unknown == "skip":
        problems += _told("rows that arrived twice", twice)
    return Finding(len(twice), len(stored), len(unknown), tuple(problems))


def _item_problems(variant: Variant, rows: Rows, items: Sequence[Mapping[str, Any]], unknown: set[int]) -> list[str]:
    """Return what is wrong with the items: each key once, with the value of its last row, and none besides."""
    numbers = [item["n"] for item in items]
    if variant.keys == "made":
        wanted: Mapping[Any, int] = {row: row for row in rows.good}
        found: Mapping[Any, int] = {n: n for n in numbers}
    else:
        wanted, found = rows.last(), {item["id"]: item["n"] for item in items}
    spoiled = [item["n"] for item in items if item["note"] != f"row {item['n']}"]
    return [
        *([f"{len(items) - len(found)} items are there twice"] if len(found) < len(items) else []),
        *_told("items that nobody sent", [found[key] for key in found if key not in wanted]),
        *_told("items that are lost", [n for key, n in wanted.items() if key not in found and n not in unknown]),
        *_told("items of an older row", [n for key, n in wanted.items() if found.get(key, n) != n]),
        *_told("items that are spoiled", spoiled),
    ]


def _report_problems(rows: Rows, outcome: Mapping[str, Any], unknown: set[int], first: int) -> list[str]:
    counts = outcome["counts"]
    rejects = [row - first for row in outcome["rejects"]]
    planned = [rows.ids[row] for row in rows.numbers if row not in rows.unfit]
    wanted = {
        "rows": len(rows.ids),
        "rejected": len(rows.unfit | rows.refused - unknown),
        "unknown": len(unknown),
        "accepted": len(set(rows.good) - unknown),
        "repeated": len(planned) - len(set(planned)),
        "complete": True,
    }
    problems = [f"{name} is {counts[name]}, not {value}" for name, value in wanted.items() if counts[name] != value]
    return problems + _differences("rejects", rejects, sorted(rows.unfit | rows.refused - unknown))


def _letter_problems(path: Path, rows: Rows, unknown: set[int], first: int) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        letters: list[Any] = list(csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file))
    found = [(int(each["_intempt_row"]) - first, each["_intempt_status"] or None, each["note"]) for each in letters]
    status = "400" if path.suffix == ".csv" else 400
    wanted = [(row, status if row in rows.refused else None) for row in sorted(rows.unfit | rows.refused - unknown)]
    return _differences("dead letters", found, [(*each, rows.notes[each[0]]) for each in wanted])


def _differences(what: str, found: Sequence[Any], wanted: Sequence[Any]) -> list[str]:
    return [f"{what}: {list(found)}, not {list(wanted)}"] if list(found) != list(wanted) else []


def _told(what: str, rows: Sequence[int]) -> list[str]:
    return [f"{len(rows)} {what}: {sorted(rows)[:20]}"] if rows else []


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
