"""Items: single and in bulk, refused with their places, paged without loss or repeats."""

from __future__ import annotations

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from intempt_nb.server import data_calls

POINT = {"type": "record", "name": "point", "fields": [{"name": "x", "type": "int"}]}


class TestSingle:
    def test_an_item_as_the_reference_has_it(self, api):
        before = time.time_ns() // 1_000_000
        _, things = api.table(id="string", n=["null", "long"])
        stored = api.make(f"/collections/{things['id']}/data", {"id": "a", "n": 2**60})
        href = f"{things['_links']['data']['href']}/{stored['id']}"
        assert list(stored) == ["collId", "id", "updated", "data", "matches", "_links"]
        assert stored == {
            "collId": things["id"],
            "id": stored["id"],
            "updated": stored["updated"],
            "data": {"id": "a", "n": 2**60},
            "matches": [],
            "_links": {"self": {"href": href}},
        }
        assert before <= stored["updated"] <= time.time_ns() // 1_000_000
        assert 17 <= len(stored["id"]) <= 19
        assert api.get(href) == stored

    def test_the_same_key_overwrites(self, api):
        _, things = api.table(id="string", n="int")
        path = f"/collections/{things['id']}/data"
        first = api.make(path, {"id": "a", "n": 1})
        second = api.make(path, {"n": 2, "id": "a"})
        assert second["id"] == first["id"]
        assert api.items(things) == [second]

    def test_deleting_answers_the_object(self, api):
        _, things = api.table(id="string")
        stored = api.make(f"/collections/{things['id']}/data", {"id": "a"})
        path = stored["_links"]["self"]["href"]
        assert api.call("DELETE", path).json() == stored
        assert "there is no item in collection 'things'" in api.refused(404, "GET", path)
        api.refused(404, "DELETE", path)
        [page] = api.pages(things)
        assert page["page"]["totalElements"] == 0

    def test_an_item_of_another_collection_is_not_found(self, api):
        _, things = api.table(id="string")
        _, others = api.table(id="string")
        stored = api.make(f"/collections/{things['id']}/data", {"id": "a"})
        api.refused(404, "GET", f"/collections/{others['id']}/data/{stored['id']}")
        api.refused(404, "DELETE", f"/collections/{others['id']}/data/{stored['id']}")
        assert api.items(things) == [stored]

    def test_a_mismatch_names_the_field(self, api, read_refusal):
        _, things = api.table(id="string", p=POINT)
        response = api.call("POST", f"/collections/{things['id']}/data", {"id": "a", "p": {"x": "1"}})
        body = read_refusal(response, 400)
        assert 'things[0].p.x: found "1"; expected int' in body["message"]
        [error] = body["errors"]
        assert (error["collection"], error["index"], error["field"]) == ("things", 0, "p.x")

    def test_a_list_is_not_an_item(self, api):
        _, things = api.table(id="string")
        assert "expected a JSON object" in api.refused(400, "POST", f"/collections/{things['id']}/data", [{"id": "a"}])

    def test_no_data_before_the_primary_identifier(self, api, make_record):
        source = api.source()
        things = api.collection(source, make_record("r", id="string"))
        api.identifier(things, "account", fields=["id"])
        message = api.refused(400, "POST", f"/collections/{things['id']}/data", {"id": "a"})
        assert "has no primary identifier; create one before" in message
        assert "no primary identifier" in api.refused(400, "POST", f"/sources/{source['id']}/data", {"things": []})
        api.identifier(things, fields=["id"])
        api.make(f"/collections/{things['id']}/data", {"id": "a"})


