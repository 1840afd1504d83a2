from __future__ import annotations

import ssl

import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from intempt_nb.api.answers import Answer
from intempt_nb.api.retries import Failure, backoff, classify, may_have_acted, retry_delay

NOT_SENT = Failure("refused", sent=False, retry=True)
SENT = Failure("timed out", sent=True, retry=True)
HOPELESS = Failure("certificate", sent=False, retry=False)


def answer(status, **headers):
    return Answer("POST", "/v1/OrgABC/sources/1/data", status, headers, b"")


class TestBackoff:
    @given(st.integers(0, 40))
    def test_is_between_nothing_and_a_bound_that_doubles(self, attempt):
        assert 0 <= backoff(attempt) <= min(30.0, 0.5 * 2**attempt)

    @pytest.mark.parametrize("attempt", [0, 3, 10])
    def test_spreads_over_the_whole_range(self, attempt):
        bound = min(30.0, 0.5 * 2**attempt)
        waits = [backoff(attempt) for _ in range(500)]
        assert min(waits) < 0.1 * bound
        assert max(waits) > 0.9 * bound


class TestDelay:
    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("repeatable", [True, False])
    def test_refusals_are_always_repeated(self, status, repeatable):
        assert retry_delay(answer(status), 0, repeatable) is not None

    @pytest.mark.parametrize("status", [500, 501, 502, 504])
    def test_failures_are_repeated_only_if_that_is_safe(self, status):
        assert retry_delay(answer(status), 0, repeatable=True) is not None
        assert retry_delay(answer(status), 0, repeatable=False) is None
        assert may_have_acted(answer(status))

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 410, 413, 505])
    def test_other_statuses_are_not_repeated(self, status):
        assert retry_delay(answer(status), 0, repeatable=True) is None
        assert not may_have_acted(answer(status))

    def test_failures_without_answer(self):
        assert retry_delay(NOT_SENT, 0, repeatable=False) is not None
        assert retry_delay(SENT, 0, repeatable=True) is not None
        assert retry_delay(SENT, 0, repeatable=False) is None
        assert retry_delay(HOPELESS, 0, repeatable=True) is None

    @given(st.integers(0, 60), st.integers(0, 20), st.sampled_from([429, 503]))
    def test_waits_as_long_as_asked_and_a_random_time_more(self, asked, attempt, status):
        delay = retry_delay(answer(status, **{"retry-after": str(asked)}), attempt, repeatable=False)
        assert delay is not None
        assert asked <= delay <= asked + 30

    @pytest.mark.parametrize("asked", ["61", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_does_not_wait_as_long_as_a_server_likes(self, asked):
        assert retry_delay(answer(429, **{"retry-after": asked}), 0, repeatable=True) is None


def cause(error):
    """Wrap as urllib3 and requests do."""
    return requests.ConnectionError(MaxRetryError(urllib3.HTTPConnectionPool("h"), "/x?secret=1", error))


CONNECTION = urllib3.connection.HTTPConnection("h")


@pytest.mark.parametrize(
    ("error", "sent", "retry"),
    [
        (cause(NewConnectionError(CONNECTION, "refused")), False, True),
        (cause(ConnectTimeoutError(CONNECTION, "slow")), False, True),
        (requests.ConnectTimeout(MaxRetryError(CONNECTION, "/", ConnectTimeoutError(CONNECTION, "slow"))), False, True),
        (requests.exceptions.ProxyError(ProxyError("proxy", NewConnectionError(CONNECTION, "refused"))), False, True),
        (requests.exceptions.ProxyError(ProxyError("proxy", ConnectionResetError("reset"))), True, True),
        (requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("bad"))), False, False),
        (requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLEOFError("eof"))), True, True),
        (requests.exceptions.InvalidURL("bad"), False, False),
        (LocationParseError("bad"), False, False),
        (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError("reset"))), True, True),
        (requests.ReadTimeout(ReadTimeoutError(CONNECTION, "/", "timed out")), True, True),
        (requests.exceptions.ChunkedEncodingError("cut"), True, True),
        (urllib3.exceptions.DecodeError("gzip"), True, True),
        (OSError("anything else"), True, True),
    ],
)
def test_only_what_proves_it_counts_as_not_sent(error, sent, retry):
    failure = classify(error)
    assert (failure.sent, failure.retry) == (sent, retry)
    assert "secret" not in failure.reason


def test_exceptions_of_the_caller_do_not_count():
    error = requests.ReadTimeout("ours")
    error.__context__ = NewConnectionError(CONNECTION, "something that the caller handles")
    assert classify(error).sent
