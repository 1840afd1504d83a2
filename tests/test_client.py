from __future__ import annotations

import copy
import pickle
import socket
import traceback
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd
import pytest
from IPython.lib.pretty import pretty

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = '<img src=x onerror="alert(1)">'
SCHEMA = {"type": "record", "name": "r", "namespace": "com.example", "fields": [{"name": "id", "type": "string"}]}


def test_a_sandbox_is_a_client_and_ends_with_it() -> None:
    with inb.sandbox() as client:
        assert len(client.sources) == 0
        assert client.org == "sandbox"
        assert client.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(inb.TransportError):
        list(client.sources)
    client.close()


def test_a_sandbox_in_a_file_keeps_its_data(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with inb.sandbox(path) as client:
        things = client.create_source("shop").create_collection("things", SCHEMA)
        things.create_identifier("key", fields=["id"])
        things.post({"id": "a"})
    with inb.sandbox(path) as client:
        assert client.collections["things"].load()["id"].tolist() == ["a"]


def test_a_file_that_is_not_a_sandboxs_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be told from an empty one")
    with pytest.raises(inb.ConfigurationError, match=r"notes\.txt"):
        inb.sandbox(path)
    assert path.read_text().startswith("not a database")


def test_the_wrong_key_is_a_clear_error(client: inb.Client) -> None:
    stranger = inb.Client(client.org, "wrong-key-123", client.base_url)
    with stranger, pytest.raises(inb.AuthenticationError, match="check the API key"):
        list(stranger.sources)


def test_the_key_is_nowhere_to_be_seen(client: inb.Client) -> None:
    canary = "canary-key-7f3a"
    stranger = inb.Client(client.org, canary, client.base_url)
    shown = [repr(stranger), str(vars(stranger)), stranger._repr_html_(), repr(stranger.collections["x"])]
    with stranger, pytest.raises(inb.ApiError) as caught:
        list(stranger.sources)
    shown += [repr(caught.value), str(caught.value), str(caught.value.__dict__)]
    assert not any(canary in each for each in shown)
    with pytest.raises(TypeError):
        pickle.dumps(stranger)
    with pytest.raises(TypeError):
        copy.deepcopy(stranger)


def test_a_traceback_with_local_variables_does_not_show_the_key() -> None:
    canary = "canary-key-7f3a"
    with pytest.raises(inb.ConfigurationError) as caught:
        inb.Client("org", "".join(["canary-", "key-7f3a"]), "http://example.com")
    frames = traceback.walk_tb(caught.value.__traceback__)
    ours = [repr(frame.f_locals) for frame, _ in frames if frame.f_code.co_filename != __file__]
    assert len(ours) > 1
    assert not any(canary in each for each in ours)


def test_http_is_refused_except_on_this_machine() -> None:
    with pytest.raises(inb.ConfigurationError, match="https"):
        inb.Client("org", "some-key", "http://example.com")


def test_mappings_find_by_name_and_by_id_and_list_what_there_is(client: inb.Client) -> None:
    shop = client.create_source("shop", title="The shop")
    things = shop.create_collection("things", SCHEMA, kind="event", title="Things")
    assert list(client.sources) == ["shop"]
    assert "shop" in client.sources
    assert shop.id in client.sources
    assert "nothing" not in client.sources
    assert client.sources[shop.id].name == "shop"
    assert client.collections["things"].id == things.id
    assert client.collections[things.id].name == "things"
    assert client.sources["shop"].collections["things"].kind == "event"
    assert [each.name for each in client.collections.values()] == ["things"]
    assert client.sources._ipython_key_completions_() == ["shop"]
    assert isinstance(things.id, str)
    assert things.id.isdigit()
    assert things.source.name == "shop"


def test_a_handle_asks_nothing_before_it_is_used() -> None:
    client = inb.Client("org", "some-key", "http://127.0.0.1:9", timeout=0.2)
    handle = client.sources["anything"].collections["whatever"]
    assert "nothing asked of the server yet" in repr(handle)
    client.close()


def test_a_notebook_that_shows_a_handle_shows_what_it_stands_for(client: inb.Client) -> None:
    shop = client.create_source("shop", title="The shop")
    shop.create_collection("things", SCHEMA)
    assert "The shop" in client.sources["shop"]._repr_html_()
    assert "The shop" in pretty(client.sources["shop"])
    assert "1 field" in client.collections["things"]._repr_html_()
    assert shop.id not in repr(client.sources["shop"])
    with pytest.raises(inb.NotFoundError):
        client.sources["nothing"]._repr_html_()


def test_slips_in_arguments_are_told(client: inb.Client) -> None:
    shop = client.create_source("shop")
    with pytest.raises(inb.DataError, match="kind is 'evnt'; expected one of profile, event, attribute"):
        shop.create_collection("things", SCHEMA, kind="evnt")
    things = shop.create_collection("things", SCHEMA)
    with pytest.raises(inb.DataError, match=r"fields=\['id'\]"):
        things.create_identifier("key", fields="id")
    with pytest.raises(inb.DataError, match="5 is not an id"):
        things.get(5)
    with pytest.raises(inb.NotFoundError, match="no source 5"):
        client.sources[5].id
    with pytest.raises(inb.SchemaError, match=r"pass its \.schema"):
        shop.create_collection("other", inb.infer_schema(pd.DataFrame({"a": [1]})))
    with pytest.raises(inb.ConfigurationError, match="timeout"):
        inb.Client("org", "some-key", timeout=None)
    with pytest.raises(inb.ConfigurationError, match="org must be"):
        inb.Client(None, "some-key")


def test_a_name_that_is_not_there_is_an_error_with_what_there_is(client: inb.Client) -> None:
    client.create_source("shop").create_collection("things", SCHEMA)
    with pytest.raises(inb.NotFoundError, match=r"no collection 'thing'; did you mean 'things'\?"):
        client.collections["thing"].load()
    with pytest.raises(KeyError):
        client.sources["other"].id
    with pytest.raises(inb.NotFoundError, match="there are no identifiers yet"):
        client.collections["things"].identifiers["key"]
    assert client.collections["things"].identifiers.get("key") is None
    assert client.sources.get("other") is None
    assert client.sources.get("shop", None) is not None


def test_a_name_in_two_sources_is_told_apart_by_the_source(client: inb.Client) -> None:
    for name in ("one", "two"):
        client.create_source(name).create_collection("things", SCHEMA)
    assert sorted(client.collections) == ["one/things", "two/things"]
    with pytest.raises(inb.NotFoundError, match=r"one/things, two/things\. Use one of those"):
        client.collections["things"].schema
    assert client.collections["two/things"].source.name == "two"
    assert client.sources["one"].collections["things"].source.name == "one"


def test_a_schema_comes_back_as_it_was_written(shop: inb.SourceHandle) -> None:
    avro = {
        "type": "record",
        "name": "r",
        "namespace": "com.example",
        "doc": "d",
        "fields": [{"name": "id", "type": "string", "display": True, "title": "The ID", "custom": {"a": [1]}}],
    }
    shop.create_collection("things", avro)
    assert shop.collections["things"].schema.to_avro() == avro
    with pytest.raises(inb.SchemaError, match="unknown type 'strng'"):
        shop.create_collection("other", {"type": "record", "name": "r", "fields": [{"name": "a", "type": "strng"}]})
    assert list(shop.collections) == ["things"]


def test_identifiers_and_relations_link_collections(client: inb.Client) -> None:
    shop = client.create_source("shop")
    visitors = shop.create_collection("visitors", SCHEMA, kind="profile")
    fields = [{"name": "id", "type": "string"}, {"name": "visitorId", "type": "string"}]
    orders = shop.create_collection("orders", {"type": "record", "name": "orders", "fields": fields}, kind="event")
    with pytest.raises(inb.NotFoundError, match=r"has no primary identifier.*create_identifier"):
        orders.primary
    key = visitors.create_identifier("visitor", fields=["id"])
    orders.create_identifier("order", fields=["id"], type="primary")
    foreign = orders.create_identifier("visitor", fields=["visitorId"], type="foreign", references=visitors.primary)
    relation = orders.create_relation("ordered by", "visitor")
    assert key.schema_json["namespace"] == "com.example"
    assert foreign.reference_id == visitors.primary.id
    assert orders.primary.name == "order"
    assert list(orders.identifiers) == ["order", "visitor"]
    assert orders.relations["ordered by"].id == relation.id
    assert relation.type == "many_to_one"
    with pytest.raises(inb.DataError, match="no field 'nope'"):
        orders.create_identifier("x", fields=["nope"])
    with pytest.raises(inb.RejectedError, match="primary"):
        orders.create_identifier("second", fields=["id"], type="primary")


def test_one_item_goes_in_and_comes_out(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", SCHEMA)
    with pytest.raises(inb.RejectedError, match="primary"):
        things.post({"id": "a"})
    things.create_identifier("key", fields=["id"])
    item = things.post({"id": "a"})
    assert things.get(item.id).data == {"id": "a"}
    with pytest.raises(inb.NotFoundError):
        things.get("1")


def test_updating_changes_what_is_said_and_nothing_else(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", SCHEMA, kind="event", title="Things")
    things.create_identifier("key", fields=["id"])
    things.post({"id": "a"})
    stale = shop.collections["things"]
    assert stale.kind == "event"
    wider = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "size", "type": ["null", "long"]}]}
    assert things.update(wider) is things
    assert (things.name, things.kind, things.record.title) == ("things", "event", "Things")
    assert things.schema == inb.Schema.parse(wider)
    assert things.load()["id"].tolist() == ["a"]
    stale.update(name="parts", kind="attribute", title="")  # what it does not say is as the server has it now
    parts = shop.collections["parts"]
    assert (parts.id, parts.kind, parts.record.title) == (things.id, "attribute", "")
    assert parts.schema.names == ["id", "size"]