class TestBulk:
    @pytest.fixture
    def shop(self, api, make_record):
        source = api.source()
        users = api.collection(source, make_record("u", id="string"), name="users")
        visits = api.collection(source, make_record("v", id="long", at=["null", "long"]), name="visits")
        api.identifier(users, fields=["id"])
        api.identifier(visits, fields=["id"])
        return source, users, visits

    def test_many_items_for_many_collections_in_order(self, api, shop):
        source, users, visits = shop
        body = {"visits": [{"id": 3}, {"id": 1}], "users": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}
        answer = api.make(f"/sources/{source['id']}/data", body)
        assert answer["_links"] == {"self": {"href": f"{api.base}/sources/{source['id']}/data"}}
        data = answer["_embedded"]["data"]
        assert [each["data"]["id"] for each in data] == [3, 1, "b", "a", "b"]
        assert [each["collId"] for each in data] == [visits["id"]] * 2 + [users["id"]] * 3
        assert data[2]["id"] == data[4]["id"] != data[3]["id"]
        assert list(data[0]) == ["collId", "id", "updated", "data", "_links"]
        assert data[0]["_links"] == {
            "collection": visits["_links"]["self"],
            "self": {"href": f"{visits['_links']['data']['href']}/{data[0]['id']}"},
        }
        for each in data:
            assert api.get(each["_links"]["self"]["href"])["data"] == each["data"]

    def test_one_bad_item_and_nothing_is_stored(self, api, shop, read_refusal):
        source, users, visits = shop
        body = {"users": [{"id": "a"}], "visits": [{"id": 1}, {"id": "2"}, {"id": 3}, {"at": 4}, []]}
        response = api.call("POST", f"/sources/{source['id']}/data", body)
        answer = read_refusal(response, 400)
        assert [(each["collection"], each["index"], each["field"]) for each in answer["errors"]] == [
            ("visits", 1, "id"),
            ("visits", 3, "id"),
            ("visits", 4, None),
        ]
        assert all(each["message"] for each in answer["errors"])
        assert answer["message"].startswith("3 not matching the schema, nothing was stored: visits[1].id: found")
        assert api.items(users) == api.items(visits) == []

    def test_the_list_of_errors_ends_somewhere(self, api, shop, read_refusal):
        source, *_ = shop
        answer = read_refusal(api.bulk(source, [{}] * 3000, "visits"), 400)
        assert len(answer["errors"]) == 1000
        assert answer["message"].startswith("at least 1000 not matching")

    def test_a_collection_that_the_source_has_not(self, api, shop):
        source, users, _ = shop
        message = api.refused(400, "POST", f"/sources/{source['id']}/data", {"users": [{"id": "a"}], "visit": []})
        assert "has no collection 'visit'; did you mean 'visits'" in message
        assert api.items(users) == []

    @pytest.mark.parametrize("items", [{"id": 1}, "x", None, 5])
    def test_items_come_in_lists(self, api, shop, items):
        source, *_ = shop
        assert "expected a list of items" in api.refused(
            400, "POST", f"/sources/{source['id']}/data", {"visits": items}
        )

    @pytest.mark.parametrize("body", [{}, {"visits": []}, {"visits": [], "users": []}])
    def test_nothing_to_store(self, api, shop, body):
        source, *_ = shop
        assert api.make(f"/sources/{source['id']}/data", body)["_embedded"] == {"data": []}

    def test_unnamed_fields_are_ignored(self, api, shop):
        source, _, visits = shop
        api.bulk(source, [{"more": {"deep": [1]}, "id": 1, "at": None}], "visits").raise_for_status()
        assert [item["data"] for item in api.items(visits)] == [{"id": 1, "at": None}]

    def test_an_item_without_its_key(self, api, make_record, read_refusal):
        source, _ = api.table(key="nick", id="int", nick=["null", "string"])
        answer = read_refusal(api.bulk(source, [{"id": 1, "nick": "a"}, {"id": 2}, {"id": 3, "nick": None}]), 400)
        assert [(each["index"], each["field"]) for each in answer["errors"]] == [(1, "nick"), (2, "nick")]

    def test_composite_keys(self, api, make_record):
        source = api.source()
        things = api.collection(source, make_record("r", a="string", b="int", c="int"))
        api.identifier(things, fields=["a", "b"])
        items = [{"a": "x", "b": 1, "c": 1}, {"a": "x", "b": 2, "c": 2}, {"b": 1, "a": "x", "c": 3}]
        api.bulk(source, items).raise_for_status()
        assert [item["data"] for item in api.items(things)] == [items[2], items[1]]

    def test_numbers_and_text_come_back_exactly(self, api):
        source, things = api.table(
            id="string", i="long", d="double", s="string", b={"type": "array", "items": "double"}
        )
        text = (
            '{"id":"\\u0000 \\ud83d\\ude00 \\" \\\\ é","i":-9223372036854775808,"d":0.1,'
            '"s":"\\u2028</script>\\u007f","b":[1.0,1,-0.0,1e-320,1.7976931348623157e+308,123456789012345678901234567890]}'
        )
        response = api.session.post(f"{api.base}/sources/{source['id']}/data", f'{{"things":[{text}]}}', timeout=30)
        response.raise_for_status()
        [item] = api.items(things)
        assert json.dumps(item["data"]) == json.dumps(json.loads(text))

    def test_the_body_s_own_type_does_not_matter(self, api, shop):
        """The seed's commands send what curl sends: a form."""
        source, _, visits = shop
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = api.session.post(
            f"{api.base}/sources/{source['id']}/data", '{"visits":[{"id":1}]}', headers=headers, timeout=30
        )
        assert response.status_code == 201
        assert len(api.items(visits)) == 1


