"""Runs for tests of journals, and a program that is killed while it writes one."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from intempt_nb.transfer.journal import Journal, Run

__all__ = ["a_run"]


def a_run(**changed: Any) -> Run:
    values: dict[str, Any] = {
        "content": "ab" * 32,
        "columns": ("id", "name"),
        "schema": "{}",
        "org": "OrgABC",
        "host": "https://api.intempt.com",
        "collection_id": "5",
        "collection": "purchases",
        "source_id": "3",
        "key": ("id",),
        "options": {"nulls": "explicit", "nan": "reject"},
        "origin": "purchases.csv",
        "path": None,
        "base_url": "https://api.intempt.com",
    }
    return Run(**{**values, **changed})


def write_until_killed(folder: Path, run: Run) -> None:
    """Say each step on the standard output as soon as it is done."""
    journal = Journal.open(folder, run, lanes=1, resume=True)
    for first in range(0, 1_000_000, 10):
        journal.begin(0, first, first + 9, 10)
        os.write(1, b"b%d\n" % first)
        journal.accept(0, first, first + 9)
        os.write(1, b"a%d\n" % first)


def kill_many(folder: Path, times: int) -> None:
    """Kill `times` processes that write a journal each, at random points; print what each one had said."""
    chance, said = random.Random(7), []
    for number in range(times):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(write, 1)
            write_until_killed(folder, a_run(content=str(number)))
        os.close(write)
        with open(read, "rb") as lines:
            first = lines.readline()
            time.sleep(chance.random() * 0.02)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            said.append((first + lines.read()).decode().split("\n")[:-1])
    print(json.dumps(said))


if __name__ == "__main__":
    kill_many(Path(sys.argv[1]), int(sys.argv[2]))
