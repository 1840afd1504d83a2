"""Running the server: beside a notebook's event loop, in the foreground, and its end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from starlette.middleware import Middleware

from intempt_nb.errors import ConfigurationError
from intempt_nb.server import serve
from intempt_nb.server.serve import EmbeddedServer


def reachable(url: str) -> bool:
    try:
        return requests.get(url, timeout=30).status_code == 200
    except requests.ConnectionError:
        return False


class TestEmbedded:
    def test_runs_from_the_moment_it_is_made_until_it_is_stopped(self):
        server = EmbeddedServer()
        assert server.running
        assert server.url.startswith("http://127.0.0.1:")
        assert reachable(server.url)
        server.stop()
        assert not server.running
        assert not reachable(server.url)
        server.stop()

    def test_answers_leave_at_once(self):
        found = []

        class Look:
            def __init__(self, app):
                self.app = app

            async def __call__(self, scope, receive, send):
                connection = scope["state"]["transport"].get_extra_info("socket")
                found.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                await self.app(scope, receive, send)

        with EmbeddedServer(middleware=[Middleware(Look)]) as server:
            assert reachable(server.url)
        assert found[0]

    def test_as_a_context_manager(self):
        with EmbeddedServer() as server:
            assert reachable(server.url)
        assert not reachable(server.url)

    def test_stops_when_the_block_fails(self):
        with pytest.raises(LookupError), EmbeddedServer() as server:
            raise LookupError
        assert not reachable(server.url)

    def test_what_it_is_called(self):
        with EmbeddedServer(org="OrgABC", api_key="my key") as server:
            assert (server.org, server.api_key) == ("OrgABC", "my key")
            headers = {"Authorization": "ApiKey my key"}
            assert requests.get(f"{server.url}/v1/OrgABC/sources", headers=headers, timeout=30).status_code == 200

    def test_keys_differ(self):
        with EmbeddedServer() as one, EmbeddedServer() as other:
            assert one.api_key != other.api_key
            assert one.url != other.url

    def test_its_repr_has_no_key(self, tmp_path):
        with EmbeddedServer(tmp_path / "s.db", api_key="the-key-itself") as server:
            assert repr(server) == f"<EmbeddedServer {server.url} org='sandbox' db={str(tmp_path / 's.db')!r} running>"
        assert repr(server).endswith("stopped>")

    def test_beside_a_running_event_loop(self):
        async def cell() -> bool:
            with EmbeddedServer() as server:
                return await asyncio.to_thread(reachable, server.url)

        assert asyncio.run(cell())

    def test_leaves_no_thread_and_no_open_socket(self, connect):
        gc.collect()
        before = threading.active_count()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with EmbeddedServer() as server:
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(lambda _: reachable(server.url), range(8)))
                api = connect(server)
                api.get("/sources")  # the connection stays open while the server stops
            gc.collect()
        for _ in range(100):
            if threading.active_count() == before:
                break
            time.sleep(0.05)
        assert threading.active_count() == before

    def test_installs_no_signal_handlers(self):
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with EmbeddedServer():
            assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    def test_finishes_what_is_under_way_before_it_stops(self, connect):
        posted = threading.Event()

        class Telling:
            def __init__(self, app):
                self.app = app

            async def __call__(self, scope, receive, send):
                if scope["path"].endswith("/data"):
                    posted.set()
                await self.app(scope, receive, send)

        server = EmbeddedServer(middleware=[Middleware(Telling)])
        api = connect(server)
        source, _ = api.table(n="int")
        answers = []
        items = [{"n": n} for n in range(2_000)]
        poster = threading.Thread(target=lambda: answers.append(api.bulk(source, items).status_code))
        poster.start()
        assert posted.wait(30)
        server.stop()
        poster.join()
        assert answers == [201]

    def test_data_outlive_it_in_a_file(self, tmp_path, connect):
        path = tmp_path / "s.db"
        with EmbeddedServer(path, api_key="k") as server:
            api = connect(server)
            source, things = api.table(id="string")
            [stored] = api.bulk(source, [{"id": "ü😀"}]).json()["_embedded"]["data"]
        with EmbeddedServer(path, org="another", api_key="other") as server:
            api = connect(server)
            assert [each["id"] for each in api.get("/sources")["_embedded"]["sources"]] == [source["id"]]
            again = api.get(f"/collections/{things['id']}")
            assert again["schema"] == things["schema"]
            assert again["_links"]["self"]["href"] == f"{server.url}/v1/another/collections/{things['id']}"
            [item] = api.items(again)
            assert (item["id"], item["data"]) == (stored["id"], {"id": "ü😀"})
            # The key of the source still opens it; the organisation's key was of that run.
            assert connect(server, source["apiKey"]).get(f"/sources/{source['id']}")["id"] == source["id"]
            assert connect(server, "k").call("GET", "/sources").status_code == 401
            [newer] = connect(server, source["apiKey"]).bulk(source, [{"id": "b"}]).json()["_embedded"]["data"]
            assert int(newer["id"]) > int(stored["id"])

    def test_two_servers_of_one_file(self, tmp_path, connect):
        with EmbeddedServer(tmp_path / "s.db") as one, EmbeddedServer(tmp_path / "s.db") as other:
            source, things = connect(one).table(id="string")
            connect(other).bulk(source, [{"id": "a"}]).raise_for_status()
            connect(one).bulk(source, [{"id": "b"}]).raise_for_status()
            there = connect(other).get(f"/collections/{things['id']}")
            assert [item["data"]["id"] for item in connect(other).items(there)] == ["a", "b"]

    def test_ends_with_the_process_without_a_word(self, tmp_path):
        script = (
            "from intempt_nb.server.serve import EmbeddedServer\n"
            "import requests\n"
            f"server = EmbeddedServer({str(tmp_path / 's.db')!r})\n"
            "session = requests.Session()\n"
            "print(session.get(server.url).status_code)\n"
            "session.close()\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "dev", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("200\n", "")
        assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


class TestAddress:
    @pytest.fixture
    def taken(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield listener.getsockname()[1]

    def test_a_port_of_choice(self, taken):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with EmbeddedServer(port=port) as server:
            assert server.url == f"http://127.0.0.1:{port}"
        with EmbeddedServer(port=port) as server:  # and again at once
            assert reachable(server.url)

    @pytest.mark.parametrize("start", [lambda port: EmbeddedServer(port=port), lambda port: serve.run(port=port)])
    def test_a_port_that_is_taken(self, taken, start):
        with pytest.raises(
            ConfigurationError, match=rf"port {taken}: it is taken; stop what .* \(0 takes a free one\)"
        ):
            start(taken)

    @pytest.mark.parametrize("port", [-1, 65536, 10**9])
    def test_a_port_that_is_none(self, port):
        with pytest.raises(ConfigurationError, match=f"{port} is not a port; choose one from 1024"):
            EmbeddedServer(port=port)

    @pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
    def test_a_host_that_is_not_this_machine(self, host):
        with pytest.raises(ConfigurationError, match="choose an address of this machine, such as 127"):
            EmbeddedServer(host=host)

    def test_the_file_is_closed_when_the_address_is_taken(self, tmp_path, taken):
        with pytest.raises(ConfigurationError):
            EmbeddedServer(tmp_path / "s.db", port=taken)
        assert [each.name for each in tmp_path.iterdir()] == ["s.db"]

    @pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        with EmbeddedServer(host="::1") as server:
            assert server.url.startswith("http://[::1]:")
            assert requests.get(server.url, timeout=30).json()["_links"]["self"]["href"] == f"{server.url}/"

    def test_a_server_that_does_not_start(self, monkeypatch, tmp_path):
        def fail(*_: object, **__: object) -> None:
            raise OSError("no more of anything")

        monkeypatch.setattr(serve.uvicorn.Server, "startup", fail)
        with pytest.raises(ConfigurationError, match=r"the sandbox did not start at http://.*: no more of anything"):
            EmbeddedServer(tmp_path / "s.db")
        assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


RUN = "from intempt_nb.server.serve import run; run({db!r}, announce=lambda text: print(text, flush=True))"


class TestRun:
    @pytest.fixture
    def start(self, tmp_path):
        running: list[subprocess.Popen[str]] = []

        def begin(**environment: str) -> tuple[subprocess.Popen[str], list[str]]:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", RUN.format(db=str(tmp_path / "s.db"))],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "INTEMPT_API_KEY": "", **environment},
            )
            running.append(process)
            return process, [process.stdout.readline().strip() for _ in range(5)]

        yield begin
        for process in running:
            process.kill()
            process.communicate(timeout=30)

    def test_until_ctrl_c(self, start, tmp_path):
        process, [where, key, connect, demo, how] = start()
        url = where.split()[3].rstrip(",")
        assert where == f"Intempt sandbox at {url}, organisation 'sandbox', data in {tmp_path / 's.db'}"
        assert key.endswith("(made for this run; set INTEMPT_API_KEY to keep one)")
        assert connect == f'Connect: inb.Client(org="sandbox", base_url="{url}", api_key="{key.split()[2]}")'
        assert demo == f"Demo page: {url}/demo (a visit sets up its source)"
        assert how == "Ctrl-C stops it."
        headers = {"Authorization": f"ApiKey {key.split()[2]}"}
        made = requests.post(
            f"{url}/v1/sandbox/sources", headers=headers, json={"title": "x", "type": "api"}, timeout=30
        )
        assert made.status_code == 201
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0
        assert [each.name for each in tmp_path.iterdir()] == ["s.db"]

    def test_a_key_from_the_environment_is_taken_and_not_shown(self, start):
        _, lines = start(INTEMPT_API_KEY="from-the-environment")
        url = lines[0].split()[3].rstrip(",")
        assert lines[1:3] == ["API key: as given", f'Connect: inb.Client(org="sandbox", base_url="{url}")']
        headers = {"Authorization": "ApiKey from-the-environment"}
        assert requests.get(f"{url}/v1/sandbox/sources", headers=headers, timeout=30).status_code == 200

    def test_what_was_stored_survives_being_killed(self, start, tmp_path):
        process, lines = start(INTEMPT_API_KEY="k")
        url = lines[0].split()[3].rstrip(",")
        body = {"title": "kept", "type": "js"}
        requests.post(
            f"{url}/v1/sandbox/sources", headers={"Authorization": "ApiKey k"}, json=body, timeout=30
        ).raise_for_status()
        process.kill()
        process.wait()
        with EmbeddedServer(tmp_path / "s.db", api_key="k") as server:
            found = requests.get(
                f"{server.url}/v1/sandbox/sources", headers={"Authorization": "ApiKey k"}, timeout=30
            ).json()
            assert [each["title"] for each in found["_embedded"]["sources"]] == ["kept"]

    def test_the_end_by_sigterm(self, start, tmp_path):
        process, _ = start()
        process.terminate()
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == -signal.SIGTERM
