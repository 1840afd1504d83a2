"""Runs one target under libFuzzer.

``python tests/support/fuzz.py schema -max_total_time=60 found tests/fuzz/corpus/schema``

What follows the target's name goes to libFuzzer. New inputs of interest are written to the first folder named.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["intempt_nb"]):
    from fuzz_targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