class TestPages:
    def test_all_items_in_the_order_they_came(self, api):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(10)]).raise_for_status()
        pages = list(api.pages(things, limit=4))
        assert [[item["data"]["n"] for item in page["_embedded"]["dataItemList"]] for page in pages] == [
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [8, 9],
        ]
        assert [page["page"] for page in pages] == [
            {"size": 4, "totalElements": 10, "totalPages": 3, "number": number} for number in range(3)
        ]
        assert ["next" in page["_links"] for page in pages] == [True, True, False]
        for page in pages:
            assert api.get(page["_links"]["self"]["href"]) == page

    @pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2)])
    def test_the_last_page_has_no_next(self, api, count, pages):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(count)]).raise_for_status()
        found = list(api.pages(things, limit=4))
        assert len(found) == pages
        assert sum(len(page["_embedded"]["dataItemList"]) for page in found) == count

    def test_ten_thousand_unless_asked(self, api):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(10_001)]).raise_for_status()
        page = api.get(things["_links"]["data"]["href"])
        assert len(page["_embedded"]["dataItemList"]) == 10_000
        assert page["page"] == {"size": 10_000, "totalElements": 10_001, "totalPages": 2, "number": 0}
        assert len(api.get(page["_links"]["next"]["href"])["_embedded"]["dataItemList"]) == 1

    @pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "100001", "9" * 100, "٣"])
    def test_a_limit_that_is_none(self, api, limit):
        _, things = api.table(n="int")
        message = api.refused(400, "GET", f"/collections/{things['id']}/data", params={"limit": limit})
        assert "'limit'" in message

    @pytest.mark.parametrize(
        "cursor",
        ["", "x", "!!!!", "1", "1.2", "-1.2.3", "1.-2.3", "1.3.2", "1.2.9999999999999999999", "1.2.3.4", "a.b.c"],
    )
    def test_a_cursor_that_was_not_given_out(self, api, cursor):
        _, things = api.table(n="int")
        for text in (cursor, base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")):
            message = api.refused(400, "GET", f"/collections/{things['id']}/data", params={"cursor": text})
            assert "was not given out here; follow '_links.next.href' as it is" in message

    def test_what_comes_in_after_the_first_page_is_not_waited_for(self, api):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(4)]).raise_for_status()
        pages = api.pages(things, limit=2)
        next(pages)
        api.bulk(source, [{"n": n} for n in range(3, 10)]).raise_for_status()
        rest = [[item["data"]["n"] for item in page["_embedded"]["dataItemList"]] for page in pages]
        assert rest == [[2, 3]]
        assert len(api.items(things)) == 10

    def test_neither_loss_nor_repeats_while_items_come_in(self, api, connect, server):
        source, things = api.table(n="int", v="int")
        api.bulk(source, [{"n": n, "v": 0} for n in range(500)]).raise_for_status()
        done = threading.Event()

        def keep_posting():
            own = connect(server)
            version = 0
            while not done.is_set():
                version += 1
                changed = [{"n": n, "v": version} for n in range(version % 7, 500, 7)]
                new = [{"n": 500 + version * 50 + n, "v": version} for n in range(50)]
                own.bulk(source, changed + new).raise_for_status()

        writer = threading.Thread(target=keep_posting)
        writer.start()
        try:
            for _ in range(3):
                found = [item["data"]["n"] for item in api.items(things, limit=40)]
                assert len(found) == len(set(found))
                assert found[:500] == list(range(500))
        finally:
            done.set()
            writer.join()

    def test_pages_shrink_when_items_are_deleted(self, api):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(6)]).raise_for_status()
        pages = api.pages(things, limit=2)
        first = next(pages)["_embedded"]["dataItemList"]
        api.call("DELETE", first[1]["_links"]["self"]["href"]).raise_for_status()
        rest = [item["data"]["n"] for page in pages for item in page["_embedded"]["dataItemList"]]
        assert rest == [2, 3, 4, 5]


