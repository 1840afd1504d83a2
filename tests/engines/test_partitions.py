"""What becomes of a partition, on a worker."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.engines.partitions import Order, carry_out, noted, stopped
from intempt_nb.engines.places import Place
from intempt_nb.transfer.options import Target, UploadOptions

SCHEMA = inb.Schema.parse({"type": "record", "name": "t", "fields": [{"name": "id", "type": "string"}]})
ORDER = Order(
    Place("org", "http://127.0.0.1:9", (1.0, 1.0)), Target("s", "c", "things", SCHEMA, ("id",)), UploadOptions(), None
)


def test_ctrl_c_is_raised_where_it_can_be_caught_and_told_by_a_workers_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise inb.UploadInterrupted("the upload was interrupted")

    monkeypatch.setattr(Place, "connect", interrupted)
    rows = pd.DataFrame({"id": ["a"]})
    with pytest.raises(inb.UploadInterrupted):
        carry_out(ORDER, 0, "partition 0", rows)
    monkeypatch.setattr("multiprocessing.parent_process", object)
    assert carry_out(ORDER, 0, "partition 0", rows).error == "UploadInterrupted: the upload was interrupted"


def test_a_partition_that_has_just_ended_when_all_are_stopped_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Place) -> None:
        raise OSError("away")

    monkeypatch.setattr(Place, "connect", away)
    with noted(ORDER.call):
        ended = carry_out(ORDER, 3, "partition 3", pd.DataFrame({"id": ["a"]}))
        assert stopped(ORDER.call) == [ended]
