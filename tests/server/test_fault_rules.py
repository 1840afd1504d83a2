"""The rules of a fault script: which requests they are about, on which they act, and mistakes in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.server.answers import HttpError
from intempt_nb.server.fault_rules import MAX_RULES, Rule, read_rules

counts = st.integers(1, 12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["method", "path", "on", "from", "to", "every", "chance", "seed", "delay", "status", "message", "body"]
KEYS += ["retry_after", "retry_after_date", "drop", "hang", "cut", "after", "rate", "burst"]


def rule(**keys: Any) -> Rule:
    [read] = read_rules({"rules": [{"delay": 0, **keys}]})
    return read


def acted_on(one: Rule, among: int = 40) -> list[int]:
    return [number for number in range(1, among) if one.acts_on(number)]


@pytest.mark.parametrize(
    ("pattern", "path", "is_about"),
    [
        ("/sources/*/data", "/sources/12/data", True),
        ("/sources/*/data", "/sources/12/data/7", False),
        ("/sources/*/data", "/sources/1/2/data", False),
        ("/collections/4*", "/collections/42", True),
        ("/collections/**", "/collections/42/data/7", True),
        ("/collections/**", "/sources", False),
        ("**/data", "/sources/12/data", True),
        ("/a.c", "/abc", False),
        ("/sources", "/sources", True),
    ],
)
def test_paths(pattern, path, is_about):
    assert rule(path=pattern).is_about("GET", path) is is_about


def test_methods():
    assert rule(method="POST").is_about("POST", "/sources")
    assert not rule(method="POST").is_about("GET", "/sources")
    assert rule().is_about("GET", "/sources")


def test_numbers():
    assert acted_on(rule(), 4) == [1, 2, 3]
    assert acted_on(rule(on=3)) == [3]
    assert acted_on(rule(on=[5, 2])) == [2, 5]
    assert acted_on(rule(every=3), 12) == [3, 6, 9]


@given(counts, counts, st.integers(0, 12))
def test_first_last_and_step_are_those_of_a_range(first, every, more):
    last = first + more
    assert acted_on(rule(**{"from": first, "to": last, "every": every})) == list(range(first, last + 1, every))


def test_chance_picks_the_same_each_time_and_others_by_seed_and_place():
    picked = acted_on(rule(chance=0.1), 2001)
    assert 150 < len(picked) < 250
    assert acted_on(rule(chance=0.1), 2001) == picked
    assert acted_on(rule(chance=0.1, seed=1), 2001) != picked
    _, second = read_rules({"rules": [{"delay": 0}, {"delay": 0, "chance": 0.1}]})
    assert acted_on(second, 2001) != picked
    assert acted_on(rule(chance=0)) == []
    assert acted_on(rule(**{"chance": 1, "from": 2, "to": 4})) == [2, 3, 4]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ({}, 'the script is {}; expected {"rules": [rule, …]}'),
        ({"rules": {}}, "expected {"),
        ({"rules": [], "more": 1}, "expected {"),
        ({"rules": [{"delay": 1}] * (MAX_RULES + 1)}, "/rules has 101 rules; expected up to 100"),
        ({"rules": [{"delay": 1}, 5]}, "/rules/1: 5; expected a rule"),
        ({"rules": [{"on": 1}]}, "/rules/0: does nothing; expected one of status, drop, hang, cut, delay"),
        ({"rules": [{"statsu": 503}]}, "/rules/0: unknown key 'statsu'; did you mean 'status'?"),
        ({"rules": [{"status": "503"}]}, '/rules/0/status: "503"; expected a status from 200 to 599'),
        ({"rules": [{"status": 204}]}, "/rules/0/status: 204"),
        ({"rules": [{"drop": True}]}, '/rules/0/drop: true; expected "before" or "after"'),
        ({"rules": [{"cut": -1}]}, "/rules/0/cut: -1; expected a number of bytes from 0 up"),
        ({"rules": [{"hang": 3601}]}, "/rules/0/hang: 3601; expected seconds from 0 to 3600"),
        ({"rules": [{"delay": 10**400}]}, "expected seconds from 0 to 3600"),
        ({"rules": [{"delay": 1, "on": 0}]}, "/rules/0/on: 0; expected a whole number from 1 up, or a list of such"),
        ({"rules": [{"delay": 1, "on": []}]}, "/rules/0/on: []"),
        ({"rules": [{"delay": 1, "every": True}]}, "/rules/0/every: true"),
        ({"rules": [{"delay": 1, "chance": 2}]}, "/rules/0/chance: 2; expected a number from 0 to 1"),
        ({"rules": [{"delay": 1, "path": "sources"}]}, '/rules/0/path: "sources"; expected a path as it stands behind'),
        ({"rules": [{"delay": 1, "path": "/v1/org/x"}]}, "behind /v1/{org}"),
        ({"rules": [{"delay": 1, "method": "post"}]}, '/rules/0/method: "post"; expected "POST"'),
        ({"rules": [{"status": 429, "retry_after": "a\r\nb"}]}, "/rules/0/retry_after"),
        ({"rules": [{"status": 500, "drop": "before"}]}, "/rules/0: has 'status' and 'drop'; expected one of them"),
        ({"rules": [{"delay": 1, "on": 1, "every": 2}]}, "/rules/0: has 'on' and 'every'"),
        ({"rules": [{"status": 500, "message": "x", "body": "y"}]}, "has 'message' and 'body'"),
        ({"rules": [{"drop": "before", "after": True}]}, "/rules/0/after: means nothing without 'status' or 'hang'"),
        ({"rules": [{"delay": 1, "seed": 4}]}, "/rules/0/seed: means nothing without 'chance'"),
        ({"rules": [{"status": 429, "rate": 0}]}, "/rules/0/rate: 0; expected requests a second, above 0"),
        ({"rules": [{"status": 429, "rate": 10**400}]}, "up to 1000000"),
        ({"rules": [{"status": 429, "burst": 5}]}, "/rules/0/burst: means nothing without 'rate'"),
        ({"rules": [{"status": 429, "rate": 5, "every": 2}]}, "/rules/0: has 'rate' and 'every'"),
        ({"rules": [{"delay": 1, "from": 3, "to": 2}]}, "/rules/0/to: 2; expected a number from 3 up"),
        ({"rules": [{"statuss": 1}] * 9}, "; and 13 more"),
    ],
)
def test_mistakes_are_told_with_their_place(script, message):
    with pytest.raises(HttpError) as caught:
        read_rules(script)
    assert caught.value.status == 400
    assert message in caught.value.message


@given(st.dictionaries(st.sampled_from(KEYS), json_values | counts | st.sampled_from(["before", "/x", "POST"])))
def test_whatever_is_written_it_is_a_rule_or_a_mistake(written):
    try:
        [read] = read_rules({"rules": [written]})
    except HttpError:
        return
    assert read.acts_on(1) in (True, False)
    assert read.is_about("POST", "/x") in (True, False)
