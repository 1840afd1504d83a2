"""How much memory a piece of code takes at most, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys

__all__ = ["peak_growth"]

_MEASURED = """
def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

exec({setup!r})
before = memory("VmRSS:")
exec({code!r})
print(memory("VmHWM:") - before)
"""


def peak_growth(code: str, setup: str = "import intempt_nb.client") -> int:
    """Return by how many bytes the resident memory of a fresh interpreter grows at most while it runs `code`.

    Parameters
    ----------
    code
        Python; it sees the names of `setup`. What it prints is passed over.
    setup
        What runs before, and is not counted: imports above all. It must not itself need more for a while than it keeps.

    Returns
    -------
    int
        Linux only: ``/proc/self/status`` tells it.
    """
    command = [sys.executable, "-c", _MEASURED.format(setup=setup, code=code)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(run.stdout.split()[-1])
