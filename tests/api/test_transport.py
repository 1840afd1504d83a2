from __future__ import annotations

import copy
import gc
import gzip
import io
import json
import logging
import pickle
import signal
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from intempt_nb._version import __version__
from intempt_nb.api.credentials import Secret
from intempt_nb.api.origin import DEFAULT_BASE_URL
from intempt_nb.api.transport import Transport
from intempt_nb.errors import (
    ApiError,
    ConfigurationError,
    DataError,
    DeliveryUnknownError,
    RateLimitedError,
    ServerError,
    TransportError,
)


def wait_until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


class TestRequest:
    def test_carries_the_key_and_says_who_asks(self, server, transport, canary):
        transport.get_json("sources", {"name": "a"})
        sent = server.requests[0]
        assert sent.target == "/v1/OrgABC/sources?name=a"
        assert sent.headers["authorization"] == f"ApiKey {canary}"
        assert sent.headers["user-agent"] == f"intempt-nb/{__version__}"
        assert sent.headers["accept"] == "application/hal+json, application/json"
        assert "gzip" in sent.headers["accept-encoding"]
        assert "content-type" not in sent.headers

    def test_a_key_of_latin_1_arrives(self, server, make_transport):
        make_transport(server.url, key=Secret("clé")).get_json("sources")
        assert server.requests[0].headers["authorization"] == "ApiKey clé"

    def test_netrc_does_not_replace_the_key(self, server, transport, canary, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password other\n")
        monkeypatch.setenv("NETRC", str(netrc))
        transport.get_json("sources")
        assert server.requests[0].headers["authorization"] == f"ApiKey {canary}"

    def test_absolute_links_of_the_same_origin_are_followed(self, server, transport):
        transport.get_json(f"{server.url.upper().replace('HTTP', 'http')}/v1/OrgABC/x?cursor=1")
        assert server.requests[0].target == "/v1/OrgABC/x?cursor=1"

    def test_quoted_segments_stay_quoted(self, server, transport):
        transport.get_json("collections/a%2Fb%3F")
        assert server.requests[0].target == "/v1/OrgABC/collections/a%2Fb%3F"

    def test_json_goes_out_and_comes_back_exactly(self, server, transport):
        server.answer({"id": 98092788222918657})
        assert transport.post_json("x", {"id": 98092788222918657, "é": None}) == {"id": 98092788222918657}
        assert server.requests[0].json == {"id": 98092788222918657, "é": None}

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
    def test_what_has_no_json_form_is_not_sent(self, value, server, transport):
        with pytest.raises(DataError, match="cannot be written as JSON"):
            transport.post_json("x", {"a": value})
        assert server.requests == []

    def test_gzip_is_unpacked(self, server, transport, reply):
        server.answer(reply(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}))
        assert b"".join(transport.get_chunks("x")) == b'{"a": 1}'

    def test_large_pages_come_whole(self, server, transport, reply):
        page = json.dumps({"items": list(range(500_000))}).encode()
        server.answer(reply(body=page))
        assert b"".join(transport.get_chunks("x")) == page

    def test_large_pages_come_in_parts(self, server, transport, reply):
        page = json.dumps({"items": list(range(500_000))}).encode()
        server.answer(reply(body=page))
        sizes = [len(each) for each in transport.get_chunks("x")]
        assert sum(sizes) == len(page)
        assert len(sizes) > 3

    def test_nothing_is_asked_before_the_first_part_is_taken(self, server, transport):
        chunks = transport.get_chunks("x")
        assert server.requests == []
        assert next(chunks) == b"{}"

    def test_an_empty_answer_to_a_bulk_post_is_one(self, server, transport, reply):
        server.answer(reply(status=204, body=b""))
        answer = transport.attempt("x", b"{}")
        assert (answer.status, answer.body) == (204, b"")

    def test_a_page_of_a_gateway_is_no_answer(self, server, transport, reply):
        server.answer(reply(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}))
        for get in (transport.get_json, lambda href: next(transport.get_chunks(href))):
            with pytest.raises(TransportError, match="not a JSON object: got text/html, 20 bytes; check base_url"):
                get("x")
        with pytest.raises(DeliveryUnknownError, match="text/html"):
            transport.post_json("x", {}, idempotent=True)
        outcome = transport.attempt("x", b"{}")
        assert (outcome.sent, outcome.retry) == (True, True)
        assert "text/html" in outcome.reason


