from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import intempt_nb as inb
from intempt_nb import demo
from intempt_nb._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).parent / "intempt-nb"


def run(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *args], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **more}
    )


def test_the_demo_does_the_main_job_and_shows_it(data: Path, tmp_path: Path) -> None:
    done = run("demo", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "leading zeros" in done.stdout
    assert re.search(r"accepted +6,919", done.stdout)
    assert re.search(r"accepted +20,000", done.stdout)
    assert "1997-02-30  date (text)  no such day" in done.stdout
    assert re.search(r"Done in [\d.]+ s", done.stdout)


def test_the_demo_without_its_data_says_where_it_looked(tmp_path: Path) -> None:
    done = run("demo", "--data", str(tmp_path))
    assert done.returncode == 1
    assert f"no purchases.csv and flights.csv in {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_finds_its_data_from_anywhere(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo.find_data().resolve() == data.resolve()


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.strip() == __version__


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [COMMAND, "serve", "--db", str(tmp_path / "a.db"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    yield process
    process.kill()
    process.communicate()


def test_serve_says_how_to_connect_and_ends_with_ctrl_c(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    text = ""
    while "Ctrl-C" not in text:
        line = server.stdout.readline()
        assert line, server.communicate()[1]
        text += line
    call = re.search(r"inb\.Client\((.*)\)", text)
    assert call is not None, text
    arguments = dict(re.findall(r'(\w+)="([^"]*)"', call[1]))
    with inb.Client(**arguments) as client:
        client.create_source("shop")
        assert list(client.sources) == ["shop"]
    server.send_signal(signal.SIGINT)
    assert server.wait(10) == 0


def test_a_port_that_is_taken_is_a_message_not_a_traceback(client: inb.Client, tmp_path: Path) -> None:
    port = client.base_url.rpartition(":")[2]
    done = run("serve", "--db", str(tmp_path / "a.db"), "--port", port)
    assert done.returncode == 1
    assert f"port {port}: it is taken" in done.stderr
    assert "Traceback" not in done.stderr
