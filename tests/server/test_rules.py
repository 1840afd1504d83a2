"""Every rule of the contract on sources, collections, identifiers and relations, broken over HTTP: a 400 says which."""

from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.server.rules import slug

ENUM = {"type": "enum", "name": "status", "symbols": ["a", "b"]}
OTHER_ENUM = {"type": "enum", "name": "other", "symbols": ["a", "c"]}
DATE = {"type": "string", "logicalType": "date"}


@pytest.fixture
def source(api):
    return api.source()


@pytest.fixture
def users(api, source, make_record):
    return api.collection(
        source,
        make_record("user", id="string", nick=["null", "string"], age="int", day=DATE),
        name="users",
        profile=True,
    )


@pytest.fixture
def bookings(api, source, make_record):
    schema = make_record("booking", eventId="string", visitorId=["null", "string"], age="long", day=DATE, status=ENUM)
    return api.collection(source, schema, name="bookings", event=True)


def key_schema(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "k", "fields": [{"name": name, "type": each} for name, each in types.items()]}


class TestCollections:
    def test_both_flags(self, api, source, make_record):
        body = {
            "sourceId": source["id"],
            "name": "x",
            "profile": True,
            "event": True,
            "schema": make_record("r", a="int"),
        }
        assert "'profile' and 'event' are both true" in api.refused(400, "POST", "/collections", body)

    def test_flags_default_to_false(self, api, source, make_record):
        made = api.collection(source, make_record("r", a="int"))
        assert (made["profile"], made["event"]) == (False, False)

    def test_a_second_profile_collection(self, api, source, users, make_record):
        body = {"sourceId": source["id"], "name": "more", "profile": True, "schema": make_record("r", a="int")}
        message = api.refused(400, "POST", "/collections", body)
        assert "has a profile collection already, 'users'" in message
        api.collection(api.source(), make_record("r", a="int"), profile=True)  # another source may have its own

    def test_a_second_collection_of_a_name(self, api, source, users, make_record):
        body = {"sourceId": source["id"], "name": "users", "schema": make_record("r", a="int")}
        assert "has a collection 'users' already" in api.refused(400, "POST", "/collections", body)
        api.collection(api.source(), make_record("r", a="int"), name="users")  # another source may have it

    def test_all_problems_of_a_schema_are_told(self, api, source):
        schema = {
            "type": "record",
            "name": "r",
            "fields": [{"name": "a", "type": "strin"}, {"name": "a", "type": "int"}],
        }
        message = api.refused(400, "POST", "/collections", {"sourceId": source["id"], "name": "x", "schema": schema})
        assert "/fields/0/type: unknown type 'strin'; did you mean 'string'" in message
        assert "/fields/1/name: a second field 'a'" in message

    @pytest.mark.parametrize("schema", [None, "string", [], {"type": "map", "values": "int"}, 5])
    def test_a_schema_is_a_record(self, api, source, schema):
        body = {"sourceId": source["id"], "name": "x", "schema": schema}
        assert "'schema' cannot be used" in api.refused(400, "POST", "/collections", body)

    def test_an_unknown_logical_type_is_no_problem(self, api, source, make_record):
        schema = make_record("r", a={"type": "string", "logicalType": "colour"})
        assert api.collection(source, schema)["schema"] == schema

    @pytest.mark.parametrize("name", ["", "  ", None, 5, ["a"]])
    def test_a_name_says_something(self, api, source, name, make_record):
        body = {"sourceId": source["id"], "name": name, "schema": make_record("r", a="int")}
        assert "'name' is" in api.refused(400, "POST", "/collections", body)

    @pytest.mark.parametrize("missing", ["sourceId", "name", "schema"])
    def test_what_is_needed(self, api, source, missing, make_record):
        body = {"sourceId": source["id"], "name": "x", "schema": make_record("r", a="int")}
        del body[missing]
        assert f"'{missing}'" in api.refused(400, "POST", "/collections", body)

    @pytest.mark.parametrize(("key", "value"), [("profile", 1), ("event", "true"), ("profile", None), ("title", 5)])
    def test_types_of_the_other_keys(self, api, source, key, value, make_record):
        body = {"sourceId": source["id"], "name": "x", "schema": make_record("r", a="int"), key: value}
        assert f"'{key}' is" in api.refused(400, "POST", "/collections", body)

    @pytest.mark.parametrize("source_id", ["12345678901234567", 12345678901234567])
    def test_a_source_that_is_not_there(self, api, source_id, make_record):
        body = {"sourceId": source_id, "name": "x", "schema": make_record("r", a="int")}
        assert "there is no source 12345678901234567" in api.refused(400, "POST", "/collections", body)

    @pytest.mark.parametrize("source_id", ["mywebsource", 1.5, None, True, [], 10**30])
    def test_a_source_id_is_an_id(self, api, source_id, make_record):
        body = {"sourceId": source_id, "name": "x", "schema": make_record("r", a="int")}
        assert "expected an id" in api.refused(400, "POST", "/collections", body)

    def test_an_event_collection_needs_neither_timestamp_nor_profile(self, api, source, make_record):
        """The seed's own example has no timestamp: what custom events should have is advice."""
        events = api.collection(source, make_record("r", n="int"), event=True)
        api.identifier(events, fields=["n"])
        assert api.bulk(source, [{"n": 1}]).status_code == 201


