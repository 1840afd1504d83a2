"""API keys: where they are taken, and what they open."""

from __future__ import annotations

import hmac

import pytest
import requests

from intempt_nb.server import access
from intempt_nb.server.serve import EmbeddedServer


@pytest.fixture
def shops(api, make_record):
    """Return two sources, each with a collection that takes data and one item."""
    made = []
    for _ in range(2):
        source, things = api.table(id="string", ref=["null", "string"])
        [item] = api.bulk(source, [{"id": "a"}]).json()["_embedded"]["data"]
        [primary] = api.get(things["_links"]["identifiers"]["href"])["_embedded"]["identifiers"]
        link = api.identifier(things, "foreign", fields=["ref"], referenceId=primary["id"])
        relation = api.make("/relations", {"name": "of", "identifierId": link["id"], "type": "many_to_one"})
        made.append((source, things, item, primary, relation))
    return made


class TestHeader:
    @pytest.mark.parametrize("form", ["ApiKey {}", "Bearer {}", "apikey {}", "BEARER  {} "])
    def test_taken(self, server, form):
        headers = {"Authorization": form.format(server.api_key).strip()}
        assert requests.get(f"{server.url}/v1/OrgABC/sources", headers=headers, timeout=30).status_code == 200

    @pytest.mark.parametrize("form", [None, "", "{}", "ApiKey", "ApiKey ", "Basic {}", "Token {}", "ApiKey{}"])
    def test_no_key(self, server, form, read_refusal):
        headers = {} if form is None else {"Authorization": form.format(server.api_key)}
        response = requests.get(f"{server.url}/v1/OrgABC/sources", headers=headers, timeout=30)
        assert "send it in the header 'Authorization: ApiKey <key>'" in read_refusal(response, 401)["message"]
        assert response.headers["WWW-Authenticate"] == "ApiKey"

    @pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "0", lambda key: "ü"])
    def test_a_wrong_key(self, server, connect, change):
        key = change(server.api_key)
        message = connect(server, key.encode().decode("latin-1")).refused(401, "GET", "/sources")
        assert "this API key is not known here" in message
        assert key not in message

    def test_a_key_in_the_url_is_no_key(self, server, read_refusal):
        url = f"{server.url}/v1/OrgABC/sources?apiKey={server.api_key}"
        read_refusal(requests.get(url, timeout=30), 401)

    def test_before_anything_else(self, server, read_refusal):
        for path in ("sources/1", "collections/1/data", "identifiers/x"):
            read_refusal(requests.get(f"{server.url}/v1/OrgABC/{path}", timeout=30), 401)
        read_refusal(requests.post(f"{server.url}/v1/OrgABC/sources", data="{", timeout=30), 401)

    def test_keys_are_compared_in_constant_time(self, api, connect, server, shops, monkeypatch):
        with server._store.read() as tx:
            digests = [digest for digest, _ in tx.api_keys()]
        compared = []
        real = hmac.compare_digest
        monkeypatch.setattr(
            access.hmac, "compare_digest", lambda one, other: compared.append(other) or real(one, other)
        )
        assert connect(server, "wrong").call("GET", "/sources").status_code == 401
        assert compared == [access.digest_of(server.api_key), *digests]


