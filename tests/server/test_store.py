"""The store: what stays, what is dropped, and whom it lets in; threads and processes included."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from intempt_nb.errors import ConfigurationError
from intempt_nb.server import tables
from intempt_nb.server.store import LAYOUT_VERSION, Store


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    with Store(":memory:" if request.param == "memory" else tmp_path / "s.db") as made:
        yield made


def add_collection(store: Store, name: str = "c") -> int:
    with store.write() as tx:
        source = tx.add_source(name, name, None, "api", name.encode())
        return tx.add_collection(source.id, name, None, False, False, "{}")


class TestIds:
    def test_are_not_repeated_between_threads(self, store):
        def take(_: int) -> range:
            with store.write() as tx:
                return range(first := tx.new_ids(7), first + 7)

        with ThreadPoolExecutor(8) as pool:
            taken = [each for ids in pool.map(take, range(200)) for each in ids]
        assert len(set(taken)) == 1400
        assert all(17 <= len(str(each)) <= 19 for each in taken)

    def test_never_go_back_below_what_was_stored(self, tmp_path, monkeypatch):
        with Store(tmp_path / "s.db") as store, store.write() as tx:
            highest = tx.new_ids(1)
        monkeypatch.setattr(tables, "id_floor", lambda: 10**16)  # the clock was set back
        with Store(tmp_path / "s.db") as store, store.write() as tx:
            assert tx.new_ids(1) == highest + 1

    def test_of_a_deleted_thing_are_not_given_again(self, store, monkeypatch):
        monkeypatch.setattr(tables, "id_floor", lambda: 10**16)
        collection = add_collection(store)
        with store.write() as tx:
            [item] = tx.upsert_items(collection, [("k", "{}")], 1)
            tx.delete_item(collection, item)
            assert tx.upsert_items(collection, [("k", "{}")], 1) > [item]


class TestItems:
    def test_an_item_whose_key_is_there_keeps_its_id_and_gets_the_data(self, store):
        collection = add_collection(store)
        with store.write() as tx:
            first = tx.upsert_items(collection, [("a", "1"), ("b", "2")], 10)
            again = tx.upsert_items(collection, [("b", "3"), ("c", "4")], 20)
        assert again[0] == first[1]
        with store.read() as tx:
            assert tx.items_between(collection, 0, 2**63 - 1, 10) == [
                (first[0], 10, "1"),
                (again[0], 20, "3"),
                (again[1], 20, "4"),
            ]
            assert tx.count_items(collection) == 3

    def test_of_a_key_repeated_in_one_request_the_last_stays(self, store):
        collection = add_collection(store)
        with store.write() as tx:
            ids = tx.upsert_items(collection, [("a", "1"), ("b", "2"), ("a", "3")], 10)
        assert ids[0] == ids[2] != ids[1]
        with store.read() as tx:
            assert tx.item(collection, ids[0]).data == "3"
            assert tx.count_items(collection) == 2

    @pytest.mark.parametrize("key", ["", '"\\u0000"', '["a","b"]', "ü😀", '"\\', "x" * 100_000])
    def test_keys_of_any_text(self, store, key):
        collection = add_collection(store)
        with store.write() as tx:
            assert tx.upsert_items(collection, [(key, "1")], 1) == tx.upsert_items(collection, [(key, "2")], 1)

    def test_collections_do_not_share_keys_or_items(self, store):
        one, other = add_collection(store, "one"), add_collection(store, "other")
        with store.write() as tx:
            [first] = tx.upsert_items(one, [("k", "1")], 1)
            [second] = tx.upsert_items(other, [("k", "2")], 1)
        with store.read() as tx:
            assert tx.item(one, second) is None
            assert tx.item(other, second).data == "2"
            assert tx.items_between(one, 0, 2**63 - 1, 10) == [(first, 1, "1")]

    def test_pages_are_read_by_index_not_by_walking(self, store):
        asked: list[str] = []
        with store.read() as tx:
            tx._connection.set_trace_callback(asked.append)
            tx.items_between(1, 5, 9, 10)
            tx._connection.set_trace_callback(None)
            plan = tx._connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
        assert [row[3] for row in plan] == [
            "SEARCH items USING INDEX items_of_collection (collection_id=? AND rowid>? AND rowid<?)"
        ]


class TestTransactions:
    def test_an_error_drops_all(self, store):
        def add_and_fail() -> None:
            with store.write() as tx:
                tx.add_source("a", "a", None, "api", b"1")
                raise LookupError

        with pytest.raises(LookupError):
            add_and_fail()
        with store.read() as tx:
            assert tx.sources() == []
        add_collection(store)  # and the next one works

    def test_a_reader_sees_one_state(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            collection = add_collection(store)
            with store.read() as reader:
                assert reader.count_items(collection) == 0
                with store.write() as tx:
                    tx.upsert_items(collection, [("k", "1")], 1)
                assert reader.count_items(collection) == 0
                assert reader.items_between(collection, 0, 2**63 - 1, 10) == []
            with store.read() as reader:
                assert reader.count_items(collection) == 1

    def test_deleting_a_source_leaves_nothing(self, store):
        collection = add_collection(store)
        other = add_collection(store, "other")
        with store.write() as tx:
            tx.upsert_items(collection, [("k", "1")], 1)
            primary = tx.add_identifier(collection, "primary", "p", "{}")
            link = tx.add_identifier(other, "foreign", "f", "{}", primary)
            tx.add_relation(link, "r", "many_to_one")
            tx.delete_source(tx.collection(collection).source_id)
        with store.read() as tx:
            assert [each.id for each in tx.collections()] == [other]
            assert (tx.identifiers(), tx.relations(), [key for key, _ in tx.api_keys()]) == ([], [], [b"other"])
            assert tx._connection.execute("SELECT count(*) FROM items").fetchone() == (0,)


class TestFiles:
    def test_what_was_stored_is_there_after_reopening(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            collection = add_collection(store)
            with store.write() as tx:
                ids = tx.upsert_items(collection, [("k", '{"a":1.0,"b":12345678901234567890}')], 5)
        with Store(tmp_path / "s.db") as store, store.read() as tx:
            assert tx.items_between(collection, 0, 2**63 - 1, 10) == [(ids[0], 5, '{"a":1.0,"b":12345678901234567890}')]
            assert tx.sources()[0].name == "c"

    def test_nothing_is_left_beside_the_file(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            add_collection(store)
            with store.read():
                pass
        assert [each.name for each in tmp_path.iterdir()] == ["s.db"]

    def test_closing_twice(self, store):
        store.close()
        store.close()

    def test_the_database_of_another_program_is_refused_and_not_touched(self, tmp_path):
        path = tmp_path / "theirs.db"
        theirs = sqlite3.connect(path)
        theirs.execute("CREATE TABLE t (x)")
        theirs.close()
        before = path.read_bytes()
        with pytest.raises(ConfigurationError, match=r"theirs\.db' is the database of another program; name another"):
            Store(path)
        assert path.read_bytes() == before

    def test_a_file_that_is_no_database_is_refused_and_not_touched(self, tmp_path):
        path = tmp_path / "bookings.csv"
        path.write_text("a,b\n1,2\n" * 100)
        with pytest.raises(
            ConfigurationError, match=r"bookings\.csv' cannot be used.*not a database; name another one"
        ):
            Store(path)
        assert path.read_text() == "a,b\n1,2\n" * 100

    def test_a_file_of_the_first_layout_is_brought_up_to_date(self, tmp_path):
        path = tmp_path / "s.db"
        with Store(path) as store, store.write() as tx:
            for kind in ("api", "js", "ios"):
                tx.add_source(kind, kind, None, kind, kind.encode())
        older = sqlite3.connect(path, isolation_level=None)
        older.execute("DROP INDEX sources_by_tracker")
        older.execute("ALTER TABLE sources DROP COLUMN tracker_number")
        older.execute("PRAGMA user_version = 1")
        older.close()
        for _ in range(2):  # the second time nothing is left to do
            with Store(path) as store, store.read() as tx:
                numbers = {each.name: each.tracker_number for each in tx.sources()}
                assert numbers["api"] is None
                assert tx.source_of_tracker(numbers["js"]).name == "js"
                assert tx.source_of_tracker(numbers["ios"]).name == "ios"

    def test_another_layout_is_refused(self, tmp_path):
        path = tmp_path / "s.db"
        Store(path).close()
        newer = sqlite3.connect(path)
        newer.execute(f"PRAGMA user_version = {LAYOUT_VERSION + 1}")
        newer.close()
        with pytest.raises(ConfigurationError, match="another version of this package"):
            Store(path)

    @pytest.mark.parametrize("name", ["missing/s.db", "."])
    def test_a_path_that_cannot_be_opened(self, tmp_path, name):
        with pytest.raises(
            ConfigurationError, match=r"cannot be used as a sandbox file: .*; name another one, in a folder"
        ):
            Store(tmp_path / name)

    def test_a_home_directory_is_expanded(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        with Store("~/s.db"):
            assert (tmp_path / "s.db").exists()

    def test_an_empty_file_becomes_a_store(self, tmp_path):
        (tmp_path / "s.db").touch()
        with Store(tmp_path / "s.db") as store:
            add_collection(store)


WRITER = """
import sys
from intempt_nb.server.store import Store
with Store(sys.argv[1]) as store:
    for n in range(50):
        with store.write() as tx:
            collection = tx.collections()[0].id
            print(*tx.upsert_items(collection, [(f"{sys.argv[2]} {n} {i}", "{}") for i in range(10)], n))
"""


def test_two_processes_write_the_same_file(tmp_path):
    path = tmp_path / "s.db"
    with Store(path) as store:
        collection = add_collection(store)
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True)
            for name in "ab"
        ]
        ids = [int(each) for writer in writers for each in writer.communicate(timeout=60)[0].split()]
        assert [writer.returncode for writer in writers] == [0, 0]
        with store.read() as tx:
            stored = tx.items_between(collection, 0, 2**63 - 1, 2000)
            assert tx.count_items(collection) == 1000
    assert len(set(ids)) == 1000
    assert sorted(ids) == [row[0] for row in stored]


def test_opening_a_new_file_from_many_threads_at_once(tmp_path):
    barrier = threading.Barrier(6)

    def open_it(number: int) -> None:
        barrier.wait()
        with Store(path) as store, store.write() as tx:
            tx.add_source(f"s{number}", "s", None, "api", bytes([number]))

    with ThreadPoolExecutor(6) as pool:
        for attempt in range(20):
            path = tmp_path / f"{attempt}.db"
            list(pool.map(open_it, range(6)))
            with Store(path) as store, store.read() as tx:
                assert len(tx.sources()) == 6