class TestUpdates:
    def test_keep_the_rules(self, api, source, users, bookings):
        path = f"/collections/{bookings['id']}"
        assert "already" in api.refused(400, "PUT", path, {"name": "users"})
        assert "both true" in api.refused(400, "PUT", path, {"profile": True})
        assert "there is one per source" in api.refused(400, "PUT", path, {"profile": True, "event": False})
        assert "'schema' cannot be used" in api.refused(400, "PUT", path, {"schema": "int"})
        assert "stays in its source" in api.refused(400, "PUT", path, {"sourceId": api.source()["id"]})
        assert api.get(path) == bookings

    def test_identifiers_keep_their_fields(self, api, users, make_record):
        api.identifier(users, fields=["id"])
        path = f"/collections/{users['id']}"
        gone = make_record("user", age="int")
        assert "identifier 'primary' has the field 'id'" in api.refused(400, "PUT", path, {"schema": gone})
        changed = make_record("user", id="long")
        assert "field 'id' is string in identifier 'primary' and long" in api.refused(
            400, "PUT", path, {"schema": changed}
        )
        api.call("PUT", path, {"schema": make_record("user", id="string", more="int")}).raise_for_status()


class TestIdentifiers:
    def refused(self, api, collection, schema, kind="primary", **more):
        body = {"collId": collection["id"], "type": kind, "name": "k", "schema": schema, **more}
        return api.refused(400, "POST", "/identifiers", body)

    def test_one_primary_a_collection(self, api, users):
        api.identifier(users, fields=["id"])
        message = self.refused(api, users, key_schema(id="string"))
        assert "has a primary identifier already, 'primary'" in message

    def test_any_number_of_foreign_ones(self, api, users, bookings):
        primary = api.identifier(users, fields=["id"])
        for _ in range(3):
            api.identifier(bookings, "foreign", fields=["visitorId"], referenceId=primary["id"])

    @pytest.mark.parametrize("kind", ["primary", "user", "profile", "account"])
    def test_types_that_need_no_reference(self, api, users, kind):
        assert api.identifier(users, kind, fields=["id"])["type"] == kind

    @pytest.mark.parametrize("kind", ["foreing", "PRIMARY", "key"])
    def test_a_type_that_is_not_known(self, api, users, kind):
        message = self.refused(api, users, key_schema(id="string"), kind)
        assert "is not a type of identifiers" in message
        assert "primary, foreign" in message

    def test_foreign_needs_a_reference(self, api, bookings):
        assert "needs 'referenceId'" in self.refused(api, bookings, key_schema(visitorId="string"), "foreign")

    def test_primary_has_none(self, api, users, bookings):
        primary = api.identifier(users, fields=["id"])
        message = self.refused(api, bookings, key_schema(visitorId="string"), referenceId=primary["id"])
        assert "a primary identifier refers to nothing" in message

    @pytest.mark.parametrize("kind", ["foreign", "user"])
    def test_a_reference_to_nothing(self, api, bookings, kind):
        message = self.refused(api, bookings, key_schema(visitorId="string"), kind, referenceId=98109073040211968)
        assert "there is no identifier 98109073040211968" in message

    @pytest.mark.parametrize("reference", ["x", 1.5, True, [1]])
    def test_a_reference_is_an_id(self, api, bookings, reference):
        message = self.refused(api, bookings, key_schema(visitorId="string"), "foreign", referenceId=reference)
        assert "'referenceId' is" in message

    def test_a_reference_to_another_than_a_primary(self, api, users, bookings):
        account = api.identifier(users, "account", fields=["id"])
        message = self.refused(api, bookings, key_schema(visitorId="string"), "foreign", referenceId=account["id"])
        assert "is account; only a primary can be referred to" in message

    def test_nullable_fits_its_bare_type(self, api, users, bookings):
        primary = api.identifier(users, fields=["id"])
        made = api.identifier(bookings, "foreign", fields=["visitorId"], referenceId=primary["id"])
        assert made["schema"]["fields"][0]["type"] == ["null", "string"]

    def test_another_name_fits(self, api, users, bookings):
        """As in the seed, where a field eventId refers to a key visitorId."""
        primary = api.identifier(users, fields=["id"])
        api.identifier(bookings, "foreign", fields=["eventId"], referenceId=int(primary["id"]))

    @pytest.mark.parametrize(
        ("key", "link", "told"),
        [
            ({"age": "int"}, {"age": "long"}, "is (int), this one (long)"),
            ({"id": "string"}, {"day": DATE}, "is (string), this one (date (text))"),
            ({"id": "string", "nick": "string"}, {"visitorId": "string"}, "is (string, string), this one (string)"),
            ({"id": "string"}, {"eventId": "string", "visitorId": "string"}, "is (string), this one (string, string)"),
            ({"id": "string", "day": DATE}, {"day": DATE, "eventId": "string"}, "in the same order"),
        ],
    )
    def test_types_that_do_not_fit_the_reference(self, api, users, bookings, key, link, told):
        primary = api.make(
            "/identifiers", {"collId": users["id"], "type": "primary", "name": "p", "schema": key_schema(**key)}
        )
        assert told in self.refused(api, bookings, key_schema(**link), "foreign", referenceId=primary["id"])

    def test_enums_fit_by_their_symbols(self, api, source, bookings, make_record):
        schema = make_record("r", a={**ENUM, "name": "elsewhere.state"}, b=OTHER_ENUM)
        states = api.collection(source, schema, name="states")
        other = api.collection(source, schema, name="more")
        same = api.identifier(states, fields=["a"])
        differs = api.identifier(other, fields=["b"])
        api.identifier(bookings, "foreign", fields=["status"], referenceId=same["id"])
        message = self.refused(api, bookings, key_schema(status=ENUM), "foreign", referenceId=differs["id"])
        assert "enum of a, c" in message

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"ids": "string"}, "the field 'ids', which the collection has not; did you mean 'id'"),
            ({"id": "long"}, "field 'id' is long in the identifier and string in the collection"),
            ({"id": "string", "day": "string"}, "field 'day' is string in the identifier and date (text)"),
            ({}, "has no fields"),
        ],
    )
    def test_fields_are_the_collection_s(self, api, users, fields, told):
        assert told in self.refused(api, users, key_schema(**fields))

    def test_a_bare_type_for_a_nullable_field(self, api, users):
        body = {"collId": users["id"], "type": "primary", "name": "p", "schema": key_schema(nick="string")}
        api.make("/identifiers", body)

    def test_a_schema_that_cannot_be_used(self, api, users):
        assert "'schema' cannot be used: /: no 'fields'" in self.refused(api, users, {"type": "record", "name": "k"})
        assert "'schema' cannot be used" in self.refused(api, users, None)

    @pytest.mark.parametrize("missing", ["collId", "type", "name"])
    def test_what_is_needed(self, api, users, missing):
        body = {"collId": users["id"], "type": "primary", "name": "p", "schema": key_schema(id="string")}
        del body[missing]
        assert f"'{missing}' is missing" in api.refused(400, "POST", "/identifiers", body)

    def test_a_collection_that_is_not_there(self, api):
        body = {"collId": "98092788222918656", "type": "primary", "name": "p", "schema": key_schema(id="string")}
        assert "there is no collection 98092788222918656" in api.refused(400, "POST", "/identifiers", body)


