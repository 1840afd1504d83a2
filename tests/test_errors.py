from __future__ import annotations

import copy
import pickle

import pytest

import intempt_nb as inb
from intempt_nb.errors import Problem, suggest


def test_the_tree_is_the_one_drawn() -> None:
    assert issubclass(inb.IntemptError, Exception)
    for error in (inb.SchemaError, inb.DataError):
        assert issubclass(error, inb.IntemptError)
        assert issubclass(error, ValueError)
    for error in (
        inb.AuthenticationError,
        inb.PermissionDeniedError,
        inb.NotFoundError,
        inb.RejectedError,
        inb.RateLimitedError,
        inb.ServerError,
    ):
        assert issubclass(error, inb.ApiError)
    assert issubclass(inb.NotFoundError, KeyError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (inb.DataError("not a number", row=3, field="n", value="x", expected="long"), "row 3, field 'n': not a number"),
        (inb.DataError("empty file"), "empty file"),
        (
            inb.NotFoundError("no such thing", status=404, method="GET", path="/v1/o/x"),
            "GET /v1/o/x → 404: no such thing",
        ),
        (inb.NotFoundError("no collection 'x'"), "no collection 'x'"),
        (inb.SchemaError([Problem("/fields/0/type", "unknown")]), "/fields/0/type: unknown"),
        (inb.SchemaError([Problem("", "a"), Problem("/x", "b")]), "2 problems:\n  /: a\n  /x: b"),
        (inb.TransportError("no connection"), "no connection"),
    ],
)
def test_an_error_says_where_and_what_and_survives_pickling(error: inb.IntemptError, text: str) -> None:
    assert str(error) == text
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == text
        assert twin.__dict__ == error.__dict__


def test_a_suggestion_names_the_nearest_and_lists_the_others() -> None:
    assert suggest("strng", ["int", "string"]) == "; did you mean 'string'? Available: int, string"
    assert suggest("zzz", ["a", "b"]) == ". Available: a, b"
    assert suggest("zzz", []) == ""
    assert suggest("q", [f"name{i}" for i in range(20)]).endswith("name11 … and 8 more")
