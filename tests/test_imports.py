"""The house's one-way rule: a room imports only from rooms to its left, and importing the package pulls in little."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "intempt_nb"

# Left to right; a room may import itself and what stands to its left.
ORDER = [
    "_version",
    "errors",
    "extras",
    "display",
    "schema",
    "codecs",
    "profiling",
    "api",
    "transfer",
    "listing",
    "links",
    "collection_data",
    "source_kinds",
    "handles",
    "handover",
    "sandbox_handle",
    "client",
    "tracker",
    "analysis",
    "engines",
    "widgets",
    "demo",
    "cli",
    "__init__",
]
# The server must not share the client's mistakes, so it sees none of its rooms.
SERVER_MAY = {"_version", "errors", "display", "schema", "codecs", "server"}
# Client's facade starts the server, the command line runs it, and a rehearsal puts its proxy in front.
MAY_START_SERVER = {"sandbox_handle", "client", "cli"}
MODULES = sorted(path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py"))


def room_of(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name == "intempt_nb" or name.startswith("intempt_nb.")}


def allowed(room: str) -> set[str]:
    if room == "server":
        return SERVER_MAY
    left = set(ORDER[: ORDER.index(room) + 1])
    return left | ({"server"} if room in MAY_START_SERVER else set())


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_leftward(module: Path) -> None:
    parts = module.with_suffix("").parts
    room = parts[1]
    for name in imports_of(PACKAGE.parent / module):
        target = room_of(name)
        if target == "__init__" or f"{target}.py" not in {p.name for p in PACKAGE.iterdir()} | {
            f"{p.name}.py" for p in PACKAGE.iterdir() if p.is_dir()
        }:
            continue  # the package itself, or a name that it exports
        assert target in allowed(room), f"{module} imports {name}: {room} may import {sorted(allowed(room))}"


def loaded_after(code: str) -> set[str]:
    code = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(run.stdout)}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import intempt_nb") & {"pandas", "pyarrow", "requests", *NEVER_BEFORE_USE}


def test_using_its_names_pulls_in_neither_server_nor_widgets_nor_keyring() -> None:
    loaded = loaded_after("from intempt_nb import *")
    assert {"pandas", "pyarrow"} <= loaded
    assert not loaded & NEVER_BEFORE_USE


NEVER_BEFORE_USE = {
    "starlette", "uvicorn", "ipywidgets", "anywidget", "keyring", "typer", "tqdm", "IPython", "fastavro", "requests",
    "dask", "distributed", "duckdb", "matplotlib", "polars", "pyspark", "scipy", "sklearn", "skops", "skrub",
}  # fmt: skip