class TestSessions:
    def test_a_connection_is_kept_in_each_thread(self, server, transport):
        barrier = threading.Barrier(3)

        def work(_: int) -> None:
            barrier.wait(5)
            for _ in range(3):
                transport.get_json("x")

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        assert len(server.requests) == 9
        assert len({each.client_port for each in server.requests}) == 3

    def test_close_closes_those_of_all_threads(self, server, transport):
        barrier = threading.Barrier(3)

        def work(_: int) -> None:
            barrier.wait(5)
            transport.get_json("x")

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
            assert server.connections == 3
            with transport as same:
                assert same is transport
            wait_until(lambda: server.connections == 0)
        with pytest.raises(TransportError, match="was closed"):
            transport.get_json("x")
        assert len(server.requests) == 3

    def test_a_thread_that_ends_leaves_nothing_open(self, server, transport):
        thread = threading.Thread(target=transport.get_json, args=("x",))
        thread.start()
        thread.join()
        gc.collect()
        wait_until(lambda: server.connections == 0)


class TestConfiguration:
    def test_default_is_the_vendors_api(self, key):
        assert repr(Transport(DEFAULT_BASE_URL, "OrgABC", key)) == "Transport('https://api.intempt.com', org='OrgABC')"

    @pytest.mark.parametrize("base_url", ["http://api.intempt.com", "https://user@api.intempt.com", "api.intempt.com"])
    def test_bad_addresses(self, base_url, key):
        with pytest.raises(ConfigurationError, match="base_url must"):
            Transport(base_url, "OrgABC", key)

    @pytest.mark.parametrize("timeout", [0, -1.0, (1, 0), float("nan")])
    def test_there_is_always_a_timeout(self, timeout, key):
        with pytest.raises(ConfigurationError, match="timeout must be seconds above zero"):
            Transport("https://api.intempt.com", "OrgABC", key, timeout=timeout)

    def test_retries_must_be_a_number_of_times(self, key):
        with pytest.raises(ConfigurationError, match="retries must be"):
            Transport("https://api.intempt.com", "OrgABC", key, retries=-1)

    def test_ca_bundle_must_exist(self, key, monkeypatch, tmp_path):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
        with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE names a CA bundle that does not exist"):
            Transport("https://api.intempt.com", "OrgABC", key)


