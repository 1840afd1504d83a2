from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb import cli, demo
from intempt_nb._version import __version__
from intempt_nb.server.serve import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., tuple[int, str]]

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


ROWS = pd.DataFrame({"id": [f"i{number}" for number in range(1_000)], "amount": np.arange(0.0, 1_000.0)})


@pytest.fixture
def broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[inb.CollectionHandle]:
    """A collection of which an upload was broken off: of a DataFrame, if nothing else is said."""
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    server = EmbeddedServer()
    monkeypatch.setenv("INTEMPT_API_KEY", server.api_key)
    with inb.Client(server.org, base_url=server.url) as client:
        schema = inb.infer_schema(ROWS, "sales").schema
        sales = client.create_source("shop").create_collection("sales", schema, kind="event")
        sales.create_identifier("id", fields=["id"])
        client.sandbox.faults({"path": "/sources/*/data", "on": 4, "status": 401})
        yield sales
    server.stop()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command line in this process, which is faster: returns the status, and what is printed."""

    def called(*args: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["intempt-nb", *args])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    return called


def break_off(sales: inb.CollectionHandle, source: pd.DataFrame | Path) -> str:
    with pytest.raises(inb.AuthenticationError):
        sales.upload(source, limits=inb.Limits(batch_rows=100), workers=1, key="row")
    (found,) = inb.uploads()
    return found.id


def test_an_upload_of_a_frame_is_listed_gone_on_with_and_forgotten(
    broken_off: inb.CollectionHandle, call: Call
) -> None:
    upload_id = break_off(broken_off, ROWS)
    listed = run("uploads").stdout
    assert re.search(rf"{upload_id[:8]}  \S+ \S+ \S+ +sales +DataFrame +unfinished +300", listed)
    status, said = call("uploads", "resume", upload_id[:10])
    assert status == 0, said
    assert re.search(r"accepted +1,000", said)
    assert len(broken_off.load()) == 1_000
    assert re.search(rf"{upload_id[:8]} .* DataFrame +finished +1,000", call("uploads")[1])
    assert call("uploads", "forget", "--finished") == (0, f"forgot {upload_id}\n")
    assert "none yet" in call("uploads")[1]


def test_an_upload_is_gone_on_with_from_the_file_as_it_was(
    broken_off: inb.CollectionHandle, tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "sales.csv"
    ROWS.to_csv(path, index=False, sep=";")
    upload_id = break_off(broken_off, path)
    text = path.read_text()
    path.write_text(text + "\n")
    status, said = call("uploads", "resume", upload_id)
    assert (status, "sales.csv is not what it was when the upload began" in said) == (1, True)
    path.rename(tmp_path / "other.csv")
    assert f"no file {path}" in call("uploads", "resume", upload_id)[1]
    path.write_text(text)
    elsewhere = call("uploads", "resume", upload_id, "--base-url", "https://api.intempt.com")[1]
    assert "went to loopback, not to https://api.intempt.com" in elsewhere
    behind = call("uploads", "resume", upload_id, "--base-url", f"{broken_off._transport.base_url}/eu")[1]
    assert re.search("went to loopback, not to .*/eu", behind)
    assert re.search(r"accepted +1,000", call("uploads", "resume", upload_id)[1])
    assert len(broken_off.load()) == 1_000


def test_rows_put_right_are_gone_on_with_as_cells_of_the_file_they_are_of(
    broken_off: inb.CollectionHandle, tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("id;amount\n" + "".join(f"i{number};?\n" for number in range(300)))
    options: dict[str, Any] = {"delimiter": ";", "decimal": ",", "on_unknown": "skip", "workers": 1}
    report = broken_off.upload(path, limits=inb.Limits(batch_rows=50), **options)
    assert report.rejected == 300
    with pytest.raises(inb.AuthenticationError):
        report.retry(report.rejected_rows.assign(amount="1,5"))
    (upload_id,) = (each.id for each in inb.uploads() if each.state == "unfinished")
    assert re.search(r"accepted +300", call("uploads", "resume", upload_id)[1])
    assert inb.uploads().find(upload_id).run.on_unknown == "skip"
    assert broken_off.load()["amount"].tolist() == [1.5] * 300
    assert {each.state for each in inb.uploads()} == {"finished"}


def test_uploads_say_what_they_need(broken_off: inb.CollectionHandle, call: Call) -> None:
    upload_id = break_off(broken_off, ROWS)
    assert "no upload has an id that begins with 'xyz'" in call("uploads", "resume", "xyz")[1]
    assert "either an upload's id, or --finished" in call("uploads", "forget")[1]
    assert call("uploads", "forget", "--finished") == (0, "")
    (tmp := inb.uploads()[0]._path).write_bytes(b"x" * 5_000)
    assert f"the upload {upload_id} is unreadable" in call("uploads", "resume", upload_id)[1]
    assert call("uploads", "forget", upload_id)[0] == 0
    assert not tmp.exists()
