"""Ids: 17 to 19 digits, growing, never exact as a float, read from text and numbers alike."""

from __future__ import annotations

import pytest

from intempt_nb.server import ids


def test_an_id_made_now_has_17_to_19_digits():
    assert 17 <= len(str(ids.id_floor())) <= 19
    assert ids.id_floor() < ids.MAX_ID


def test_ids_grow_with_time(monkeypatch):
    monkeypatch.setattr(ids, "now_ms", lambda: ids.EPOCH_MS + 30 * 86_400_000)
    earlier = ids.id_floor()
    monkeypatch.setattr(ids, "now_ms", lambda: ids.EPOCH_MS + 30 * 86_400_000 + 1)
    assert ids.id_floor() > earlier


@pytest.mark.parametrize("clock", [0, ids.EPOCH_MS - 1, ids.EPOCH_MS])
def test_a_wrong_clock_still_gives_17_digits(monkeypatch, clock):
    monkeypatch.setattr(ids, "now_ms", lambda: clock)
    assert len(str(ids.id_floor())) == 17


def test_an_id_of_may_2020_has_the_size_of_the_seed_s(monkeypatch):
    monkeypatch.setattr(ids, "now_ms", lambda: 1_590_364_800_000)
    assert abs(ids.id_floor() - 98092788222918656) < 10**15


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("98091578149437440", 98091578149437440),
        (98091578149437440, 98091578149437440),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        (2**63, None),
        ("0", None),
        (0, None),
        (-1, None),
        ("-1", None),
        (" 1", None),
        ("1.0", None),
        (1.0, None),
        (True, None),
        ("", None),
        (None, None),
        ("٣", None),
        ("1" * 5000, None),
    ],
)
def test_reading_ids(given, expected):
    assert ids.parse_id(given) == expected
