"""The journal: what was sent is known, whatever happens in between; what is not known is never taken for known."""

from __future__ import annotations

import errno
import itertools
import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import intempt_nb as inb
import journals
from intempt_nb.errors import UploadError
from intempt_nb.transfer import journal as journal_module
from intempt_nb.transfer.journal import Journal, Known
from journals import a_run
from limits import file_limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from intempt_nb.transfer.journal import Run

RUN = a_run()
ROWS = np.arange(30)


def opened(
    folder: Path, run: Run = RUN, *, lanes: int = 1, resume: bool = True, anew: bool = False
) -> closing[Journal]:
    return closing(Journal.open(folder, run, lanes=lanes, resume=resume, anew=anew))


def file_of(folder: Path, run: Run = RUN) -> Path:
    return folder / "uploads" / f"{run.id}.db"


def held(known: Known, what: str, lane: int = 0) -> list[int]:
    return ROWS[getattr(known, what)(lane, ROWS)].tolist()


def test_the_next_session_knows_what_became_of_the_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert (journal.resumed, journal.finished, journal.known.rejects) == (False, False, ())
        for first in (0, 5, 10, 15, 20):
            journal.begin(0, first, first + 4, 5)
        journal.accept(0, 0, 4)
        journal.doubt(0, 5, 9)
        journal.withdraw(0, 10, 14)
        journal.begin(0, 10, 14, 4)
        journal.reject([(12, "amount", 400, "no number")])
        journal.accept(0, 10, 14)
        started = journal.started
    with opened(tmp_path) as journal:
        known = journal.known
        assert held(known, "accepted") == [0, 1, 2, 3, 4, 10, 11, 13, 14]
        assert held(known, "settled") == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
        assert held(known, "doubtful") == [*range(5, 10), *range(15, 25)]
        assert known.rejects == ((12, "amount", 400, "no number"),)
        assert (journal.resumed, journal.started) == (True, started)


