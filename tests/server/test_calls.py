"""Bodies that are no JSON, or JSON that cannot be kept: a 400 that says what is wrong, never a 500."""

from __future__ import annotations

import pytest

BODIES = {
    "empty": (b"", "the body is empty"),
    "cut": (b'{"things":[{"id":"a"}', "the body is not JSON: Expecting ',' delimiter, line 1, column 22"),
    "form": (b"name=x", "the body is not JSON"),
    "two": (b"{}{}", "the body is not JSON: Extra data"),
    "single quotes": (b"{'things':[]}", "the body is not JSON"),
    "latin-1": (b'{"things":[{"id":"\xfc"}]}', "the body is not UTF-8, byte 18"),
    "utf-16": ('{"things":[]}'.encode("utf-16"), "the body is not UTF-8"),
    "byte order mark": (b'\xef\xbb\xbf{"things":[]}', "the body is not JSON"),
    "NaN": (b'{"things":[{"id":"a","n":NaN}]}', "the body has NaN, which is no JSON"),
    "Infinity": (b'{"things":[{"id":"a","n":Infinity}]}', "the body has Infinity"),
    "-Infinity": (b'{"things":[{"id":"a","n":-Infinity}]}', "the body has -Infinity"),
    "long number": (b'{"things":[{"id":"a","n":' + b"9" * 5000 + b"}]}", "the body is not usable JSON"),
    "deep lists": (b'{"things":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "control": (b'{"things":[{"id":"\x01"}]}', "the body is not JSON: Invalid control character"),
    "half a pair": (b'{"things":[{"id":"\\ud83d"}]}', "half of a surrogate pair"),
    "other half": (b'{"things":[{"id":"\\uDE00x"}]}', "half of a surrogate pair"),
    "half in a key": (b'{"\\udead":[]}', "half of a surrogate pair"),
    "list": (b"[]", "the body is a list; expected a JSON object"),
    "text": (b'"x"', "the body is text; expected a JSON object"),
    "null": (b"null", "the body is null; expected a JSON object"),
    "number": (b"5", "the body is 5; expected a JSON object"),
}


@pytest.fixture(scope="module")
def table(api):
    return api.table(id="string", n=["null", "double"])


@pytest.mark.parametrize("name", BODIES)
def test_refused(api, table, name, read_refusal):
    source, things = table
    body, told = BODIES[name]
    for path in (f"/sources/{source['id']}/data", "/sources", "/collections", "/identifiers", "/relations"):
        response = api.session.post(api.base + path, data=body, timeout=30)
        message = read_refusal(response, 400)["message"]
        if path.endswith("data"):
            assert told in message
    response = api.session.put(f"{api.base}/collections/{things['id']}", data=body, timeout=30)
    read_refusal(response, 400)
    assert api.items(things) == []


def test_a_number_beyond_the_range_of_doubles(api, read_refusal):
    """Python reads it as infinity."""
    source, _ = api.table(id="string", n=["null", "double"])
    data = f"/sources/{source['id']}/data"
    schema = b'{"type":"record","name":"r","fields":[{"name":"a","type":"double","note":1e400}]}'
    for path, body, told in [
        (data, b'{"things":[{"id":"a","n":1e400}]}', "things[0].n: found Infinity; expected double"),
        (data, b'{"things":1e400}', "'things' is Infinity; expected a list"),
        ("/sources", b'{"title":1e400}', "'title' is Infinity; expected text"),
        (
            "/collections",
            b'{"sourceId":%b,"name":"x","schema":%b}' % (source["id"].encode(), schema),
            "'schema' has a number which is too large for a double",
        ),
    ]:
        response = api.session.post(api.base + path, data=body, timeout=30)
        assert told in read_refusal(response, 400)["message"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"id":"\\ud83d\\ude00"}', {"id": "😀"}),
        ('{"id":"\\\\ud83d"}', {"id": "\\ud83d"}),
        ('{"id":"x","id":"y"}', {"id": "y"}),
        ('\n{ "id" :\t"x" }\r\n', {"id": "x"}),
        ('{"id":"x","n":1E2}', {"id": "x", "n": 100.0}),
    ],
)
def test_taken(api, text, kept):
    source, things = api.table(id="string", n=["null", "double"])
    body = f'{{"things":[{text}]}}'.encode()
    response = api.session.post(f"{api.base}/sources/{source['id']}/data", data=body, timeout=30)
    assert response.status_code == 201, response.text
    assert [item["data"] for item in api.items(things)] == [kept]


@pytest.mark.parametrize("depth", [90, 110, 900, 5000])
def test_a_schema_nested_deeply(api, depth):
    """What is taken can be read in every way."""
    deep: bytes = b'{"type":"array","items":' * depth + b'"int"' + b"}" * depth
    source = api.source()
    for schema in (
        b'{"type":"record","name":"r","fields":[{"name":"a","type":' + deep + b"}]}",
        b'{"type":"record","name":"r","fields":[],"note":' + deep + b"}",
    ):
        body = b'{"sourceId":"' + source["id"].encode() + b'","name":"x","schema":' + schema + b"}"
        response = api.session.post(f"{api.base}/collections", data=body, timeout=30)
        assert response.status_code == (201 if depth < 100 else 400), response.text
        if response.status_code == 201:
            made = response.json()
            assert api.get(made["_links"]["self"]["href"]) == made
            assert api.get(f"/sources/{source['id']}/collections")["_embedded"]["collections"] == [made]
        else:
            assert "nested" in response.json()["message"]
            assert "deep" in response.json()["message"]
        if response.status_code == 201:
            api.call("DELETE", response.json()["_links"]["self"]["href"]).raise_for_status()


@pytest.mark.parametrize("depth", [50, 150, 400, 900, 5000])
def test_an_item_nested_deeply(api, make_record, depth):
    chain = make_record("chain", v="int", next=["null", "chain"])
    source, things = api.table(id="string", chain=["null", chain])
    item = b'{"id":"a","chain":' + b'{"v":1,"next":' * depth + b"null" + b"}" * depth + b"}"
    response = api.session.post(
        f"{api.base}/sources/{source['id']}/data", data=b'{"things":[' + item + b"]}", timeout=30
    )
    assert response.status_code == (201 if depth < 100 else response.status_code)
    assert response.status_code in (201, 400)
    if response.status_code == 400:
        assert "nested too deeply" in response.json()["message"]
    else:
        assert len(api.items(things)) == 1