class TestProxies:
    @pytest.fixture(autouse=True)
    def _no_proxies(self, monkeypatch):
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def test_https_goes_through_without_the_key(self, server, make_transport, reply, canary, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        server.answer(reply(status=502))
        with pytest.raises(TransportError, match="502"):
            make_transport("https://api.intempt.test", retries=0).get_json("x")
        assert [f"{each.method} {each.target}" for each in server.requests] == ["CONNECT api.intempt.test:443"]
        assert canary not in str(server.requests)

    def test_exceptions_are_honoured(self, server, make_transport, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        monkeypatch.setenv("NO_PROXY", "intempt.test")
        with pytest.raises(TransportError):
            make_transport("https://api.intempt.test", retries=0, timeout=2.0).get_json("x")
        assert server.requests == []

    def test_this_machine_is_reached_directly(self, server, foreign, make_transport, monkeypatch):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, foreign.url)
        make_transport(server.url).get_json("x")
        assert len(server.requests) == 1
        assert foreign.requests == []


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path):
        """Make a self-signed certificate for 127.0.0.1."""
        pytest.importorskip("cryptography")
        import ipaddress

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        private = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(
                name, name, private.public_key(), x509.random_serial_number(), now, now + timedelta(1)
            )
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(private, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        path = tmp_path / "server.pem"
        path.write_bytes(
            private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + made.public_bytes(pem)
        )
        return path

    @pytest.fixture
    def tls_server(self, certificate, start_server):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return start_server(context=context)

    @pytest.fixture(autouse=True)
    def _no_bundles(self, monkeypatch):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)

    def test_an_unknown_certificate_gets_no_request_and_no_retry(self, tls_server, make_transport):
        transport = make_transport(tls_server.url)
        with pytest.raises(TransportError, match=r"certificate verify failed.*REQUESTS_CA_BUNDLE"):
            transport.post_json("x", {}, idempotent=False)
        assert transport.waits == tls_server.requests == []

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_the_environments_bundle_is_honoured(self, name, tls_server, certificate, make_transport, monkeypatch):
        monkeypatch.setenv(name, str(certificate))
        assert make_transport(tls_server.url).get_json("x") == {}


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        "send",
        [lambda t: t.get_json("x"), lambda t: t.post_json("x", {}, idempotent=True), lambda t: t.delete("x")],
    )
    def test_to_elsewhere_are_not_followed(self, status, send, server, foreign, transport, reply):
        server.answer(reply(status=status, headers={"Location": f"{foreign.url}/v1/OrgABC/x?token=abc"}))
        with pytest.raises(TransportError, match=f"redirects to {foreign.url};") as caught:
            send(transport)
        assert "abc" not in str(caught.value)
        assert foreign.requests == []
        assert len(server.requests) == 1

    @pytest.mark.parametrize("location", ["/v1/OrgABC/y", "https://[", "\x01"])
    def test_within_or_nowhere_neither(self, location, server, transport, reply):
        server.answer(reply(status=302, headers={"Location": location}))
        with pytest.raises(TransportError, match="redirects are not followed"):
            transport.get_json("x")
        assert len(server.requests) == 1

    def test_foreign_links_are_not_followed(self, foreign, transport):
        for href in (f"{foreign.url}/v1/OrgABC/x", foreign.url.removeprefix("http:"), "https://127.0.0.1/v1/x"):
            with pytest.raises(TransportError, match="nothing was sent there"):
                next(transport.get_chunks(href))
        assert foreign.requests == []


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504])
    def test_of_a_get(self, status, server, transport, reply):
        server.answer(reply(status=status), reply(status=status), {"a": 1})
        assert transport.get_json("x") == {"a": 1}
        assert len(server.requests) == 3
        assert len(transport.waits) == 2
        assert all(0 <= wait <= 0.5 * 2**attempt for attempt, wait in enumerate(transport.waits))

    @pytest.mark.parametrize("status", [429, 503])
    def test_of_a_post_that_was_refused(self, status, server, transport, reply):
        server.answer(reply(status=status), {"a": 1})
        assert transport.post_json("x", {}) == {"a": 1}
        assert [each.body for each in server.requests] == [b"{}", b"{}"]

    @pytest.mark.parametrize("status", [500, 501, 502, 504])
    def test_a_post_that_may_have_worked_is_repeated_only_if_idempotent(self, status, server, transport, reply):
        server.answer(reply(status=status), {"a": 1})
        with pytest.raises(ServerError, match="may have taken effect") as caught:
            transport.post_json("x", {})
        assert caught.value.status == status
        assert len(server.requests) == 1
        server.replies.clear()
        server.answer(reply(status=status), {"a": 1})
        assert transport.post_json("x", {}, idempotent=True) == {"a": 1}

    def test_put_is_idempotent_and_delete_is_not_repeated(self, server, transport, reply):
        server.answer(reply(status=500), {"a": 1})
        assert transport.put_json("x", {}) == {"a": 1}
        server.replies.clear()
        server.answer(reply(status=500))
        with pytest.raises(ServerError):
            transport.delete("x")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
    def test_not_of_refusals_for_good(self, status, server, transport, reply):
        server.answer(reply(status=status))
        with pytest.raises(ApiError) as caught:
            transport.post_json("x", {}, idempotent=True)
        assert caught.value.status == status
        assert len(server.requests) == 1

    def test_end(self, server, make_transport, reply):
        transport = make_transport(server.url, retries=2)
        server.answer(reply(status=429, body={"message": "slow down"}))
        with pytest.raises(RateLimitedError, match="slow down"):
            transport.get_json("x")
        assert len(server.requests) == 3

    def test_are_left_to_the_caller_of_an_attempt(self, server, transport, reply):
        server.answer(reply(status=429, headers={"Retry-After": "7"}))
        outcome = transport.attempt("x", b"{}")
        assert (outcome.status, len(server.requests), transport.waits) == (429, 1, [])
        error = transport.error_of("x", outcome, uncertain=False)
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 7.0

    def test_of_an_attempt_that_got_no_answer_too(self, server, transport, reply):
        server.answer(reply(action="drop"))
        outcome = transport.attempt("x", b"{}")
        assert (outcome.sent, len(server.requests)) == (True, 1)
        assert isinstance(transport.error_of("x", outcome, uncertain=True), DeliveryUnknownError)

    def test_an_attempt_may_have_less_time_than_others(self, server, transport, reply):
        server.answer(reply(action="hang"))
        started = time.monotonic()
        assert transport.attempt("x", b"{}", within=0.2).sent
        assert time.monotonic() - started < 4

    def test_wait_as_long_as_the_server_asks_in_seconds(self, server, transport, reply):
        server.answer(reply(status=503, headers={"Retry-After": "9"}), {})
        transport.get_json("x")
        assert 9 <= transport.waits[0] <= 9.5

    def test_wait_as_long_as_the_server_asks_by_date(self, server, transport, reply):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
        server.answer(reply(status=429, headers={"Retry-After": date}), {})
        transport.get_json("x")
        assert 25 <= transport.waits[0] <= 30.5

    def test_do_not_wait_longer_than_a_minute(self, server, transport, reply):
        server.answer(reply(status=429, headers={"Retry-After": "86400"}))
        with pytest.raises(RateLimitedError) as caught:
            transport.get_json("x")
        assert caught.value.retry_after == 86400.0
        assert transport.waits == []


