"""The proxy: what a client sees of each fault, and what got through to the server."""

from __future__ import annotations

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

from intempt_nb.errors import ConfigurationError
from intempt_nb.server.proxy import FaultProxy
from intempt_nb.server.serve import EmbeddedServer

SHORT = 0.2


@pytest.fixture(scope="module")
def target():
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def through(target):
    """A way to put a proxy in front of the server: ``through({"reset": 0}, …)``."""
    made = []

    def put(*plan, **options):
        address = urlsplit(target.url)
        made.append(FaultProxy(address.hostname, address.port, plan, **options))
        return made[-1]

    yield put
    for each in made:
        each.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("fault proxy")]


def asked(url: str, times: int = 1, *, close: bool = True) -> socket.socket:
    """Return a connection that has asked for the root."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"Connection: close\r\n" if close else b"")
    try:
        connection.sendall((head + b"\r\n") * times)
    except ConnectionError:  # it is reset already
        connection.close()
        raise
    return connection


def read(connection: socket.socket, seconds: float = 30) -> bytes:
    """Return what comes until the end, or until nothing has come for so long."""
    answer = b""
    with connection:
        connection.settimeout(seconds)
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            pass
    return answer


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def reachable(url: str) -> bool:
    try:
        return requests.get(url, timeout=30).status_code == 200
    except requests.ConnectionError:
        return False


def test_left_alone_it_changes_nothing(target, through):
    proxy = through()
    assert body(read(asked(proxy.url))) == body(read(asked(target.url)))
    assert proxy.connections == 1


def test_a_reset_as_soon_as_the_connection_is_made(through):
    proxy = through({"reset": "accept"})
    with pytest.raises(ConnectionError):
        read(asked(proxy.url))
    assert reachable(proxy.url)


def test_a_reset_before_the_answer_finds_the_request_carried_out(target, through, connect):
    api = connect(target)
    proxy = through({"reset": 0})
    url = f"{api.base}/sources".replace(target.url, proxy.url)
    with pytest.raises(requests.ConnectionError, match="reset"):
        api.call("POST", url, {"title": "Through the proxy", "type": "api"})
    assert "Through the proxy" in [each["title"] for each in api.get("/sources")["_embedded"]["sources"]]


@pytest.mark.parametrize("size", [1, 17, 300])
def test_a_cut_lets_so_many_bytes_through(through, size):
    answer = read(asked(through({"cut": size}).url))
    assert len(answer) == size
    assert answer.startswith(b"HTTP/1.1 200 OK"[:size])


def test_a_reset_behind_some_bytes(through):
    with pytest.raises(ConnectionResetError):
        read(asked(through({"reset": 100}).url))


def test_bytes_are_counted_over_all_answers_of_a_connection(target, through):
    size = 2 * len(read(asked(target.url)))
    answers = read(asked(through({"cut": size}).url, times=4, close=False))
    assert len(answers) == size
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_a_hang_lets_nothing_through_and_ends_with_a_reset(target, through):
    assert read(asked(through({"hang": 3600}).url), SHORT) == b""
    with pytest.raises(ConnectionResetError):
        read(asked(through({"hang": SHORT}).url))


def test_a_delay(through):
    assert read(asked(through({"delay": 3600}).url), SHORT) == b""
    assert body(read(asked(through({"delay": SHORT}).url))).startswith(b"{")


def test_a_slow_network_gives_a_part_at_a_time(through):
    with asked(through({"slow": 100}).url) as connection:
        assert connection.recv(65536) == b"HTTP/1.1 2"
    assert len(body(read(asked(through({"slow": 10_000}).url)))) > 100


def test_down_for_a_while(through):
    proxy = through()
    open_connection = asked(proxy.url, close=False)
    assert open_connection.recv(1) == b"H"
    proxy.down(3600)
    with pytest.raises(ConnectionResetError):
        read(open_connection)
    with pytest.raises(ConnectionRefusedError):
        asked(proxy.url)
    proxy.down(SHORT)
    while not reachable(proxy.url):
        time.sleep(0.01)


def test_an_outage_takes_the_place_of_the_one_before(through):
    proxy = through()
    proxy.down(SHORT)
    proxy.down(3600)
    time.sleep(2 * SHORT)
    assert not reachable(proxy.url)


def test_down_as_a_part_of_the_plan(through):
    proxy = through({"down": 3600})
    with pytest.raises(ConnectionError):
        read(asked(proxy.url))
    with pytest.raises(ConnectionRefusedError):
        asked(proxy.url)


def test_the_plan_goes_by_connections_and_may_repeat(through):
    plan = ({}, {"reset": "accept"})
    once, again = through(*plan), through(*plan, repeat=True)
    assert [reachable(once.url) for _ in range(5)] == [True, False, True, True, True]
    assert [reachable(again.url) for _ in range(5)] == [True, False, True, False, True]
    assert (once.connections, again.connections) == (5, 5)


def test_a_server_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as proxy, pytest.raises(ConnectionError):
        read(asked(proxy.url))


def test_closing_resets_what_is_open_and_is_done_once(through, caplog):
    proxy = through({"hang": 3600})
    connection = asked(proxy.url)
    while not proxy.connections:
        time.sleep(0.01)
    proxy.close()
    proxy.close()
    with pytest.raises(ConnectionResetError):
        read(connection)
    with pytest.raises(ConfigurationError, match="this proxy is closed"):
        proxy.down(1)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("reset", r"plan\[1\] is 'reset'; expected an object such as"),
        ({"rset": 0}, r"plan\[1\]: unknown key 'rset'; did you mean 'reset'"),
        ({"reset": "answer"}, r"plan\[1\]\[\"reset\"\] is 'answer'; expected \"accept\", or a number of bytes"),
        ({"cut": 1.5}, r"plan\[1\]\[\"cut\"\] is 1.5; expected a number of bytes from 0 up"),
        ({"slow": 0}, r"plan\[1\]\[\"slow\"\] is 0; expected a number of bytes from 1 up"),
        ({"hang": -1}, r"plan\[1\]\[\"hang\"\] is -1; expected seconds from 0 up"),
        ({"down": True}, r"plan\[1\]\[\"down\"\] is True"),
        ({"cut": 1, "reset": 1}, r"plan\[1\] has 'reset' and 'cut'; expected one of them"),
    ],
)
def test_mistakes_in_the_plan_are_told(through, fault, message):
    with pytest.raises(ConfigurationError, match=message):
        through({}, fault)
