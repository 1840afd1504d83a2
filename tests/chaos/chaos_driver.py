"""A rehearsal: an upload that is killed, interrupted and cut off from its server again and again until it is through.

What goes wrong when is drawn from the seed; when exactly it comes is up to the machine.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import intempt_nb as inb
from chaos_audit import Finding, audit, damaged_journals, ledger_size
from chaos_parts import FIELDS, KEY, NAME, ORG, OUTCOME, Rows, Variant, make_rows, serve, upload
from intempt_nb.server.proxy import FaultProxy
from ports import free_port

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

__all__ = ["VARIANTS", "Outcome", "rehearse"]

VARIANTS = (
    Variant(),
    Variant(workers=4, keys="repeated", lists=True),
    Variant(workers=8, keys="repeated", source="frame"),
    Variant(workers=None, keys="repeated"),
    Variant(workers=4, on_unknown="skip"),
    Variant(workers=8, keys="made", lists=True),
    Variant(workers=1, keys="repeated", source="frame"),
    Variant(workers=8, on_unknown="skip", source="frame", lists=True),
    Variant(workers=4, keys="made", source="frame"),
)

# Each process begins as a copy of one that has everything loaded: as many kills as possible, rather than imports.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["intempt_nb.client", "intempt_nb.server.serve", "intempt_nb.transfer.upload", "pandas", "pyarrow.csv"]
)

_PATIENCE = 300.0
"""Seconds without a sign of progress that are too many on any machine."""

_INTERRUPTIONS = {"kill": 8, "interrupt": 3, "interrupt twice": 2, "server kill": 4, "server stop": 2, "network": 1}
_PLAN: tuple[dict[str, Any], ...] = (
    {},
    {"reset": 60_000},
    {},
    {"cut": 40_000},
    {"reset": 0},
    {"hang": 0.3},
    {},
    {"reset": "accept"},
)


def _rules(seed: int) -> list[dict[str, Any]]:
    """Return faults of all kinds; about one request in ten has one, and all of them take a little."""
    kinds: list[tuple[float, dict[str, Any]]] = [
        (0.012, {"status": 500}),
        (0.012, {"status": 500, "after": True}),
        (0.008, {"status": 502}),
        (0.008, {"status": 503}),
        (0.008, {"status": 503, "retry_after": 0.05}),
        (0.008, {"status": 504, "after": True}),
        (0.012, {"drop": "before"}),
        (0.012, {"drop": "after"}),
        (0.006, {"hang": 0.3}),
        (0.006, {"hang": 0.3, "after": True}),
        (0.0005, {"hang": 30, "after": True}),
        (0.006, {"cut": 0}),
        (0.006, {"cut": 200}),
        (0.01, {"delay": 0.05}),
    ]
    about = {"method": "POST", "path": "/sources/*/data"}
    drawn = [{**about, "chance": chance, "seed": seed, **what} for chance, what in kinds]
    # Refused for haste, which slows an upload down for long: once for each start of the server, in its three forms.
    haste = ({"retry_after": 0.1}, {"retry_after_date": 0}, {})[seed % 3]
    return [{**about, "on": 25, "status": 429, **haste}, *drawn, {**about, "delay": 0.008}]


@dataclass
class Outcome:
    """What happened, and what was found in the end.

    Parameters
    ----------
    variant
        What was rehearsed.
    interruptions
        How often each kind came.
    ends
        How the sessions ended.
    faults
        How many requests the server had go wrong, and how many it got (those of a killed server are not all counted).
    seconds
        How long it took.
    damaged
        What was wrong with a journal after a kill.
    finding
        What was found at the end.
    """

    variant: Variant
    interruptions: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    posts: int = 0
    seconds: float = 0.0
    damaged: list[str] = field(default_factory=list)
    finding: Finding = field(default_factory=lambda: Finding(0, 0, 0, ("it did not come to an end",)))

    @property
    def problems(self) -> list[str]:
        """Everything that must not be."""
        # The last one is for a session that begins while there is no server.
        known = ("complete", "killed", "UploadInterrupted", "KeyboardInterrupt", "TransportError")
        strange = [f"a session ended with {end}" for end in self.ends if end not in known]
        return [*self.damaged, *strange, *self.finding.problems]


def rehearse(folder: Path, variant: Variant, count: int, interruptions: int, seed: int) -> Outcome:
    """Upload rows with so many interruptions, and look what has become of them.

    Parameters
    ----------
    folder
        Empty; keeps everything, for a look at it.
    variant
        How.
    count
        How many rows.
    interruptions
        How often something is killed.
    seed
        Of everything that chance decides.
    """
    rows = make_rows(variant, count, seed)
    if variant.source == "csv":
        rows.frame(variant).to_csv(folder / "rows.csv", index=False)
    rehearsal = _Rehearsal(folder, variant, rows, seed)
    started = time.monotonic()
    try:
        rehearsal.run(interruptions)
    finally:
        rehearsal.end()
    outcome = rehearsal.outcome
    outcome.finding = audit(folder, variant, rows)
    outcome.seconds = time.monotonic() - started
    return outcome


class _Rehearsal:
    """The processes of a rehearsal."""

    def __init__(self, folder: Path, variant: Variant, rows: Rows, seed: int) -> None:
        self.outcome = Outcome(variant)
        self._folder = folder
        self._variant = variant
        self._rows = rows
        self._seed = seed
        self._chance = random.Random(f"rehearsal {seed}")
        self._sessions = self._servers = 0
        self._port = free_port()
        self._upload: ForkServerProcess | None = None
        self._server = self._start_server()
        self._direct = inb.Client(ORG, KEY, f"http://127.0.0.1:{self._port}")
        self._proxy = FaultProxy("127.0.0.1", self._port, _PLAN, repeat=True)

    def run(self, interruptions: int) -> None:
        """Begin the upload, and interrupt it until it is through."""
        source = self._direct.create_source("shop")
        things = source.create_collection(NAME, {"type": "record", "name": NAME, "fields": FIELDS})
        things.create_identifier("key", fields=["id"])
        self._have_faults()
        good = len(self._rows.good)
        planned = sorted(self._chance.uniform(0, 0.9) * good for _ in range(interruptions))
        kinds = self._chance.choices([*_INTERRUPTIONS], [*_INTERRUPTIONS.values()], k=interruptions)
        for stored, kind in zip(planned, kinds, strict=True):
            self._wait(stored)
            time.sleep(self._chance.uniform(0, 0.1))
            self.outcome.interruptions[kind] += 1
            self._interrupt(kind)
        self._wait(None)

    def end(self) -> None:
        """End all processes."""
        if self._upload is not None:
            self._upload.kill()
            self._upload.join()
        self._count_faults()
        self._direct.close()
        self._proxy.close()
        self._stop_server(signal.SIGTERM)

    def _wait(self, stored: float | None) -> None:
        """Have sessions upload until the server has stored so many rows, or one is through."""
        best, since, end = -1, time.monotonic(), ""
        while end != "complete":
            upload = self._upload = self._upload or self._start_upload()
            size = ledger_size(self._folder)
            if stored is not None and size >= stored:
                return
            if size > best:
                best, since = size, time.monotonic()
            if time.monotonic() - since > _PATIENCE:
                raise TimeoutError(f"no progress for {_PATIENCE:g} s: {self._folder}")
            upload.join(0.01)
            end = self._end_of(upload) if not upload.is_alive() else ""

    def _interrupt(self, kind: str) -> None:
        match kind:
            case "kill":
                self._signal(signal.SIGKILL)
            case "interrupt":
                self._signal(signal.SIGINT)
            case "interrupt twice":
                self._signal(signal.SIGINT, signal.SIGINT)
            case "network":
                self._proxy.down(self._chance.uniform(0, 0.5))
            case _:
                self._count_faults()
                self._stop_server(signal.SIGKILL if kind == "server kill" else signal.SIGTERM)
                time.sleep(self._chance.uniform(0, 0.3))
                self._server = self._start_server()
                self._have_faults()

    def _signal(self, *signals: signal.Signals) -> None:
        """End the session; one that is through already is begun once more, which sends nothing."""
        upload = self._upload or self._start_upload()
        for each in signals:
            with suppress(ProcessLookupError):
                os.kill(upload.pid or 0, each)
            time.sleep(self._chance.uniform(0, 0.05))
        upload.join(_PATIENCE)
        self._end_of(upload, interrupted=signal.SIGINT in signals)
        self.outcome.damaged += damaged_journals(self._folder)

    def _end_of(self, upload: ForkServerProcess, *, interrupted: bool = False) -> str:
        """Return how a session ended."""
        assert upload.exitcode is not None, f"a session does not end: {self._folder}"
        path = self._folder / OUTCOME
        if path.exists():
            end: str = json.loads(path.read_text())["ended"]
        elif upload.exitcode == -signal.SIGKILL:
            end = "killed"
        else:  # before or behind everything of ours, an interruption is none of ours
            end = "KeyboardInterrupt" if interrupted else f"exit code {upload.exitcode}"
        self.outcome.ends[end] += 1
        self._upload = None
        return end

    def _start_upload(self) -> ForkServerProcess:
        self._sessions += 1
        (self._folder / OUTCOME).unlink(missing_ok=True)
        told = (self._folder, self._variant, len(self._rows.ids), self._seed, self._proxy.url, self._sessions)
        process = _CONTEXT.Process(target=upload, args=told, daemon=True)
        process.start()
        return process

    def _start_server(self) -> ForkServerProcess:
        self._servers += 1
        told = (self._folder, self._port, self._variant.lists)
        server = _CONTEXT.Process(target=serve, args=told, daemon=True)
        server.start()
        until = time.monotonic() + _PATIENCE
        while server.is_alive() and time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return server
            time.sleep(0.01)
        raise RuntimeError(f"the server does not start: {self._folder}")

    def _stop_server(self, how: signal.Signals) -> None:
        os.kill(self._server.pid or 0, how)
        self._server.join()

    def _have_faults(self) -> None:
        self._direct.sandbox.faults(*_rules(self._seed * 1000 + self._servers))

    def _count_faults(self) -> None:
        with suppress(inb.IntemptError):
            *faults, every = self._direct.sandbox.faults().rules
            self.outcome.faults += sum(each.applied for each in faults)
            self.outcome.posts += every.matched
