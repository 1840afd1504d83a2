from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.api.origin import ApiRoot, Origin
from intempt_nb.errors import ConfigurationError, TransportError

ROOT = ApiRoot.parse("https://api.intempt.com", "OrgABC")

hosts = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True)
ports = st.integers(1, 65535)


class TestOrigin:
    @given(hosts, st.sampled_from([("https", 443), ("http", 80)]), st.data())
    def test_case_and_default_port_make_no_difference(self, host, scheme_port, data):
        scheme, port = scheme_port
        mixed = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in f"{scheme}://{host}")
        assert Origin.of(f"{mixed}/x?y#z") == Origin.of(f"{scheme}://{host}:{port}") == Origin(scheme, host, port)

    @given(hosts, ports, st.sampled_from(["https", "http"]))
    def test_its_text_reads_back(self, host, port, scheme):
        origin = Origin(scheme, host, port)
        assert Origin.of(str(origin)) == origin

    def test_ipv6_text_reads_back(self):
        assert str(Origin.of("http://[::1]:8000/")) == "http://[::1]:8000"

    @given(hosts, hosts, ports, ports)
    def test_another_host_or_port_is_another_origin(self, host, other, port, other_port):
        same = host == other and port == other_port
        assert (Origin.of(f"https://{host}:{port}") == Origin.of(f"https://{other}:{other_port}")) == same

    @given(st.text(max_size=40))
    @example("https://[")
    @example("https://a:99999")
    @example("//evil.example")
    def test_any_text_is_an_origin_or_a_value_error(self, text):
        try:
            origin = Origin.of(text)
        except ValueError:
            return
        assert origin.scheme in ("http", "https")

    @pytest.mark.parametrize(
        ("host", "loopback"),
        [
            ("localhost", True),
            ("127.0.0.1", True),
            ("127.9.9.9", True),
            ("::1", True),
            ("localhost.evil.example", False),
            ("127.0.0.1.evil.example", False),
            ("0.0.0.0", False),
            ("10.0.0.1", False),
            ("2130706433", False),
        ],
    )
    def test_loopback(self, host, loopback):
        assert Origin("http", host, 80).is_loopback is loopback


class TestBaseUrl:
    @pytest.mark.parametrize(
        "base_url",
        [
            "https://api.intempt.com",
            "https://api.intempt.com/",
            "http://localhost:8000",
            "http://127.0.0.1:1",
            "http://[::1]:9",
        ],
    )
    def test_taken(self, base_url):
        ApiRoot.parse(base_url, "OrgABC")

    @pytest.mark.parametrize(
        ("base_url", "reason"),
        [
            ("http://api.intempt.com", "must begin with https://"),
            ("http://127.0.0.1.evil.example", "must begin with https://"),
            ("https://user:password@api.intempt.com", "user name or password"),
            ("https://api.intempt.com?key=1", "query or fragment"),
            ("https://api.intempt.com#x", "query or fragment"),
            ("https://api.intempt.com\\@evil.example", "user name|backslashes"),
            ("https://api .intempt.com", "white space"),
            ("api.intempt.com", "absolute URL"),
            ("ftp://api.intempt.com", "absolute URL"),
            ("", "absolute URL"),
        ],
    )
    def test_refused(self, base_url, reason):
        with pytest.raises(ConfigurationError, match=reason) as caught:
            ApiRoot.parse(base_url, "OrgABC")
        assert "password@" not in str(caught.value)

    @pytest.mark.parametrize("org", ["", ".", ".."])
    def test_refuses_an_organisation_that_is_none(self, org):
        with pytest.raises(ConfigurationError, match="org must be"):
            ApiRoot.parse("https://api.intempt.com", org)


