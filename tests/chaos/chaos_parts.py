"""What a rehearsal is made of: the rows, a session of their upload, and the server, each to be killed as a process.

A row's ``n`` is its number, so that every item that the server stores says which row it was. Some rows cannot be sent
(their ``n`` is no number), and some the server refuses, by itself or with a list.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from tqdm import tqdm

import intempt_nb as inb
from intempt_nb.server.serve import EmbeddedServer
from intempt_nb.server.tables import Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["DB", "FIELDS", "KEY", "NAME", "ORG", "OUTCOME", "STATE", "Rows", "Variant", "make_rows", "serve", "upload"]

ORG, KEY, NAME = "chaos", "key-of-the-rehearsal", "things"
DB, STATE, OUTCOME = "server.db", "state", "outcome.json"
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string"},
    {"name": "n", "type": "long"},
    {"name": "note", "type": "string"},
]
POISON = "poison"
TIMEOUT = 5.0
"""Seconds for a connection and for an answer. Nothing that the server carries out is as late as this: a request that it
carries out when its rows were sent again, and newer ones after them, would bring the older value back."""


@dataclass(frozen=True)
class Variant:
    """One way to upload.

    Parameters
    ----------
    workers
        None for another number in each session.
    keys
        Each row its own, several rows the same, or none, so that they are made.
    source
        A CSV file, or a DataFrame, which is copied to disk first.
    on_unknown
        As an upload has it; with ``"skip"`` nothing may arrive twice.
    lists
        Whether the server says which rows it refuses.
    """

    workers: int | None = 1
    keys: Literal["own", "repeated", "made"] = "own"
    source: Literal["csv", "frame"] = "csv"
    on_unknown: Literal["repost", "skip"] = "repost"
    lists: bool = False

    def __str__(self) -> str:
        workers = "1, 4 or 8" if self.workers is None else self.workers
        lists = ", lists" if self.lists else ""
        return f"{self.source}, {self.keys} keys, {workers} workers, {self.on_unknown}{lists}"


@dataclass(frozen=True)
class Rows:
    """The rows of a rehearsal.

    Parameters
    ----------
    ids, notes
        Their cells.
    unfit
        Those that cannot be sent.
    refused
        Those that the server refuses.
    """

    ids: Sequence[str]
    notes: Sequence[str]
    unfit: frozenset[int]
    refused: frozenset[int]

    @property
    def numbers(self) -> range:
        """All rows."""
        return range(len(self.ids))

    @property
    def good(self) -> list[int]:
        """The rows that have to arrive."""
        return [row for row in self.numbers if row not in self.unfit | self.refused]

    def last(self) -> dict[str, int]:
        """Return the last good row of each key."""
        return {self.ids[row]: row for row in self.good}

    def frame(self, variant: Variant) -> pd.DataFrame:
        """Return them as a DataFrame."""
        unfit = "none" if variant.source == "csv" else None
        cells = {"id": self.ids, "n": [unfit if row in self.unfit else row for row in self.numbers], "note": self.notes}
        if variant.keys == "made":
            del cells["id"]
        return pd.DataFrame(cells)


def make_rows(variant: Variant, count: int, seed: int) -> Rows:
    """Return rows that are the same for the same seed."""
    chance = random.Random(f"rows {seed}")
    odd = chance.sample(range(count), 12)
    unfit, refused = frozenset(odd[:4]), frozenset(odd[4:])
    keys = count // 3 if variant.keys == "repeated" else None
    ids = [f"k{row if keys is None else chance.randrange(keys)}" for row in range(count)]
    notes = [POISON if row in refused else f"row {row}" for row in range(count)]
    return Rows(ids, notes, unfit, refused)


def upload(folder: Path, variant: Variant, count: int, seed: int, url: str, session: int) -> None:
    """Upload in a process of its own; what it came to is written into a file that is whole or not there."""
    os.dup2(os.open(folder / "uploads.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY), 2)
    os.environ["INTEMPT_NB_STATE"] = str(folder / STATE)
    tqdm.set_lock(threading.RLock())  # its own is shared with other processes, and a killed one would leave it behind
    chance = random.Random(f"session {seed} {session}")
    outcome: dict[str, Any]
    try:
        outcome = _upload(folder, variant, make_rows(variant, count, seed), url, chance)
    except KeyboardInterrupt as interrupted:
        outcome = {"ended": type(interrupted).__name__}
    except Exception as error:  # noqa: BLE001  (which are allowed, is for others to judge)
        traceback.print_exc()
        outcome = {"ended": type(error).__name__}
    part = folder / "outcome.part"
    part.write_text(json.dumps(outcome))
    part.replace(folder / OUTCOME)


def _upload(folder: Path, variant: Variant, rows: Rows, url: str, chance: random.Random) -> dict[str, Any]:
    source: Any = rows.frame(variant) if variant.source == "frame" else folder / "rows.csv"
    with inb.Client(ORG, KEY, url, timeout=TIMEOUT) as client:
        report = client.collections[NAME].upload(
            source,
            workers=variant.workers or chance.choice((1, 4, 8)),
            limits=inb.Limits(batch_rows=chance.choice((10, 15, 20))),
            on_unknown=variant.on_unknown,
            progress=False,
        )
        letters = folder / ("letters.csv" if variant.source == "csv" else "letters.jsonl")
        report.write_rejects(letters)
    counts = ("rows", "accepted", "rejected", "unknown", "repeated", "complete")
    return {
        "ended": "complete",
        "counts": {name: getattr(report, name) for name in counts},
        "unknown": report.unknown_rows.to_pylist(),
        "rejects": report.rejects_table["row"].to_pylist(),
        "letters": letters.name,
    }


class Refusing:
    """Middleware that refuses requests with bad rows, all of them or with a list."""

    def __init__(self, app: Any, lists: bool) -> None:
        self.app = app
        self.lists = lists

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        chunks, more = [], scope["type"] == "http" and scope["method"] == "POST"
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
        if POISON.encode() in body:
            await self._refusal(json.loads(body)[NAME])(scope, receive, send)
            return

        async def replay() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay if chunks else receive, send)

    def _refusal(self, items: Sequence[Mapping[str, Any]]) -> JSONResponse:
        answer: dict[str, Any] = {"status": 400, "error": "Bad Request", "message": "poison is not taken"}
        if self.lists:
            bad = [index for index, item in enumerate(items) if item["note"] == POISON]
            answer["errors"] = [{"collection": NAME, "index": each, "field": "note", "message": "no"} for each in bad]
        return JSONResponse(answer, 400)


def serve(folder: Path, port: int, lists: bool) -> None:
    """Serve in a process of its own until it is told to end, and note every row that is stored, each time it is."""
    os.dup2(os.open(folder / "server.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY), 2)
    store_items = Transaction.upsert_items

    def note_items(self: Transaction, collection_id: int, items: Sequence[tuple[str, str]], updated: int) -> list[int]:
        # In the same transaction, so that a kill takes both or neither.
        noted = [(json.loads(text)["n"],) for _, text in items]
        self._connection.executemany("INSERT INTO ledger (row) VALUES (?)", noted)
        return store_items(self, collection_id, items, updated)

    Transaction.upsert_items = note_items  # type: ignore[method-assign]  # this process ends with it
    server = EmbeddedServer(
        folder / DB, org=ORG, api_key=KEY, port=port, middleware=[Middleware(Refusing, lists=lists)]
    )
    with server._store.write() as transaction:
        transaction._connection.execute("CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, row INTEGER)")
    ended, parent = threading.Event(), os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(0.05) and os.getppid() == parent:
        pass
    server.stop()
    sys.exit()
