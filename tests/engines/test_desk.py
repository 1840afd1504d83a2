"""The desk: what is asked and answered, who is turned away, and that nothing is left open."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from intempt_nb.engines.desk import LONGEST, Desk, DeskAddress, reachable_host
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable


def refuse(value: Any) -> None:
    raise ValueError(f"not {value}")


HANDLERS: dict[str, Callable[[Any], Any]] = {"echo": lambda value: value, "refuse": refuse}


def until(condition: Callable[[], bool]) -> None:
    """Wait for what has to come."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize(
    "value", [None, 1.5, "Köln\n", [1, {"a": None}], "x" * 2_000_000], ids=lambda value: str(value)[:9]
)
def test_an_answer_is_what_the_handler_returns(value: Any) -> None:
    with Desk(HANDLERS) as desk:
        address = pickle.loads(pickle.dumps(desk.address))
        assert [address.call("echo", value) for _ in range(2)] == [value, value]


def test_what_the_desk_cannot_do_is_said_and_ends_nothing() -> None:
    with Desk(HANDLERS) as desk:
        with pytest.raises(TransportError, match="by the name 'sing'"):
            desk.address.call("sing")
        with pytest.raises(TransportError, match="ValueError: not 5"):
            desk.address.call("refuse", 5)
        assert desk.address.call("echo", 1) == 1


def ask(desk: Desk, *lines: bytes) -> bytes:
    """Send what is no worker's, and return all that comes until the desk closes."""
    with socket.create_connection(("127.0.0.1", desk.address.port), 20) as connection:
        connection.sendall(b"".join(lines))
        answer = b""
        try:
            while part := connection.recv(1 << 16):
                answer += part
        except ConnectionResetError:  # it closed before it had read all
            pass
        return answer


def test_whoever_does_not_know_the_token_or_the_language_gets_no_answer() -> None:
    asked: list[Any] = []
    with Desk({"note": asked.append}) as desk:
        token = desk.address.token.encode() + b"\n"
        line = json.dumps({"op": "note", "value": 1}).encode() + b"\n"
        assert ask(desk, line, line) == b""
        assert ask(desk, b"0" * 64 + b"\n", line) == b""
        assert ask(desk, token[:-1] + b"0\n", line) == b""
        assert ask(desk, token, b"GET / HTTP/1.1\r\n\r\n") == b""
        assert ask(desk, token, b'{"op": "note"}\n') == b""
        assert ask(desk, token, b"[" * 100_000 + b"\n") == b""
        assert ask(desk, token, b'"' + b"x" * LONGEST + b'"\n') == b""
        assert asked == []
        with socket.create_connection(("127.0.0.1", desk.address.port), 20) as known:
            known.sendall(token + line)
            assert known.recv(100) == b'{"value": null}\n'
    assert asked == [1]


def test_whoever_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intempt_nb.engines.desk._Caller.timeout", 0.05)
    with Desk(HANDLERS) as desk:
        assert ask(desk) == b""


def test_a_closed_desk_is_not_reached_and_one_that_broke_off_is_asked_again() -> None:
    with Desk(HANDLERS) as desk:
        desk.address.call("echo", 1)
        desk._server.close_connections()
        desk._server._closing = False
        assert desk.address.call("echo", 2) == 2  # over a new connection
    with pytest.raises(OSError, match=r"refused|closed|reset"):
        desk.address.call("echo", 3)
    desk.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 no\r\n", b"[1]\n", b'{"title": "no"}\n', b"[" * 9_999 + b"\n"])
def test_something_else_at_its_address_is_no_desk(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def serve() -> None:
            with other.accept()[0] as connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OSError, match="not the driver"):
            DeskAddress("127.0.0.1", other.getsockname()[1], "token").call("echo", 1)
        thread.join()


def test_threads_ask_side_by_side_and_their_connections_end_with_them() -> None:
    ended, meet = threading.Semaphore(0), threading.Barrier(8)

    def wait_for_all(value: int) -> int:
        meet.wait(20)
        return value

    with Desk({"wait": wait_for_all}, gone=ended.release) as desk:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda each=each: found.append(desk.address.call("wait", each)))
            for each in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(8))
        del threads, thread
        gc.collect()
        assert all(ended.acquire(timeout=20) for _ in range(8))


def child(address: DeskAddress, out: Any) -> None:
    out.put((os.getpid(), address.call("who")))


@pytest.mark.skipif(sys.platform == "win32", reason="does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # later Pythons warn of any fork with threads
def test_a_forked_process_has_a_connection_of_its_own() -> None:
    threads: list[int] = []

    def who(_: Any) -> int:
        threads.append(threading.get_ident())
        return len(set(threads))

    context = multiprocessing.get_context("fork")
    with Desk({"who": who}) as desk:
        assert desk.address.call("who") == 1
        out = context.Queue()
        process = context.Process(target=child, args=(desk.address, out))
        process.start()
        assert out.get(timeout=20) == (process.pid, 2)
        process.join()
        assert desk.address.call("who") == 2  # the first connection is as it was
        assert threads[0] == threads[2]


DESK_LEFT_OPEN = """
from intempt_nb.engines.desk import Desk
desk = Desk({"echo": lambda value: value})
print(desk.address.call("echo", "done"))
"""
CLOSED_LATE = """
from intempt_nb.engines.desk import Desk

class Late:  # as a generator that is left open is closed: when the desk's thread has ended already
    desk = Desk({})

    def __del__(self):
        self.desk.close()
        print("done")

late = Late()
"""
SOURCE_LEFT_OPEN = """
import types
import intempt_nb as inb
with inb.sandbox() as client:
    connect = types.SimpleNamespace(dataSource=types.SimpleNamespace(register=lambda source: None))
    source = inb.engines.spark.register(connect, client)
print("done" if not source._pace.permit() else "unanswered")
"""


NO_SPARK = pytest.mark.skipif(find_spec("pyspark") is None, reason="needs pyspark")


@pytest.mark.parametrize(
    "program",
    [DESK_LEFT_OPEN, CLOSED_LATE, pytest.param(SOURCE_LEFT_OPEN, marks=NO_SPARK)],
    ids=["desk", "late", "source"],
)
def test_what_is_left_open_does_not_keep_a_program_from_ending(program: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert (run.stdout, run.stderr) == ("done\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # later Pythons warn of any fork with threads
def test_a_forked_process_can_close_and_the_desk_still_answers_its_own() -> None:
    with Desk(HANDLERS) as desk:
        desk.address.call("echo", 1)
        process = multiprocessing.get_context("fork").Process(target=desk.close)
        process.start()
        process.join(10)
        process.kill()
        assert process.exitcode == 0
        assert desk.address.call("echo", 2) == 2


def test_the_token_is_shown_nowhere() -> None:
    with Desk(HANDLERS) as desk:
        assert desk.address.token not in repr(desk.address)


@pytest.mark.parametrize(
    "address", ["inproc://192.0.2.7/1/1", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "spark://localhost:7077",
                "local[2]", "", "spark://none.invalid:7077"]
)  # fmt: skip
def test_a_cluster_on_this_machine_reaches_the_loopback_address(address: str) -> None:
    assert reachable_host(address) == "127.0.0.1"


def test_a_cluster_elsewhere_reaches_the_interface_that_leads_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Interface(socket.socket):
        def connect(self, address: Any) -> None:
            asked.append(address[0])

        def getsockname(self) -> Any:
            return ("10.1.2.3", 40000)

    monkeypatch.setattr("socket.socket", Interface)
    assert reachable_host("tcp://10.0.0.5:8786") == "10.1.2.3"
    assert asked == ["10.0.0.5"]