def test_an_update_that_cannot_be_is_a_clear_error(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", SCHEMA)
    things.create_identifier("key", fields=["id"])
    with pytest.raises(inb.DataError, match="kind is 'table'; expected one of profile"):
        things.update(kind="table")  # type: ignore[arg-type]  # the mistake that the test is about
    with pytest.raises(inb.SchemaError):
        things.update({"type": "record", "name": "r", "fields": [{"name": "9", "type": "int"}]})
    with pytest.raises(inb.RejectedError, match="identifier 'key'"):
        things.update({"type": "record", "name": "r", "fields": []})
    assert things.schema.names == ["id"]


def test_deleting(client: inb.Client) -> None:
    shop = client.create_source("shop")
    things = shop.create_collection("things", SCHEMA)
    things.delete()
    assert "things" not in shop.collections
    shop.delete()
    assert len(client.sources) == 0


def test_a_web_source_is_born_with_collections(client: inb.Client) -> None:
    web = client.create_source("site", type="js")
    assert {"visitor", "page", "interaction"} <= set(web.collections)
    page = web.collections["page"]
    assert page.primary.type == "primary"
    assert len(page.load()) == 0


def test_what_is_shown_is_escaped_and_also_text(client: inb.Client) -> None:
    shop = client.create_source("shop", title=HOSTILE)
    fields = [{"name": "id", "type": "string", "title": HOSTILE, "doc": HOSTILE}]
    things = shop.create_collection("things", {"type": "record", "name": "r", "fields": fields}, title=HOSTILE)
    things.create_identifier("key", fields=["id"])
    for view in (client, client.sources, shop, client.collections, things, things.identifiers, things.schema):
        assert "<img" not in view._repr_html_()
        assert view._repr_html_().startswith("<table>")
        assert repr(view)
    assert "&lt;img" in things._repr_html_()
    assert "&lt;img" in client.sources._repr_html_()
    assert "shop" in str(client.sources)
    assert pretty(client.sources) == str(client.sources)


def test_the_repr_of_a_mapping_asks_nothing(client: inb.Client) -> None:
    sources = client.sources
    client.close()
    assert repr(sources) == "<the sources, by name or id; list(…) asks the server>"


def test_faults_on_demand_are_shown_and_end_with_their_block(client: inb.Client, shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", SCHEMA)
    things.create_identifier("key", fields=["id"])
    with client.sandbox.faults({"path": "/collections/*/data", "on": 1, "status": 418, "message": HOSTILE}) as faults:
        assert "/collections/*/data  on 1" in pretty(faults)
        assert "&lt;img" in faults._repr_html_()
        with pytest.raises(inb.RejectedError) as caught:
            things.post({"id": "a"})
        assert (caught.value.status, HOSTILE in caught.value.message) == (418, True)
        [rule] = client.sandbox.faults().rules
        assert (rule.rule["status"], rule.matched, rule.applied) == (418, 1, 1)
    assert client.sandbox.faults().rules == ()
    assert str(client.sandbox.faults()).startswith("Faults: none")
    things.post({"id": "a"})


def test_clearing_faults_returns_their_last_counts(client: inb.Client) -> None:
    client.sandbox.faults({"path": "/sources", "delay": 0})
    len(client.sources)
    assert [each.applied for each in client.sandbox.clear_faults().rules] == [1]
    assert client.sandbox.clear_faults().rules == ()


def test_a_mistake_in_a_fault_is_told_with_its_place(client: inb.Client) -> None:
    with pytest.raises(inb.RejectedError, match=r"/rules/1/on: 0; expected a whole number from 1 up"):
        client.sandbox.faults({"delay": 1}, {"delay": 1, "on": 0})


def test_faults_of_what_is_no_sandbox(client: inb.Client) -> None:
    elsewhere = inb.Client(client.org, "some-key", f"{client.base_url}/prefix")
    for ask in (elsewhere.sandbox.faults, elsewhere.sandbox.clear_faults):
        with pytest.raises(inb.NotFoundError, match="takes no fault script: only a sandbox does"):
            ask()
    elsewhere.close()
    with pytest.raises(inb.ConfigurationError, match="not a sandbox on this machine"):
        inb.Client("org", "some-key").sandbox.proxy()


def test_a_proxy_comes_with_a_client_and_ends_with_it(client: inb.Client, shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", SCHEMA)
    things.create_identifier("key", fields=["id"])
    with client.sandbox.proxy([{"reset": 0}]) as proxy:
        assert proxy.client.org == client.org
        assert proxy.client.base_url == proxy.url != client.base_url
        assert proxy.client.collections["things"].id == things.id  # the first answer was lost, the question repeated
        assert proxy.connections == 2
        proxy.down(3600)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port))
    with pytest.raises(inb.TransportError, match="connection was closed"):
        list(proxy.client.sources)
    assert list(client.sources) == ["shop"]


def test_an_identifier_brings_the_types_that_its_fields_only_name(shop: inb.SourceHandle) -> None:
    status = {"type": "enum", "name": "Status", "symbols": ["new", "old"]}
    fields = [{"name": "was", "type": status}, {"name": "now", "type": ["null", "Status"]}]
    orders = shop.create_collection("orders", {"type": "record", "name": "r", "namespace": "a", "fields": fields})
    made = orders.create_identifier("both", fields=["now", "was"])
    assert [each["type"] for each in made.schema_json["fields"]] == [["null", status], "a.Status"]