class TestUrl:
    @pytest.mark.parametrize(
        ("href", "url"),
        [
            ("", "https://api.intempt.com/v1/OrgABC/"),
            ("collections", "https://api.intempt.com/v1/OrgABC/collections"),
            ("collections/a%2Fb", "https://api.intempt.com/v1/OrgABC/collections/a%2Fb"),
            ("/v1/OrgABC/sources?x=1#y", "https://api.intempt.com/v1/OrgABC/sources?x=1"),
            ("HTTPS://API.INTEMPT.COM:443/v1/OrgABC/sources", "https://api.intempt.com/v1/OrgABC/sources"),
            ("https://user:pw@api.intempt.com/v1/OrgABC/sources", "https://api.intempt.com/v1/OrgABC/sources"),
        ],
    )
    def test_of_paths_and_links(self, href, url):
        assert ROOT.url(href) == url

    def test_params_are_added_and_none_left_out(self):
        url = ROOT.url("collections?cursor=a", {"name": "a b&c", "sourceId": None, "limit": 5})
        assert url == "https://api.intempt.com/v1/OrgABC/collections?cursor=a&name=a+b%26c&limit=5"

    def test_organisation_is_quoted(self):
        assert ApiRoot.parse("https://api.intempt.com", "a/b?").url("x") == "https://api.intempt.com/v1/a%2Fb%3F/x"

    def test_keeps_a_prefix(self):
        root = ApiRoot.parse("https://gateway.example/intempt/", "OrgABC")
        assert root.url("sources") == "https://gateway.example/intempt/v1/OrgABC/sources"
        for elsewhere in ("/other/v1/OrgABC/sources", "/_sandbox/faults"):
            with pytest.raises(TransportError, match="out of the API"):
                root.url(f"https://gateway.example{elsewhere}")

    @pytest.mark.parametrize("base_url", ["http://127.0.0.1:8787", "http://127.0.0.1:8787/prefix"])
    def test_a_sandbox_s_own_paths(self, base_url):
        root = ApiRoot.parse(base_url, "a/b")
        assert root.url("../../_sandbox/faults") == f"{base_url}/_sandbox/faults"
        assert root.url(f"{base_url}/_sandbox/faults") == f"{base_url}/_sandbox/faults"

    @pytest.mark.parametrize(
        "href",
        [
            "https://evil.example/v1/OrgABC/sources",
            "https://evil.example/_sandbox/faults",
            "//evil.example/v1/OrgABC/sources",
            "http://api.intempt.com/v1/OrgABC/sources",
            "https://api.intempt.com:8443/v1/OrgABC/sources",
            "https://api.intempt.com.evil.example/v1/OrgABC/sources",
            "https://api.intempt.com@evil.example/v1/OrgABC/sources",
            "https://evil.example\\@evil.example/v1/OrgABC/sources",
        ],
    )
    def test_refuses_foreign_origins(self, href):
        with pytest.raises(TransportError, match=r"belongs to https://api\.intempt\.com"):
            ROOT.url(href)

    @pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd", "https://[", "https://a:b/"])
    def test_refuses_what_is_no_web_address(self, href):
        with pytest.raises(TransportError, match="not an address"):
            ROOT.url(href)

    @pytest.mark.parametrize(
        "href",
        [
            "/v2/x",
            "/",
            "https://api.intempt.com/v1/../admin",
            "/v1/%2e%2e/admin",
            "https://api.intempt.com/v1/O/..",
            "/_sandbox",
            "/_sandboxes/faults",
            "/x/_sandbox/faults",
            "/_sandbox/%2e%2e/admin",
            "../../../_sandbox/..",
        ],
    )
    def test_refuses_ways_out_of_the_api(self, href):
        with pytest.raises(TransportError, match="out of the API"):
            ROOT.url(href)

    @given(
        st.text(max_size=60)
        | st.builds("{}//{}/{}".format, st.text(max_size=6), st.text(max_size=20), st.text(max_size=9))
    )
    @example("https://evil.example\\@api.intempt.com/v1/")
    @example("/\\evil.example/v1/")
    def test_whatever_the_link_the_request_stays_on_the_origin(self, href):
        try:
            url = ROOT.url(href)
        except TransportError:
            return
        assert url.startswith(("https://api.intempt.com/v1/", "https://api.intempt.com/_sandbox/"))
