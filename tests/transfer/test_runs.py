"""The list of uploads: what each came to, without disturbing any, and how one is forgotten."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from intempt_nb.errors import NotFoundError, UploadError
from intempt_nb.transfer import runs
from intempt_nb.transfer.journal import Journal, Run
from intempt_nb.transfer.runs import uploads
from intempt_nb.transfer.spool import spool
from journals import a_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path))
    return tmp_path


def opened(folder: Path, run: Run) -> Journal:
    return Journal.open(folder, run, lanes=2, resume=True)


def broken_off(folder: Path, run: Run) -> None:
    """Two requests through, one row refused, two requests in doubt of which one was sent again."""
    with closing(opened(folder, run)) as journal:
        for first in (0, 10, 20, 30):
            journal.begin(0, first, first + 9, 7)
        journal.accept(0, 0, 9)
        journal.accept(0, 10, 19)
        journal.reject([(3, None, 400, "no")])
    with closing(opened(folder, run)) as journal:
        journal.leave_out(np.array([25]))
        journal.begin(0, 20, 29, 6)
        journal.accept(0, 20, 29)


def finished(folder: Path, run: Run) -> None:
    with closing(opened(folder, run)) as journal:
        journal.begin(1, 0, 1_999, 1_234)
        journal.accept(1, 0, 1_999)
        journal.finish()


def test_each_upload_says_what_it_came_to_the_latest_first(folder: Path) -> None:
    first, second = a_run(origin="<b>.csv"), a_run(content="cd", collection="visits", collection_id="6")
    broken_off(folder, first)
    finished(folder, second)
    later, earlier = uploads()
    assert (later.id, later.collection, later.origin, later.state) == (second.id, "visits", "purchases.csv", "finished")
    assert (later.accepted, later.refused, later.unknown) == (1_234, 0, 0)
    assert (earlier.id, earlier.state, earlier.run) == (first.id, "unfinished", first)
    assert (earlier.accepted, earlier.refused, earlier.unknown) == (20, 1, 7)
    assert earlier.started is not None
    assert later.started is not None
    assert earlier.started < later.started
    text = repr(uploads())
    assert text.splitlines()[1].split() == (
        ["id", "started", "collection", "from", "state", "accepted", "refused", "unknown"]
    )
    assert f"{second.id[:8]}  {later.started.astimezone():%Y-%m-%d %H:%M %Z}  visits" in text
    assert "1,234" in text
    assert "&lt;b&gt;.csv" in uploads()._repr_html_()
    assert "schema" not in repr(later)


def test_none_yet() -> None:
    assert len(uploads()) == 0
    assert "none yet" in repr(uploads())


def test_one_that_is_under_way_is_not_disturbed_and_not_forgotten(folder: Path) -> None:
    run = a_run()
    with closing(opened(folder, run)) as journal:
        journal.begin(0, 0, 9)
        (found,) = uploads()
        assert (found.id, found.state, found.run, found.accepted) == (run.id, "under way", run, None)
        assert (found.collection, found.origin, found.started) == ("purchases", "purchases.csv", journal.started)
        assert "under way" in uploads()._repr_html_()
        with pytest.raises(UploadError, match="under way in another process"):
            found.forget()
        journal.begin(0, 10, 19)
        assert is_locked(folder / "uploads" / f"{run.id}.db")  # a file that is closed can take a process's locks along
    assert [found.state for found in uploads()] == ["unfinished"]


def is_locked(path: Path) -> bool:
    """Return what another process finds."""
    ask = "import sys, sqlite3; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM run')"
    tried = subprocess.run([sys.executable, "-c", ask, path], capture_output=True, text=True, check=False)
    return "database is locked" in tried.stderr


def test_one_that_is_under_way_again_is_known_by_what_it_is_now(folder: Path) -> None:
    broken_off(folder, a_run(origin="a.csv"))
    with closing(opened(folder, a_run(origin="b.csv", path="/b.csv"))):
        assert [(found.state, found.origin) for found in uploads()] == [("under way", "b.csv")]


def test_one_that_is_forgotten_twice_says_so(folder: Path) -> None:
    finished(folder, a_run())
    (found,) = uploads()
    found.forget()
    with pytest.raises(NotFoundError, match=f"no upload {found.id} any more; it was forgotten already"):
        found.forget()


def test_rows_that_were_not_counted_are_not_taken_for_none(folder: Path) -> None:
    with closing(opened(folder, a_run())) as journal:
        journal.begin(0, 0, 9, 10)
        journal.doubt(0, 0, 9)
        journal.accept(0, 0, 9)
        journal.begin(1, 5, 9)
    (found,) = uploads()
    assert (found.accepted, found.unknown) == (None, None)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_looking_changes_nothing(folder: Path) -> None:
    finished(folder, a_run())
    broken_off(folder, a_run(content="cd"))
    before = snapshot(folder)
    assert len(uploads()) == 2
    assert snapshot(folder) == before


def test_what_a_killed_upload_left_is_read_as_it_is(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(folder, a_run())) as journal:
        journal.begin(0, 0, 9, 10)
        killed = tmp_path_factory.mktemp("killed")
        shutil.copytree(folder, killed, dirs_exist_ok=True)  # as a kill leaves it here
    monkeypatch.setenv("INTEMPT_NB_STATE", str(killed))
    before = snapshot(killed)
    assert any(path.endswith("-wal") for path in before)
    assert [(found.state, found.unknown) for found in uploads()] == [("unfinished", 10)]
    assert snapshot(killed).items() >= before.items()
    opened(killed, a_run()).close()
    assert {path.name for path in (killed / "uploads").iterdir()} == {f"{a_run().id}.db", "last"}
    uploads()[0].forget()
    assert {path.name for path in (killed / "uploads").iterdir()} == {"last"}


def test_one_that_is_damaged_says_so_and_can_be_forgotten(folder: Path) -> None:
    finished(folder, a_run())
    path = folder / "uploads" / f"{a_run().id}.db"
    path.write_bytes(b"x" * 5_000)
    (found,) = uploads()
    assert (found.state, found.collection) == ("unreadable", None)
    found.forget()
    assert len(uploads()) == 0


def test_one_that_never_began_is_none(folder: Path) -> None:
    finished(folder, a_run())
    (folder / "uploads" / "abc.db").write_bytes(b"")
    assert [found.state for found in uploads()] == ["finished"]


def test_one_that_is_forgotten_in_the_meantime_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "journals", lambda folder: [folder / "uploads" / "gone.db"])
    assert len(uploads()) == 0


def test_forgetting_takes_the_copy_of_the_rows_unless_another_upload_goes_on_with_it(folder: Path) -> None:
    copy = spool(pa.table({"a": [1]}), folder).path
    one, two, three = (a_run(path=str(copy), collection_id=each) for each in "123")
    for run in (one, two):
        opened(folder, run).close()
    finished(folder, three)
    uploads().find(one.id).forget()
    assert copy.exists()
    uploads().find(two.id).forget()
    assert {path.name for path in (folder / "uploads").iterdir()} == {f"{three.id}.db", "last"}


def test_a_copy_stays_while_an_upload_is_under_way_that_may_need_it(folder: Path) -> None:
    copy = spool(pa.table({"a": [1]}), folder).path
    one = a_run(path=str(copy))
    opened(folder, one).close()
    with closing(opened(folder, a_run(content="cd"))):
        uploads().find(one.id).forget()
    assert copy.exists()


def test_forgetting_leaves_the_users_own_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    own = tmp_path_factory.mktemp("mine") / "purchases.arrow"
    own.write_text("")
    opened(folder, a_run(path=str(own))).close()
    uploads()[0].forget()
    assert own.exists()


def test_an_id_may_be_shortened_while_it_is_one_uploads(folder: Path) -> None:
    begun = [a_run(content=str(number)) for number in range(17)]
    for run in begun:
        opened(folder, run).close()
    assert uploads().find(begun[0].id[:8].upper()).run == begun[0]
    ids = sorted(run.id for run in begun)
    twice = next(one[0] for one, other in pairwise(ids) if one[0] == other[0])
    with pytest.raises(NotFoundError, match=f"uploads have an id that begins with '{twice}': "):
        uploads().find(twice)
    with pytest.raises(NotFoundError, match="no upload has an id that begins with 'xyz'"):
        uploads().find("xyz")
    with pytest.raises(NotFoundError, match="begins with ''"):
        uploads().find("")