class TestLostAnswers:
    @pytest.mark.parametrize("action", ["drop", "cut", "hang"])
    def test_of_a_get_are_asked_for_again(self, action, server, make_transport, reply):
        transport = make_transport(server.url, timeout=(5, 0.2))
        server.answer(reply(action=action), {"a": 1})
        started = time.monotonic()
        assert transport.get_json("x") == {"a": 1}
        assert len(transport.waits) == 1
        assert time.monotonic() - started < 4

    @pytest.mark.parametrize("action", ["drop", "cut", "hang"])
    def test_of_a_post_leave_the_outcome_unknown(self, action, server, make_transport, reply):
        transport = make_transport(server.url, timeout=(5, 0.2))
        server.answer(reply(action=action), {"a": 1})
        with pytest.raises(DeliveryUnknownError, match="POST /v1/OrgABC/x: it was sent, but no answer came"):
            transport.post_json("x", {}, idempotent=False)
        assert len(server.requests) == 1

    def test_of_an_idempotent_post_are_repeated(self, server, transport, reply):
        server.answer(reply(action="drop"), {"a": 1})
        assert transport.post_json("x", {}, idempotent=True) == {"a": 1}

    def test_to_the_end_are_an_error_of_transport_for_a_get(self, server, make_transport, reply):
        server.answer(reply(action="drop"))
        with pytest.raises(TransportError, match=r"GET /v1/OrgABC/x: no answer from http://127\.0\.0\.1"):
            make_transport(server.url, retries=1).get_json("x")
        assert len(server.requests) == 2

    @pytest.mark.parametrize("first", [{"action": "drop"}, {"status": 500}])
    def test_once_sent_a_later_refused_connection_does_not_make_it_undelivered(
        self, first, server, make_transport, reply
    ):
        transport = make_transport(server.url, retries=1)
        server.answer(reply(headers={"Connection": "close"}, **first))

        def stop(seconds: float) -> None:
            server.shutdown()
            server.socket.close()

        transport._sleep = stop
        with pytest.raises(DeliveryUnknownError, match="may or may not"):
            transport.post_json("x", {}, idempotent=True)
        assert len(server.requests) == 1


class TestNoConnection:
    def test_is_tried_again_whatever_the_request(self, free_port, make_transport):
        transport = make_transport(f"http://127.0.0.1:{free_port}", retries=3)
        with pytest.raises(TransportError, match="refused"):
            transport.post_json("x", {}, idempotent=False)
        assert len(transport.waits) == 3

    def test_ends_when_the_server_is_there(self, free_port, make_transport, start_server):
        transport = make_transport(f"http://127.0.0.1:{free_port}")
        transport._sleep = lambda seconds: start_server(free_port)
        assert transport.post_json("x", {"a": 1}) == {}

    def test_sleeps_for_real(self, free_port, key, monkeypatch):
        monkeypatch.setattr("random.uniform", lambda low, high: 0.05)
        with Transport(f"http://127.0.0.1:{free_port}", "OrgABC", key, retries=2) as transport:
            started = time.monotonic()
            with pytest.raises(TransportError):
                transport.get_json("x")
        assert time.monotonic() - started >= 0.1


