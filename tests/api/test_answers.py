from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.api.answers import Answer, decode, error_for_status, object_text, parse_retry_after, scrub_body
from intempt_nb.errors import (
    ApiError,
    AuthenticationError,
    DeliveryUnknownError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
    ServerError,
    TransportError,
)

NOW = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)


def answer(status=200, body=b"{}", method="GET", **headers):
    return Answer(method, "/v1/OrgABC/sources", status, headers, body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, RejectedError),
        (406, RejectedError),
        (409, RejectedError),
        (410, NotFoundError),
        (413, RejectedError),
        (422, RejectedError),
        (429, RateLimitedError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
        (302, TransportError),
        (304, TransportError),
    ],
)
def test_each_status_has_one_error(status, kind):
    assert type(error_for_status(answer(status))) is kind


@given(st.integers(100, 599), st.binary(max_size=30))
def test_every_status_has_an_error(status, body):
    assert isinstance(error_for_status(answer(status, body)), ApiError | TransportError)


class TestMessage:
    def test_is_the_servers_with_the_request_and_advice(self):
        body = json.dumps({"status": 401, "error": "Unauthorized", "message": "wrong\nkey"}).encode()
        error = error_for_status(answer(401, body))
        assert str(error) == (
            "GET /v1/OrgABC/sources → 401: wrong key (check the API key; a key belongs to one source)"
        )
        assert error.body == {"status": 401, "error": "Unauthorized", "message": "wrong\nkey"}

    def test_falls_back_to_error(self):
        assert "Bad thing" in str(error_for_status(answer(400, b'{"error": "Bad thing", "message": 5}')))

    @pytest.mark.parametrize("body", [b"", b"<html>nginx</html>", b"[1]", b"\xff\xfe", b"[" * 100_000])
    def test_without_words_says_so(self, body):
        error = error_for_status(answer(413, body))
        assert "gave no reason (send fewer rows at once)" in str(error)
        assert error.body == {}

    def test_is_bounded_but_the_body_is_kept(self):
        error = error_for_status(answer(400, json.dumps({"message": "x" * 9999}).encode()))
        assert len(str(error)) < 600
        assert len(error.body["message"]) == 9999

    def test_survives_pickling(self):
        error = pickle.loads(
            pickle.dumps(error_for_status(answer(429, b'{"message": "slow"}', **{"retry-after": "7"})))
        )
        assert (str(error).count("slow"), error.status, error.retry_after) == (1, 429, 7.0)

    @pytest.mark.parametrize(
        ("location", "named"),
        [
            ("https://evil.example:8443/take?key=abc", "https://evil.example:8443;"),
            ("https://user:abc@evil.example/", "https://evil.example;"),
            ("/abc", "another address"),
            ("https://[", "another address"),
            (None, "nowhere"),
        ],
    )
    def test_of_a_redirect_names_the_origin_only(self, location, named):
        headers = {} if location is None else {"location": location}
        error = error_for_status(answer(307, **headers))
        assert named in str(error)
        assert "abc" not in str(error)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("0", 0.0),
            ("120", 120.0),
            (" 1.5 ", 1.5),
            ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
            ("Wed, 21 Oct 2015 07:28:30 -0000", 30.0),
            ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
            ("-5", None),
            ("soon", None),
            ("nan", None),
            ("", None),
            (None, None),
        ],
    )
    def test_both_forms(self, text, seconds):
        assert parse_retry_after(text, NOW) == seconds

    @given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
    def test_every_http_date(self, date):
        date = date.replace(tzinfo=UTC, microsecond=0)
        expected = max(timedelta(), date - NOW).total_seconds()
        assert parse_retry_after(date.strftime("%a, %d %b %Y %H:%M:%S GMT"), NOW) == expected

    def test_a_date_is_of_the_servers_clock(self):
        headers = {"retry-after": "Thu, 01 Jan 2099 00:00:30 GMT", "date": "Thu, 01 Jan 2099 00:00:00 GMT"}
        assert answer(429, **headers).retry_after == 30.0
        assert error_for_status(answer(429, **headers)).retry_after == 30.0

    @given(st.text(max_size=40))
    @example("9" * 400)
    @example("1 Jan 99999 0:0:0")
    @example("Mon, 01 Jan 0001 00:00:00 +2359")
    def test_any_text_gives_seconds_or_nothing(self, text):
        seconds = parse_retry_after(text, NOW)
        assert seconds is None or seconds >= 0


class TestBody:
    def test_big_integers_keep_their_digits(self):
        assert decode(answer(body=b'{"id": 98092788222918657}')) == {"id": 98092788222918657}

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b"null", b'{"a":', b"1" * 5000])
    def test_what_is_no_object_is_refused_without_showing_it(self, body):
        headers = {"content-type": "text/html; charset=utf-8"}
        with pytest.raises(TransportError, match="not a JSON object: got text/html; charset=utf-8") as caught:
            decode(answer(body=body, **headers))
        assert caught.value.__cause__ is caught.value.__context__ is None

    def test_after_a_change_the_outcome_is_unknown(self):
        with pytest.raises(DeliveryUnknownError, match="not known whether"):
            decode(answer(body=b"<html>", method="POST"))
        with pytest.raises(DeliveryUnknownError):
            object_text(answer(body=b"<html>", method="POST"))

    @pytest.mark.parametrize("body", [b"{}", b' \r\n\t{"a": 1}', b"\xef\xbb\xbf{}"])
    def test_object_text_is_passed_on_as_it_is(self, body):
        assert object_text(answer(body=body)) is body

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
    def test_object_text_refuses_other_text(self, body):
        with pytest.raises(TransportError):
            object_text(answer(body=body))


texts = st.text(max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
)


class TestScrub:
    @given(json_values, st.booleans())
    def test_finds_the_key_however_json_writes_it(self, value, ascii_only):
        body = json.dumps({"message": "a/Kéy", "a/Kéy": [value, "…a/Kéy…"]}, ensure_ascii=ascii_only)
        for text in (body, body.replace("/", "\\/"), body.replace("K", "\\u004b")):
            scrubbed = scrub_body(text.encode("utf-8", "surrogatepass"), lambda text: text.replace("a/Kéy", "***"))
            assert json.loads(scrubbed)["message"] == "***"
            assert "a/Kéy" not in json.dumps(json.loads(scrubbed), ensure_ascii=False)

    @pytest.mark.parametrize("body", [b"<p>KEY</p>", b"\xffKEY", b"[" * 50_000 + b'"KEY"'])
    def test_finds_it_in_other_bodies(self, body):
        assert b"KEY" not in scrub_body(body, lambda text: text.replace("KEY", "***"))