class TestParts:
    """`?parts=`, `?after=` and `?until=` are the sandbox's own."""

    @pytest.fixture
    def things(self, api):
        source, things = api.table(n="int")
        api.bulk(source, [{"n": n} for n in range(10)]).raise_for_status()
        return source, things, f"/collections/{things['id']}/data"

    @staticmethod
    def read(api, href):
        """Return the numbers behind a link, page by page."""
        numbers = []
        while href:
            page = api.get(href)
            numbers += [item["data"]["n"] for item in page["_embedded"]["dataItemList"]]
            href = page["_links"].get("next", {}).get("href")
        return numbers

    def parts(self, api, answer):
        return [self.read(api, each["href"]) for each in answer["_links"]["parts"]]

    def test_parts_have_equally_many_items_and_pages_of_their_own(self, api, things, monkeypatch):
        monkeypatch.setattr(data_calls, "DEFAULT_LIMIT", 2)
        _, _, path = things
        answer = api.get(path, params={"parts": 3, "limit": 1})
        assert self.parts(api, answer) == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
        assert answer["page"] == {"totalElements": 10}
        assert "_embedded" not in answer
        assert answer["_links"]["self"]["href"] == f"{api.base}{path}?parts=3"
        assert self.read(api, f"{path}?after={answer['mark']}") == []

    @pytest.mark.parametrize(("asked", "sizes"), [(1, [10]), (10, [1] * 10), (1000, [1] * 10)])
    def test_no_part_is_empty(self, api, things, asked, sizes):
        assert [len(each) for each in self.parts(api, api.get(things[2], params={"parts": asked}))] == sizes

    def test_an_empty_collection_is_one_part(self, api):
        source, things = api.table(n="int")
        path = f"/collections/{things['id']}/data"
        answer = api.get(path, params={"parts": 8})
        assert (self.parts(api, answer), answer["page"]) == ([[]], {"totalElements": 0})
        api.bulk(source, [{"n": 1}]).raise_for_status()
        assert self.parts(api, answer) == [[]]
        assert self.read(api, f"{path}?after={answer['mark']}") == [1]

    def test_what_comes_in_later_is_behind_the_mark_and_may_be_divided(self, api, things):
        source, _, path = things
        first = api.get(path, params={"parts": 2})
        api.bulk(source, [{"n": n} for n in (3, 10, 11)]).raise_for_status()
        second = api.get(path, params={"after": first["mark"], "parts": 2})
        api.bulk(source, [{"n": 12}]).raise_for_status()
        assert self.parts(api, first) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        assert (self.parts(api, second), second["page"]) == ([[10], [11]], {"totalElements": 2})
        between = {"after": first["mark"], "until": second["mark"]}
        assert self.parts(api, api.get(path, params={**between, "parts": 1})) == [[10, 11]]
        page = api.get(path, params={**between, "limit": 1})
        assert api.get(page["_links"]["self"]["href"]) == page
        assert self.read(api, page["_links"]["self"]["href"]) == [10, 11]
        assert api.get(path, params={**between, "parts": 1})["mark"] == second["mark"]

    def test_a_mark_stays_where_it_is_when_the_newest_items_are_deleted(self, api, things):
        source, collection, path = things
        before = api.get(path, params={"parts": 2})
        for item in api.items(collection)[4:]:
            api.call("DELETE", item["_links"]["self"]["href"]).raise_for_status()
        assert self.parts(api, before) == [[0, 1, 2, 3], []]
        assert self.parts(api, api.get(path, params={"parts": 2})) == [[0, 1], [2, 3]]
        later = api.get(path, params={"parts": 2, "after": before["mark"]})
        assert (self.parts(api, later), later["mark"]) == ([[]], before["mark"])
        api.bulk(source, [{"n": 4}]).raise_for_status()
        assert self.read(api, f"{path}?after={before['mark']}") == [4]

    @pytest.mark.parametrize("parts", ["0", "-1", "x", "", "1.5", "1001", "٣"])
    def test_a_number_of_parts_that_is_none(self, api, things, parts):
        message = api.refused(400, "GET", things[2], params={"parts": parts})
        assert f"'parts': {parts!r}; expected a number of parts from 1 to 1000" in message

    @pytest.mark.parametrize("mark", ["", "x", "!!!!", "1", "1.2.3", "-1.2", "1.-2", f"1.{2**63}", "a.b"])
    @pytest.mark.parametrize("name", ["after", "until"])
    def test_a_mark_that_was_not_given_out(self, api, things, name, mark):
        for text in (mark, base64.urlsafe_b64encode(mark.encode()).decode().rstrip("=")):
            assert f"'{name}': " in api.refused(400, "GET", things[2], params={name: text})

    def test_marks_that_do_not_fit(self, api, things):
        source, _, path = things
        _, others = api.table(n="int")
        first = api.get(path, params={"parts": 1})
        message = api.refused(400, "GET", f"/collections/{others['id']}/data", params={"after": first["mark"]})
        assert f"the mark is of the collection {things[1]['id']}, not of this one, 'things'" in message
        api.bulk(source, [{"n": 10}]).raise_for_status()
        second = api.get(path, params={"parts": 1})
        message = api.refused(400, "GET", path, params={"after": second["mark"], "until": first["mark"]})
        assert "'until' is a mark from before that of 'after'" in message
        cursor = first["_links"]["parts"][0]["href"]
        assert "leave 'parts' out" in api.refused(400, "GET", f"{cursor}&parts=2")

    def test_a_key_opens_no_parts_of_others(self, api, connect, server, things):
        other = connect(server, api.source()["apiKey"])
        other.refused(403, "GET", f"{things[2]}?parts=2")


