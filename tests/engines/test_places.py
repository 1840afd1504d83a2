"""Keys: no key travels with the work, each process has its own, and what is said where it has none or a wrong one."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.engines.pacing import pacing
from intempt_nb.engines.partitions import Order, carry_out
from intempt_nb.engines.places import Place
from intempt_nb.transfer.options import Target, UploadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.engines.outcomes import Outcome

SCHEMA = {"type": "record", "name": "t", "fields": [{"name": "id", "type": "string"}]}
ROWS = pd.DataFrame({"id": ["a", "b"]})


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gives a key but what a test says."""
    monkeypatch.setenv("INTEMPT_API_KEY", "")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in [each for each in os.environ if each.startswith("INTEMPT_LENT_KEY_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def things(shop: inb.SourceHandle) -> inb.CollectionHandle:
    made = shop.create_collection("things", SCHEMA)
    made.create_identifier("id", fields=["id"])
    return made


@pytest.fixture
def order(client: inb.Client, things: inb.CollectionHandle) -> Iterator[Order]:
    target = Target(client.sources["shop"].id, things.record.id, "things", things.schema, ("id",))
    with pacing(Place.of(client._transport), 1) as pace:
        yield Order(Place.of(client._transport), target, UploadOptions(progress=False), pace)


def test_no_key_is_in_what_travels(client: inb.Client, order: Order) -> None:
    key = client._transport.key.reveal()
    assert order.pace is not None
    for each in (order, order.place, order.pace, order.pace.desk):  # type: ignore[attr-defined]  # a SharedPace
        assert key.encode() not in pickle.dumps(each)
        assert key not in repr(each)


CONNECT = """
import pickle, sys
from intempt_nb.errors import ConfigurationError
for place in pickle.loads(bytes.fromhex(sys.argv[1])):
    try:
        print(place.connect().request("GET", "collections").status)
    except ConfigurationError as error:
        print(error)
"""


def elsewhere(*places: Place, **environment: str) -> str:
    """Return what a new process says of each place, that shares nothing but this one's environment."""
    command = [sys.executable, "-c", CONNECT, pickle.dumps(places).hex()]
    run = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""
    return run.stdout


def test_a_process_without_a_key_says_where_it_is_and_what_to_do(client: inb.Client) -> None:
    said = elsewhere(Place.of(client._transport))
    assert "no API key for the organisation 'sandbox'" in said
    for way in ("INTEMPT_API_KEY", "keyring set intempt_nb sandbox", "inb.engines.lend_key(client)"):
        assert way in said


def test_a_key_that_no_header_can_carry_is_not_called_missing_and_not_shown(client: inb.Client) -> None:
    said = elsewhere(Place.of(client._transport), INTEMPT_API_KEY="one\ntwo")
    assert "the environment variable INTEMPT_API_KEY holds a line break" in said
    assert "two" not in said


def test_a_key_is_lent_to_processes_that_start_later_and_for_its_server_only(
    client: inb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place.of(client._transport)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    inb.engines.lend_key(client)
    others = Place(place.org, "http://127.0.0.1:9", place.timeout), Place("other", place.base_url, place.timeout)
    said = elsewhere(place, *others).splitlines()
    assert said[0] == "200"
    assert all("has no API key" in each for each in said[1:])
    assert elsewhere(place, INTEMPT_API_KEY="another") == "200\n"  # which is for another server
    with pytest.raises(inb.ConfigurationError, match="no API key"):
        inb.Client("sandbox", base_url=place.base_url)  # lent to workers, not to clients


def test_threads_of_the_driver_need_no_key(order: Order, things: inb.CollectionHandle) -> None:
    with ThreadPoolExecutor(1) as threads:
        outcome = threads.submit(carry_out, order, 0, "rows", ROWS).result()
    assert (outcome.error, outcome.counts["accepted"], things.count()) == (None, 2, 2)


@pytest.fixture
def others(client: inb.Client, things: inb.CollectionHandle) -> Iterator[inb.Client]:
    """A client with another source's key, of the same organisation; it sees another collection of that name."""
    key = client._transport.post_json("sources", {"name": "stall", "type": "api"})["apiKey"]
    other = client.sources["stall"].create_collection("things", SCHEMA)
    other.create_identifier("id", fields=["id"])
    other.upload([{"id": "c"}], progress=False)
    with inb.Client(client.org, base_url=client.base_url, api_key=key) as others:
        yield others


def test_each_client_has_its_own_key_in_this_process_and_in_those_it_is_lent_to(
    client: inb.Client, others: inb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    transports = [client._transport, others._transport]
    places = [Place.of(each) for each in transports]
    assert [each.connect() for each in places] == transports
    assert places[0] != places[1]
    monkeypatch.setattr(os, "environ", os.environ.copy())
    inb.engines.lend_key(others)
    said = elsewhere(*places).splitlines()
    assert "has no API key" in said[0]
    inb.engines.lend_key(client)
    assert elsewhere(*places) == "200\n200\n"
    assert len({os.environ[each._names()[0]] for each in places}) == 2


def test_work_of_a_closed_client_says_so(client: inb.Client) -> None:
    place = Place.of(client._transport)
    with inb.Client(client.org, base_url=client.base_url, api_key=client._transport.key) as same:
        assert Place.of(same._transport) == place
    assert place.connect() is client._transport
    client._transport.close()
    with pytest.raises(inb.ConfigurationError, match=r"client of the organisation 'sandbox' .* was closed; keep it"):
        place.connect()


def test_a_client_that_nobody_holds_is_kept_for_its_work(client: inb.Client) -> None:
    key = client._transport.key.reveal()
    place = Place.of(inb.Client("sandbox", api_key=key, base_url=client.base_url)._transport)
    gc.collect()
    assert place.connect().request("GET", "collections").status == 200
    assert key.encode() not in pickle.dumps(place)


def forked(place: Place, transports: Any) -> None:
    try:
        transports.put(id(place.connect()))
    except inb.ConfigurationError as error:
        transports.put(str(error))


@pytest.mark.skipif(sys.platform == "win32", reason="does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # later Pythons warn of any fork with threads
def test_a_forked_process_shares_no_connection(client: inb.Client) -> None:
    place, context = Place.of(client._transport), multiprocessing.get_context("fork")
    assert place.connect() is client._transport
    transports = context.Queue()
    process = context.Process(target=forked, args=(place, transports))
    process.start()
    said = transports.get(timeout=20)
    process.join()
    assert "has no API key" in said


CARRY_OUT = """
import pickle, sys
from intempt_nb.engines.partitions import carry_out
import pandas as pd
order = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps(carry_out(order, 3, "partition 3", pd.DataFrame({"id": ["a", "b"]}))))
"""


def test_a_wrong_key_of_a_worker_is_told_with_its_machine(order: Order, things: inb.CollectionHandle) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CARRY_OUT],
        input=pickle.dumps(order),
        env={**os.environ, "INTEMPT_API_KEY": "a wrong key"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    outcome: Outcome = pickle.loads(run.stdout)
    assert outcome.error is not None
    assert "AuthenticationError" in outcome.error
    assert "401" in outcome.error
    assert "from the environment variable INTEMPT_API_KEY, and not the client's" in outcome.error
    assert b"a wrong key" not in run.stdout + run.stderr
    assert outcome.host
    assert things.count() == 0