class TestRelations:
    @pytest.fixture
    def link(self, api, users, bookings):
        primary = api.identifier(users, fields=["id"])
        return api.identifier(bookings, "foreign", fields=["visitorId"], referenceId=primary["id"])

    @pytest.mark.parametrize("kind", ["one_to_many", "many_to_one"])
    def test_types(self, api, link, kind):
        made = api.make("/relations", {"name": "of", "identifierId": link["id"], "type": kind})
        assert made["type"] == kind

    def test_a_type_that_is_not_known(self, api, link):
        body = {"name": "of", "identifierId": link["id"], "type": "many_to_many"}
        assert "is not a type of relations" in api.refused(400, "POST", "/relations", body)

    def test_an_identifier_that_refers_to_nothing(self, api, users):
        primary = api.identifier(users, fields=["id"])
        body = {"name": "of", "identifierId": primary["id"], "type": "many_to_one"}
        assert "is primary and refers to nothing" in api.refused(400, "POST", "/relations", body)

    def test_an_identifier_that_is_not_there(self, api):
        body = {"name": "of", "identifierId": 98109073040211968, "type": "many_to_one"}
        assert "there is no identifier 98109073040211968" in api.refused(400, "POST", "/relations", body)

    @pytest.mark.parametrize("missing", ["identifierId", "type", "name"])
    def test_what_is_needed(self, api, link, missing):
        body = {"name": "of", "identifierId": link["id"], "type": "many_to_one"}
        del body[missing]
        assert f"'{missing}' is missing" in api.refused(400, "POST", "/relations", body)


@pytest.mark.parametrize(
    ("title", "name"),
    [("myWebSource", "mywebsource"), ("My Shop (EU)", "my-shop-eu"), ("Größe 1", "größe-1"), ("!!", "source")],
)
def test_names_made_of_titles(title, name):
    assert slug(title) == name