class TestTheKeyIsNowhere:
    def test_the_test_would_see_it(self, free_port, canary, catch, shown):
        error = catch(requests.get, f"http://127.0.0.1:{free_port}", headers={"Authorization": canary})
        assert canary in shown(error)

    @pytest.mark.parametrize("action", ["drop", "cut", "hang", "interrupt"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_in_errors_of_connections(self, method, action, server, make_transport, reply, canary, catch, shown):
        transport = make_transport(server.url, timeout=(5, 10 if action == "interrupt" else 0.2), retries=0)
        server.answer(reply(action=action))
        error = catch(transport.request, method, "x")
        assert isinstance(error, KeyboardInterrupt if action == "interrupt" else TransportError | DeliveryUnknownError)
        assert canary not in shown(error)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_in_errors_of_servers_that_repeat_it_in_no_http(
        self, method, server, make_transport, reply, canary, catch, shown
    ):
        server.answer(reply(action="garble", body=f"no such key: {canary}".encode()))
        error = catch(make_transport(server.url, retries=0).request, method, "x")
        assert "no such key: ***" in str(error)
        assert canary not in shown(error)

    def test_in_errors_of_no_connection(self, free_port, make_transport, canary, catch, shown):
        error = catch(make_transport(f"http://127.0.0.1:{free_port}", retries=1).get_json, "x")
        assert canary not in shown(error)

    def test_in_an_interrupt_while_connecting(self, server, transport, canary, catch, shown, monkeypatch):
        def connect(*args: object, **options: object) -> None:
            signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
        error = catch(transport.get_json, "x")
        assert isinstance(error, KeyboardInterrupt)
        assert canary not in shown(error)

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 429, 500, 503])
    @pytest.mark.parametrize("form", ["json", "text"])
    def test_in_errors_of_servers_that_repeat_it(
        self, status, form, server, make_transport, reply, canary, catch, shown
    ):
        echo = {"message": f"no such key: {canary}", "detail": [{"seen": f"ApiKey {canary}"}]}
        body = echo if form == "json" else f"<p>{canary}</p>".encode()
        headers = {"Location": f"https://{canary}.example/", "WWW-Authenticate": f"ApiKey {canary}"}
        server.answer(reply(status=status, body=body, headers=headers))
        error = catch(make_transport(server.url, retries=0).get_json, "x")
        assert canary not in shown(error)
        if form == "json" and status >= 400:
            assert "no such key: ***" in str(error)

    def test_in_errors_of_answers_that_are_none(self, server, transport, reply, canary, catch, shown):
        server.answer(reply(body=f"<p>{canary}</p>".encode()))
        for function in (transport.get_json, lambda href: next(transport.get_chunks(href))):
            assert canary not in shown(catch(function, "x"))

    def test_in_a_message_of_a_path_that_holds_it(self, server, transport, reply, canary, catch, caplog):
        caplog.set_level(logging.DEBUG, "intempt_nb.api")
        server.answer(reply(status=404))
        error = catch(transport.get_json, f"sources/{canary}")
        assert "/v1/OrgABC/sources/***" in str(error)
        assert canary not in str(error) + repr(error) + caplog.text

    def test_in_logs(self, server, transport, reply, canary, caplog):
        caplog.set_level(logging.DEBUG)
        server.answer(reply(status=503), reply(action="drop"), {})
        transport.get_json("sources", {"name": "private"})
        ours = [each.getMessage() for each in caplog.records if each.name == "intempt_nb.api"]
        assert len(ours) == 3
        assert ours[0].startswith("GET /v1/OrgABC/sources → 503 in ")
        assert "private" not in "".join(ours)
        assert any(each.name.startswith("urllib3") for each in caplog.records)
        assert canary not in caplog.text

    def test_in_what_objects_show(self, server, transport, canary):
        transport.get_json("x")
        session = transport._local.session
        shown = [repr(transport), str(transport), repr(vars(transport)), repr(vars(session)), repr(session.headers)]
        assert canary not in "".join(shown)

    def test_in_the_headers_of_a_request_under_way(self, transport, canary):
        seen: list[str] = []
        session = transport._session()
        session.hooks["response"].append(lambda response, **_: seen.append(repr(vars(response.request))))
        transport.get_json("x")
        assert "Authorization" in seen[0]
        assert canary not in seen[0]

    def test_in_a_pickle(self, transport, canary):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            file = io.BytesIO()
            with pytest.raises(TypeError, match="never pickled or copied: make one where"):
                pickle.Pickler(file, protocol).dump([transport])
            assert canary.encode() not in file.getvalue()
        with pytest.raises(TypeError, match="never pickled"):
            copy.deepcopy(transport)