def test_eight_threads_posting(api, connect, server):
    source, things = api.table(n="int", by="int")

    def post(worker: int) -> set[str]:
        own = connect(server)
        ids = set()
        for start in range(0, 500, 50):
            # Half of the keys are everybody's, so that the threads overwrite each other's items.
            items = [{"n": n, "by": worker} for n in range(start, start + 50)]
            items += [{"n": 1000 * (worker + 1) + n, "by": worker} for n in range(start, start + 50)]
            response = own.bulk(source, items)
            assert response.status_code == 201, response.text
            ids |= {each["id"] for each in response.json()["_embedded"]["data"]}
        return ids

    with ThreadPoolExecutor(8) as pool:
        ids = set().union(*pool.map(post, range(8)))
    items = api.items(things, limit=777)
    assert {item["id"] for item in items} == ids
    assert sorted(item["data"]["n"] for item in items) == sorted(
        [*range(500), *(1000 * (worker + 1) + n for worker in range(8) for n in range(500))]
    )


def test_a_schema_that_changes_between_check_and_store(api, monkeypatch, make_record, read_refusal):
    source, things = api.table(n="int", a=["null", "int"])
    real = data_calls._prepare_all
    calls = []

    def prepare_and_change(*given):
        prepared = real(*given)
        calls.append(given)
        if len(calls) == 1:
            schema = make_record("thing", n="int", a=["null", "string"])
            api.call("PUT", f"/collections/{things['id']}", {"schema": schema}).raise_for_status()
        return prepared

    monkeypatch.setattr(data_calls, "_prepare_all", prepare_and_change)
    answer = read_refusal(api.bulk(source, [{"n": 1, "a": 1}]), 400)
    assert "things[0].a: found 1; expected text" in answer["message"]
    assert api.items(things) == []
    api.bulk(source, [{"n": 1, "a": "x"}]).raise_for_status()


def test_a_collection_that_goes_between_check_and_store(api, monkeypatch, read_refusal):
    source, things = api.table(n="int")
    real = data_calls._prepare_all

    def prepare_and_delete(*given):
        api.call("DELETE", f"/collections/{things['id']}").raise_for_status()
        return real(*given)

    monkeypatch.setattr(data_calls, "_prepare_all", prepare_and_delete)
    assert "has no collection 'things'" in read_refusal(api.bulk(source, [{"n": 1}]), 400)["message"]
