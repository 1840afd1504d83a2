from __future__ import annotations

import json

import pytest

from intempt_nb.errors import ApiError, TransportError


class TestDownloads:
    """A body that breaks off is begun again, and goes on where it had come to."""

    PAGE = json.dumps({"items": list(range(500_000))}).encode()

    def cut(self, reply, size):
        return reply(body=self.PAGE[:size], action="cut")

    @pytest.mark.parametrize("sizes", [(0,), (1,), (5_000,), (1 << 20,), (3 << 20, 1 << 20, 3_000_001)])
    def test_come_to_their_end(self, sizes, server, transport, reply):
        server.answer(*(self.cut(reply, size) for size in sizes), reply(body=self.PAGE))
        assert b"".join(transport.get_chunks("x")) == self.PAGE
        assert len(server.requests) == len(sizes) + 1

    def test_that_fail_in_between_are_repeated_too(self, server, transport, reply):
        server.answer(self.cut(reply, 2 << 20), reply(status=503), reply(action="drop"), reply(body=self.PAGE))
        assert b"".join(transport.get_chunks("x")) == self.PAGE

    @pytest.mark.parametrize("other", [PAGE[: 1 << 20], b"{" + PAGE, PAGE.replace(b" 100,", b" 99,"), b"{}"])
    def test_of_another_page_are_not_mixed(self, other, server, transport, reply):
        server.answer(self.cut(reply, 2 << 20), reply(body=other))
        with pytest.raises(TransportError, match="the server then gave another one; load it again"):
            list(transport.get_chunks("x"))

    def test_are_given_up_after_the_last_repeat(self, server, make_transport, reply):
        server.answer(self.cut(reply, 2 << 20))
        given = []
        with pytest.raises(TransportError, match="no answer from"):
            given.extend(make_transport(server.url, retries=2).get_chunks("x"))
        assert b"".join(given) == self.PAGE[: 2 << 20]
        assert len(server.requests) == 3

    def test_that_are_refused_say_so(self, server, transport, reply):
        server.answer(self.cut(reply, 2 << 20), reply(status=403, body={"message": "not yours"}))
        with pytest.raises(ApiError, match="not yours"):
            list(transport.get_chunks("x"))