class TestSourceKey:
    @pytest.fixture
    def own(self, connect, server, shops):
        return connect(server, shops[0][0]["apiKey"])

    def test_opens_its_own_source(self, own, shops):
        source, things, item, primary, relation = shops[0]
        assert own.get(f"/sources/{source['id']}")["id"] == source["id"]
        assert own.get(f"/sources/{source['id']}/collections")["_embedded"]["collections"] == [things]
        assert own.get(f"/collections?sourceId={source['id']}")["_embedded"]["collections"] == [things]
        assert own.get(f"/collections/{things['id']}") == things
        assert len(own.items(things)) == 1
        assert own.get(item["_links"]["self"]["href"])["data"] == {"id": "a"}
        assert own.get(f"/identifiers/{primary['id']}") == primary
        assert own.get(f"/relations/{relation['id']}") == relation
        own.make(f"/collections/{things['id']}/data", {"id": "b"})
        own.bulk(source, [{"id": "c"}]).raise_for_status()
        own.call("PUT", f"/collections/{things['id']}", {"title": "T"}).raise_for_status()
        own.call("DELETE", item["_links"]["self"]["href"]).raise_for_status()
        own.call("DELETE", f"/collections/{things['id']}").raise_for_status()

    def test_listings_have_its_own_things_only(self, own, shops):
        _, things, _, primary, relation = shops[0]
        assert own.get("/collections")["_embedded"]["collections"] == [things]
        assert own.get("/collections?name=things")["_embedded"]["collections"] == [things]
        assert own.get("/identifiers")["_embedded"]["identifiers"][0] == primary
        assert len(own.get("/identifiers")["_embedded"]["identifiers"]) == 2
        assert own.get("/relations")["_embedded"]["relations"] == [relation]
        other = shops[1][1]
        assert own.get(f"/identifiers?collId={other['id']}")["_embedded"]["identifiers"] == []
        assert own.get(f"/relations?collId={other['id']}")["_embedded"]["relations"] == []

    def test_opens_nothing_of_another_source(self, api, own, shops):
        source, things, item, primary, relation = shops[1]
        data = f"/collections/{things['id']}/data"
        key = {"type": "record", "name": "k", "fields": [{"name": "id", "type": "string"}]}
        for method, path, body in [
            ("GET", f"/sources/{source['id']}", None),
            ("GET", f"/sources/{source['id']}/collections", None),
            ("GET", f"/collections?sourceId={source['id']}", None),
            ("POST", f"/sources/{source['id']}/data", {"things": [{"id": "b"}]}),
            ("POST", "/collections", {"sourceId": source["id"], "name": "x", "schema": key}),
            ("GET", f"/collections/{things['id']}", None),
            ("PUT", f"/collections/{things['id']}", {"title": "T"}),
            ("DELETE", f"/collections/{things['id']}", None),
            ("GET", f"/collections/{things['id']}/identifiers", None),
            ("GET", data, None),
            ("POST", data, {"id": "b"}),
            ("GET", f"{data}/{item['id']}", None),
            ("DELETE", f"{data}/{item['id']}", None),
            ("GET", f"/identifiers/{primary['id']}", None),
            ("POST", "/identifiers", {"collId": things["id"], "type": "account", "name": "a", "schema": key}),
            ("POST", "/collections", {"collId": things["id"], "type": "account", "name": "a", "schema": key}),
            ("GET", f"/relations/{relation['id']}", None),
            ("POST", "/relations", {"name": "of", "identifierId": relation["identifierId"], "type": "many_to_one"}),
        ]:
            message = own.refused(403, method, path, body)
            assert "this API key belongs to source" in message, (method, path)
        assert len(api.items(things)) == 1
        assert api.get(f"/collections/{things['id']}") == things

    def test_refers_to_nothing_of_another_source(self, api, own, shops):
        key = {"type": "record", "name": "k", "fields": [{"name": "id", "type": "string"}]}
        body = {
            "collId": shops[0][1]["id"],
            "type": "user",
            "name": "u",
            "schema": key,
            "referenceId": shops[1][3]["id"],
        }
        assert "belongs to source" in own.refused(403, "POST", "/identifiers", body)
        api.make("/identifiers", body)  # the organisation's key may: users are stitched across sources

    @pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", {"title": "x", "type": "api"})])
    def test_sources_are_the_organisation_s(self, own, method, body):
        assert "needs the organisation's key" in own.refused(403, method, "/sources", body)

    def test_its_own_source_it_does_not_delete(self, own, shops):
        assert "needs the organisation's key" in own.refused(403, "DELETE", f"/sources/{shops[0][0]['id']}")

    def test_what_is_not_there_is_not_there(self, own):
        own.refused(404, "GET", "/collections/98092788222918656")
        own.refused(404, "GET", "/sources/98092788222918656")


def test_every_source_has_a_key_of_its_own(api):
    keys = {api.source()["apiKey"] for _ in range(5)}
    assert len(keys) == 5


def test_no_key_is_kept_in_clear(tmp_path, connect):
    path = tmp_path / "s.db"
    with EmbeddedServer(path) as server:
        keys = [connect(server).source("js")["apiKey"], server.api_key]
        kept = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert not any(key.encode() in kept for key in keys)
        assert not any(key in repr(server) for key in keys)