def test_an_accepted_row_is_not_in_doubt_any_more_and_a_refused_post_leaves_older_doubts(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
        journal.withdraw(0, 0, 9)
        journal.begin(0, 0, 4)
        journal.accept(0, 0, 4)
    with opened(tmp_path) as journal:
        assert held(journal.known, "accepted") == [0, 1, 2, 3, 4]
        assert held(journal.known, "doubtful") == [5, 6, 7, 8, 9]


def test_several_requests_begin_at_once_and_none_twice(tmp_path: Path) -> None:
    with opened(tmp_path, lanes=2) as journal:
        journal.begin_all([(0, 0, 9, 10), (1, 3, 5, 2)])
        assert journal.has_begun(1, 3, 5)
        assert not journal.has_begun(0, 3, 5)
        journal.begin(0, 0, 9, 10)
        journal.withdraw(0, 0, 9)
        journal.accept(1, 3, 5)
        assert not journal.has_begun(0, 0, 9)
        assert not journal.has_begun(1, 3, 5)
    with opened(tmp_path) as journal:
        assert held(journal.known, "doubtful") == []
        assert held(journal.known, "accepted", lane=1) == [3, 4, 5]


def test_an_answer_that_comes_after_the_doubt_counts(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
        journal.doubt(0, 0, 9)
        journal.accept(0, 0, 9)
    with opened(tmp_path) as journal:
        assert held(journal.known, "accepted") == list(range(10))
        assert held(journal.known, "doubtful") == []


def test_rows_that_were_left_out_are_not_covered_by_the_interval_around_them(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.leave_out(np.array([2, 3, 7]))
        journal.leave_out(np.array([], np.int64))
        journal.begin(0, 0, 9)
        journal.accept(0, 0, 9)
    with opened(tmp_path) as journal:
        assert held(journal.known, "accepted") == [0, 1, 4, 5, 6, 8, 9]
        assert held(journal.known, "doubtful") == []
        journal.leave_out(np.array([7]))
        journal.begin(0, 2, 3)
        journal.accept(0, 2, 3)
        journal.begin(0, 6, 20)
    with opened(tmp_path) as journal:
        assert held(journal.known, "accepted") == [0, 1, 2, 3, 4, 5, 6, 8, 9]
        assert held(journal.known, "doubtful") == list(range(10, 21))


def test_lanes_are_apart_and_their_number_is_the_runs(tmp_path: Path) -> None:
    with opened(tmp_path, lanes=3) as journal:
        journal.begin(2, 0, 9)
        journal.accept(2, 0, 9)
    with opened(tmp_path, lanes=8) as journal:
        assert journal.lanes == 3
        assert held(journal.known, "accepted", lane=2) == list(range(10))
        assert held(journal.known, "settled", lane=1) == []


def test_many_threads_write_one_journal(tmp_path: Path) -> None:
    def send(journal: Journal, lane: int) -> None:
        for first in range(50):
            journal.begin(lane, first, first)
            journal.accept(lane, first, first)

    with opened(tmp_path, lanes=4) as journal, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda lane: send(journal, lane), range(4)))
    with opened(tmp_path) as journal:
        assert all(journal.known.accepted(lane, np.arange(50)).all() for lane in range(4))


def test_a_finished_run_is_found_finished_until_another_sends_into_the_collection(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
        journal.accept(0, 0, 9)
        journal.finish()
    elsewhere, other = a_run(collection_id="6"), a_run(content="cd")
    with opened(tmp_path, elsewhere), opened(tmp_path) as journal:
        assert (journal.finished, held(journal.known, "accepted")) == (True, list(range(10)))
    with opened(tmp_path, other):
        pass
    with opened(tmp_path) as journal:
        assert (journal.finished, journal.resumed, held(journal.known, "settled")) == (False, False, [])
    with opened(tmp_path, other) as journal:
        journal.finish()
    with opened(tmp_path, other) as journal:
        assert journal.finished


def send_whole(folder: Path, run: Run) -> None:
    with opened(folder, run) as journal:
        journal.begin(0, 0, 9)
        journal.accept(0, 0, 9)
        journal.finish()


def test_what_another_run_may_have_overwritten_is_sent_anew_where_that_is_wanted(tmp_path: Path) -> None:
    for anew in (False, True):
        with opened(tmp_path, a_run(collection_id=str(anew))) as journal:
            journal.begin(0, 0, 9)
            journal.accept(0, 0, 9)
        send_whole(tmp_path, a_run(content="cd", collection_id=str(anew)))
        for known in (not anew, True):  # it is the last run itself the second time
            with opened(tmp_path, a_run(collection_id=str(anew)), anew=anew) as journal:
                assert journal.resumed == known
                journal.begin(0, 10, 19)


def test_a_run_that_went_on_after_another_was_the_last(tmp_path: Path) -> None:
    other = a_run(content="cd")
    with opened(tmp_path, other) as journal:
        journal.begin(0, 0, 9)
        send_whole(tmp_path, RUN)
        journal.accept(0, 0, 9)
        journal.finish()
    with opened(tmp_path, other) as journal:
        assert journal.finished
    with opened(tmp_path) as journal:
        assert not journal.finished


def test_a_run_that_sent_nothing_overwrote_nothing(tmp_path: Path) -> None:
    other = a_run(content="cd")
    send_whole(tmp_path, RUN)
    with opened(tmp_path) as journal:
        send_whole(tmp_path, other)
        journal.finish()
    with opened(tmp_path, other) as journal:
        assert journal.finished


def test_a_retry_of_rejected_rows_belongs_to_its_upload(tmp_path: Path) -> None:
    retry, other = a_run(content="cd", retry_of=RUN.id), a_run(content="ef")
    send_whole(tmp_path, RUN)
    send_whole(tmp_path, retry)
    for run in (RUN, retry, replace(retry, retry_of=None)):  # the command line does not know
        with opened(tmp_path, run) as journal:
            assert journal.finished
    send_whole(tmp_path, other)
    with opened(tmp_path, retry) as journal:
        assert not journal.finished
        journal.begin(0, 0, 9)
    with opened(tmp_path, other) as journal:
        assert journal.finished


def test_no_clock_decides_which_run_was_the_last(tmp_path: Path) -> None:
    other = a_run(content="cd")
    for run in (RUN, other):
        with opened(tmp_path, run) as journal:
            journal.finish()
    with closing(sqlite3.connect(file_of(tmp_path, other))) as connection, connection:
        connection.execute("UPDATE run SET started = '1999-01-01T00:00:00+00:00', finished = started")
    with opened(tmp_path) as journal:
        assert not journal.finished
    with opened(tmp_path, other) as journal:
        assert not journal.finished


def test_what_is_sent_after_all_makes_a_finished_run_unfinished(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.finish()
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
    with opened(tmp_path) as journal:
        assert not journal.finished
        assert held(journal.known, "doubtful") == list(range(10))


def test_without_resuming_all_is_dropped(tmp_path: Path) -> None:
    with opened(tmp_path, lanes=2) as journal:
        journal.begin(0, 0, 9)
        journal.reject([(1, None, 400, "no")])
    with opened(tmp_path, lanes=4, resume=False) as journal:
        assert (journal.lanes, journal.resumed, held(journal.known, "doubtful")) == (4, False, [])
    with opened(tmp_path) as journal:
        assert journal.known.rejects == ()


def test_a_run_keeps_where_its_rows_came_from_and_learns_where_they_are(tmp_path: Path) -> None:
    def told() -> Run:
        (found,) = inb.uploads()
        assert found.run is not None
        return found.run

    frame = replace(RUN, origin="DataFrame", path="/state/ab.arrow")
    for run in (frame, replace(frame, origin="/state/ab.arrow", base_url="http://localhost:5")):
        with opened(tmp_path, run):
            pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTEMPT_NB_STATE", str(tmp_path))
        assert (told().origin, told().path, told().base_url) == ("DataFrame", "/state/ab.arrow", "http://localhost:5")


def test_a_copy_of_the_rows_that_is_not_named_any_more_is_told(tmp_path: Path) -> None:
    copies = [str(tmp_path / "uploads" / name) for name in ("a.arrow", "b.arrow")]
    paths = [None, copies[0], copies[0], copies[1], "/home/me/c.arrow", None]
    formers = []
    for path in paths:
        with opened(tmp_path, a_run(path=path)) as journal:
            formers.append(journal.former_path)
    assert formers == [None, None, None, copies[0], copies[1], None]


def test_requests_under_way_are_those_begun_whose_outcome_is_not_known(tmp_path: Path) -> None:
    with opened(tmp_path, lanes=2) as journal:
        journal.begin_all([(1, 5, 9, 5), *((0, first, first + 4, 5) for first in (0, 5, 10, 15))])
        journal.accept(0, 0, 4)
        journal.doubt(0, 5, 9)
        journal.withdraw(0, 10, 14)
        assert journal.under_way() == [(0, 15, 19), (1, 5, 9)]


JOURNAL_FILES = {f"{Path(journal_module.__file__).with_name(name)}" for name in ("journal.py", "journal_files.py")}


class InterruptedAt:
    """Has an interruption come at the n-th point of the journal's modules at which one can: in a function or after it.

    It cannot where `close` itself is entered, as nothing of it has run then.
    """

    def __init__(self, number: int) -> None:
        self.left = number

    def trace(self, frame: FrameType, event: str, arg: object) -> None:
        entered = event == "call" and frame.f_code.co_name != "close"
        if frame.f_code.co_filename in JOURNAL_FILES and (entered or event == "c_return"):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    def __call__(self, step: Callable[[], object]) -> KeyboardInterrupt | None:
        usual = sys.getprofile()
        sys.setprofile(self.trace)
        try:
            step()
        except KeyboardInterrupt as error:
            return error
        finally:
            sys.setprofile(usual)
        return None


def test_an_interruption_while_it_is_opened_or_closed_leaves_it_to_others(tmp_path: Path) -> None:
    kept: list[Any] = []  # errors, and with them their frames, as a notebook does

    def open_it() -> Journal:
        return Journal.open(tmp_path, RUN, lanes=1, resume=True)

    for number in itertools.count(1):
        error = InterruptedAt(number)(lambda: kept.append(open_it()))
        if error is None:
            kept.pop().close()
            break
        kept.append(error)
        journal = open_it()
        journal.begin(0, 0, 9)
        kept.append(InterruptedAt(number)(journal.close))
    open_it().close()
    assert number > 50
    assert not list(tmp_path.rglob("*.part"))


def test_after_it_is_closed_nothing_is_begun_and_late_answers_are_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, RUN, lanes=1, resume=True)
    journal.begin(0, 0, 9)
    journal.close()
    with pytest.raises(UploadError, match="has ended; nothing more is sent"):
        journal.begin(0, 10, 19)
    journal.accept(0, 0, 9)
    journal.doubt(0, 0, 9)
    journal.withdraw(0, 0, 9)
    journal.reject([(1, None, 400, "no")])
    journal.leave_out(np.array([1]))
    journal.finish()
    journal.close()
    with opened(tmp_path) as again:
        assert (again.finished, held(again.known, "doubtful"), again.known.rejects) == (False, list(range(10)), ())


def test_two_uploads_of_the_same_at_once_are_one_too_many(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(UploadError, match="under way in another process, notebook or thread"):
        Journal.open(tmp_path, RUN, lanes=1, resume=True)
    hold = (
        "import sys; from pathlib import Path; from journals import a_run; from intempt_nb.transfer.journal import *;"
        "journal = Journal.open(Path(sys.argv[1]), a_run(), lanes=1, resume=True); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    where = {**os.environ, "PYTHONPATH": str(Path(journals.__file__).parent)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=where) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        for resume in (True, False):
            with pytest.raises(UploadError, match="under way in another process, notebook or thread"):
                Journal.open(tmp_path, RUN, lanes=1, resume=resume)
        other.kill()
    with opened(tmp_path) as journal:
        assert not journal.finished


def test_it_is_for_nobody_elses_eyes_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with opened(tmp_path) as journal:
            journal.begin(0, 0, 9)
            modes = {each.name: each.stat().st_mode & 0o777 for each in (tmp_path / "uploads").rglob("*")}
    finally:
        os.umask(before)
    assert {f"{RUN.id}.db", f"{RUN.id}.db-wal"} < modes.keys()
    assert {mode for name, mode in modes.items() if name != "last"} == {0o600}
    assert {modes["last"], (tmp_path / "uploads").stat().st_mode & 0o777} == {0o700}


def damage_start(path: Path) -> None:
    path.write_bytes(b"not a journal" * 1000)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"x" * 4096
    path.write_bytes(data)


def other_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def other_text(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE run SET about = '[]'")


def other_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE post")


@pytest.mark.parametrize("damage", [damage_start, damage_pages, other_version, other_text, other_tables])
def test_a_journal_that_cannot_be_read_is_a_clear_error_and_can_be_begun_anew(tmp_path: Path, damage: Any) -> None:
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)
    damage(file_of(tmp_path))
    advice = f"resume=False to send every row again, or remove it: intempt-nb uploads forget {RUN.id}"
    with pytest.raises(UploadError, match=advice):
        Journal.open(tmp_path, RUN, lanes=1, resume=True)
    with opened(tmp_path, resume=False) as journal:
        assert not journal.resumed
        journal.begin(0, 0, 4)
    with opened(tmp_path) as journal:
        assert held(journal.known, "doubtful") == [0, 1, 2, 3, 4]


def test_a_folder_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("")
    with pytest.raises(UploadError, match="cannot be opened for writing"):
        Journal.open(tmp_path, RUN, lanes=1, resume=True)


def test_a_disk_without_room_for_another_file_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UploadError, match=r"cannot be written \(No space left on device\).* free some space"):
        Journal.open(tmp_path, RUN, lanes=1, resume=True)


def fill(journal: Journal) -> int:
    """Begin and accept until there is no room; return the first row that was not begun."""
    for first in range(0, 10_000_000, 10):
        try:
            journal.begin(0, first, first + 9)
        except UploadError as error:
            assert "If the disk or a quota is full, free some space" in str(error)  # noqa: PT017 (the row is needed)
            return first
        journal.accept(0, first, first + 9)
    raise AssertionError("there was always room")


def check_goes_on(folder: Path, journal: Journal, full: int) -> None:
    """After a disk was full: with room again, this session goes on, and the next knows everything."""
    journal.begin(0, full, full + 9)
    journal.close()
    rows = np.arange(full + 10)
    with opened(folder) as journal:
        assert journal.known.accepted(0, rows).tolist() == [True] * full + [False] * 10
        assert journal.known.doubtful(0, rows).tolist() == [False] * full + [True] * 10


def test_a_quota_that_is_used_up_is_a_clear_error_and_no_step_is_lost(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        with file_limit(100_000):
            full = fill(journal)
            assert full > 0
        check_goes_on(tmp_path, journal, full)


def test_a_journal_that_is_closed_on_a_full_disk_can_be_opened_later(tmp_path: Path) -> None:
    with opened(tmp_path) as journal, file_limit(100_000):
        full = fill(journal)
        journal.close()
    rows = np.arange(full)
    with opened(tmp_path) as journal:
        assert (journal.known.accepted(0, rows) | journal.known.doubtful(0, rows)).all()


def test_without_any_room_no_journal_is_begun(tmp_path: Path) -> None:
    with file_limit(1000), pytest.raises(UploadError, match="cannot be written"):
        Journal.open(tmp_path, RUN, lanes=1, resume=True)
    with opened(tmp_path) as journal:
        journal.begin(0, 0, 9)


def test_a_disk_that_is_full_is_a_clear_error_and_no_step_is_lost(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs rights that there are not here")
    try:
        with opened(tmp_path) as journal:
            full = fill(journal)
            subprocess.run(["mount", "-o", "remount,size=8m", tmp_path], check=True)
            check_goes_on(tmp_path, journal, full)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed quickly")
def test_whatever_was_begun_is_known_after_a_kill_at_any_point(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, journals.__file__, tmp_path, "25"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    for number, said in enumerate(json.loads(run.stdout)):
        killed = a_run(content=str(number))
        with opened(tmp_path, killed) as journal:
            begun = [int(step[1:]) for step in said if step[0] == "b"]
            accepted = [int(step[1:]) for step in said if step[0] == "a"]
            rows = np.array(begun)
            assert begun
            assert (journal.known.accepted(0, rows) | journal.known.doubtful(0, rows)).all()
            assert journal.known.accepted(0, np.array(accepted, np.int64)).all()
            assert journal.known.doubtful(0, rows).sum() <= 1
        with closing(sqlite3.connect(file_of(tmp_path, killed))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
