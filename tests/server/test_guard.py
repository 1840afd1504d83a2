"""The guards: whom the server is addressed as, and how much it reads."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest
import requests

from intempt_nb.server.serve import EmbeddedServer

LIMIT = 100_000


@pytest.fixture(scope="module")
def small():
    with EmbeddedServer(max_body=LIMIT) as server:
        yield server


def send(server, text: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; return the status and all of the answer."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(text)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return int(answer.split()[1]), answer


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:80",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "localhost@evil",
            "[",
        ],
    )
    def test_other_names_are_refused(self, api, host):
        message = api.refused(400, "GET", "/sources", headers={"Host": host})
        assert "this server is not called" in message
        assert "127.0.0.1, [::1], localhost" in message

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
    def test_the_machine_s_own_names_are_taken_and_the_links_use_them(self, api, server, host):
        port = urlsplit(server.url).port
        answer = api.get("/sources", headers={"Host": f"{host}:{port}"})
        assert answer["_links"]["self"]["href"] == f"http://{host}:{port}/v1/OrgABC/sources"

    def test_no_host(self, server):
        status, answer = send(server, b"GET /v1/OrgABC/sources HTTP/1.0\r\n\r\n")
        assert status == 400
        assert b"this server is not called ''" in answer

    def test_the_root_is_guarded_too(self, server):
        assert requests.get(server.url, headers={"Host": "evil.example"}, timeout=30).status_code == 400

    def test_forwarded_addresses_are_not_believed(self, api, server):
        headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
        assert api.get("/sources", headers=headers)["_links"]["self"]["href"] == f"{server.url}/v1/OrgABC/sources"


class TestBody:
    def test_up_to_the_limit(self, small, connect):
        api = connect(small)
        source, _ = api.table(id="string")
        head, tail = b'{"things":[{"id":"', b'"}]}'
        url = f"{api.base}/sources/{source['id']}/data"
        body = head + b"x" * (LIMIT - len(head) - len(tail)) + tail
        assert api.session.post(url, data=body, timeout=30).status_code == 201
        assert api.session.post(url, data=body + b" ", timeout=30).status_code == 413

    @pytest.mark.parametrize("size", [LIMIT + 1, 30 * LIMIT, 300 * LIMIT])
    def test_a_body_that_is_announced_as_longer(self, small, connect, size, read_refusal):
        api = connect(small)
        response = api.session.post(f"{api.base}/sources", data=b" " * size, timeout=30)
        assert "longer than 100000 bytes; send it in smaller parts" in read_refusal(response, 413)["message"]
        assert api.call("GET", "/sources").status_code == 200  # the connection still works

    def test_an_announced_length_is_refused_before_a_byte_of_it_comes(self, small):
        head = f"POST /v1/{small.org}/sources HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LIMIT + 1}\r\n"
        status, _ = send(small, head.encode() + b"Connection: close\r\n\r\n")
        assert status == 413

    def test_a_body_that_only_turns_out_to_be_longer(self, small, connect, read_refusal):
        api = connect(small)
        response = api.session.post(f"{api.base}/sources", data=iter([b" " * 60_000, b" " * 60_000]), timeout=30)
        read_refusal(response, 413)

    def test_chunks_are_counted_before_the_end_comes(self, small):
        address = urlsplit(small.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.putrequest("POST", f"/v1/{small.org}/sources")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Authorization", f"ApiKey {small.api_key}")
        connection.endheaders()
        for _ in range(3):
            connection.send(b"%x\r\n%b\r\n" % (50_000, b" " * 50_000))
        assert connection.getresponse().status == 413
        connection.close()

    def test_ten_megabytes_by_default(self, api):
        body = b'{"type":"api","title":"x","description":"' + b"x" * (10 * 1024 * 1024) + b'"}'
        assert api.session.post(f"{api.base}/sources", data=body, timeout=30).status_code == 413

    def test_a_connection_that_ends_in_the_middle(self, small, connect, caplog):
        head = f"POST /v1/{small.org}/sources HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        address = urlsplit(small.url)
        for _ in range(5):
            with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
                connection.sendall(head.encode() + b"{")
        assert connect(small).call("GET", "/sources").status_code == 200
        assert caplog.records == []
