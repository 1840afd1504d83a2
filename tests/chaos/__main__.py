"""python tests/chaos: rehearse all ways to upload in turn for CHAOS_SECONDS (600), and print what was found.

What goes wrong is drawn from the seed, which is printed; CHAOS_SEED gives it again. A rehearsal that finds a row lost
or doubled keeps its folder.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from chaos_driver import VARIANTS, Outcome, rehearse

ROWS, INTERRUPTIONS, AT_ONCE = 4_000, 12, 3
COLUMNS = ("rehearsal", "kills", "Ctrl-C", "server", "net", "posts", "faults", "twice", "of", "unknown", "s", "verdict")
LINE = "{:<46} {:>5} {:>6} {:>6} {:>4} {:>6} {:>6} {:>6} {:>6} {:>7} {:>6}  {}"


def main() -> int:
    """Return 1 if anything was found that must not be."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    end = time.monotonic() + float(os.environ.get("CHAOS_SECONDS") or 600)
    print(f"CHAOS_SEED={seed}\n{LINE.format(*COLUMNS)}", flush=True)
    numbers = count()

    def work(_: int) -> list[Outcome]:
        outcomes = []
        while time.monotonic() < end:
            number = next(numbers)
            outcomes.append(one(number, seed + number))
        return outcomes

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = [each for found in pool.map(work, range(AT_ONCE)) for each in found]
    failed = any(each.problems for each in outcomes)
    twice, stored = (sum(getattr(each.finding, name) for each in outcomes) for name in ("twice", "stored"))
    stops = sum(each.interruptions.total() for each in outcomes)
    verdict = "FAILED" if failed else "nothing lost, nothing doubled, dead letters exact"
    print(f"{len(outcomes)} rehearsals, {stops} interruptions: {verdict}")
    print(f"An append-only server would hold {twice:,} of {stored:,} rows more than once.")
    return int(failed)


def one(number: int, seed: int) -> Outcome:
    """Rehearse the variant of that number and print a line."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    variant = VARIANTS[number % len(VARIANTS)]
    outcome = rehearse(folder, variant, ROWS, INTERRUPTIONS, seed)
    problems = outcome.problems
    print(line(outcome, "ok" if not problems else f"FAILED, see {folder}: {'; '.join(problems)}"), flush=True)
    if not problems:
        shutil.rmtree(folder)
    return outcome


def line(outcome: Outcome, verdict: str) -> str:
    """Return what came of a rehearsal as a line of the table."""
    came, found = outcome.interruptions, outcome.finding
    interrupts = came["interrupt"] + came["interrupt twice"]
    restarts = came["server kill"] + came["server stop"]
    counts = (came["kill"], interrupts, restarts, came["network"], outcome.posts, outcome.faults)
    seconds = f"{outcome.seconds:.1f}"
    return LINE.format(str(outcome.variant), *counts, found.twice, found.stored, found.unknown, seconds, verdict)


if __name__ == "__main__":
    sys.exit(main())
