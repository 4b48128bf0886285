"""Recordings in object storage, behind a server that speaks S3: listed by the driver, read by the workers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.batch import find_files, find_folders, import_files
from pipeline.errors import SurefootError
from pipeline.intake import Placed, read_placed
from pipeline.objects import ObjectPath, find_objects
from pipeline.workspace import Workspace
from tests.imports import HereEngine, zipped
from tests.made_runs import fit_file, no_cadence_file
from tests.test_cluster import Cluster

BUCKET = "s3://recordings"
LIST = b"Activity ID,Activity Date,Activity Name,Activity Type,Filename\n1,x,Hill,Run,activities/1.fit.gz\n"


@pytest.fixture(scope="module", autouse=True)
def bucket(storage: Any) -> None:
    """An empty bucket."""
    storage.mkdir(BUCKET)


@pytest.fixture(scope="module")
def club(storage: Any) -> str:
    """Two athletes in the bucket: recordings plain, gzipped, zipped, copied, hidden; junk; a list."""
    for name, content in {
        "ada/0.fit": fit_file(0),
        "ada/activities/1.fit.gz": gzip.compress(fit_file(1)),
        "ada/activities.csv": LIST,
        "ada/again.fit": fit_file(0),
        "ada/more.zip": zipped(a__fit=fit_file(2), b__txt=b"hello"),
        "ada/empty.fit": b"",
        "ada/.hidden.fit": fit_file(3),
        "bob/silent.fit": no_cadence_file(4),
    }.items():
        storage.pipe_file(f"{BUCKET}/club/{name}", content)
    return f"{BUCKET}/club"


class ApartEngine(HereEngine):
    """An engine whose workers would share no disk with the driver."""

    shares_disk = False


def test_a_url_is_listed_below_it(club: str) -> None:
    """Files have names below what was asked for, sizes and stamps as listed; hidden ones do not count."""
    found = find_objects(f"{club}/ada")
    assert [name for _, name in found] == [
        *("0.fit", "activities.csv", "activities/1.fit.gz", "again.fit", "empty.fit", "more.zip"),
    ]
    first = found[0][0]
    assert (first.url, first.stat().st_size) == (f"{club}/ada/0.fit", len(fit_file(0)))
    assert first.stat().st_mtime_ns > 1_600_000_000_000_000_000
    assert first.read_bytes() == first.open("rb").read() == fit_file(0)
    assert [name for _, name in find_objects(f"{club}/ada/0.fit")] == ["0.fit"]


def test_folders_of_a_url_name_their_athletes(club: str, tmp_path: Path) -> None:
    """`--by-folder` works on a bucket as on a disk."""
    found = find_folders([club], tmp_path)
    assert {name: len(files) for name, files in found.items()} == {"ada": 6, "bob": 1}


@pytest.mark.parametrize("url", [f"{BUCKET}/nothing-here", "s3://no-such-bucket/x"])
def test_nothing_at_a_url(storage: Any, url: str) -> None:
    """A URL without files is said in one line."""
    with pytest.raises(SurefootError, match=url):
        find_objects(url)


def test_a_kind_of_url_that_nothing_reads() -> None:
    """A scheme that fsspec does not know is said with what would do."""
    with pytest.raises(SurefootError, match=r"strange://x/y cannot be read .*surefoot\[cluster\]"):
        find_objects("strange://x/y")


@pytest.mark.parametrize(
    "engine", [HereEngine(), ApartEngine()], ids=["read by the driver", "by the workers"]
)
def test_a_bucket_gives_what_a_folder_gives(
    club: str, storage: Any, tmp_path: Path, engine: HereEngine
) -> None:
    """The same tables as from the same files on disk, whoever reads them, and nothing is read twice."""
    storage.get(f"{club}/ada/", str(tmp_path / "ada"), recursive=True)
    with Workspace(tmp_path / "near") as near, Workspace(tmp_path / "far") as far:
        import_files(near, find_files([tmp_path / "ada"], near.path), "ada", HereEngine())
        found = find_files([f"{club}/ada"], far.path)
        done = import_files(far, found, "ada", engine)
        assert done.copies == 1
        assert far.counts("ada") == near.counts("ada")
        assert far.counts("ada") == {"files": 7, "runs": 3, "duplicates": 1, "skipped": 1, "rejected": 2}
        for table in ("runs", "segments", "stability", "effects", "rejected"):
            assert getattr(far, f"load_{table}")("ada").equals(getattr(near, f"load_{table}")("ada"))
        assert set(far.load_runs("ada")["title"]) == {"", "Hill"}
        for run in far.load_runs("ada").iter_rows(named=True):
            assert far.load_track(run["run_id"]).equals(near.load_track(run["run_id"]))
            assert far.load_original(run["content_sha256"]) == near.load_original(run["content_sha256"])
        again = import_files(far, find_files([f"{club}/ada"], far.path), "ada", engine)
        assert (again.known, again.copies, again.results) == (7, 0, ())


def test_an_object_that_is_gone_is_left_to_the_driver(club: str) -> None:
    """What a worker cannot read it hands back, and does not die of."""
    (found,) = find_files([f"{club}/bob/silent.fit"], Path("w"))
    gone = ObjectPath(f"{club}/bob/gone.fit", 1, 1)
    assert read_placed(Placed("bob", found, 1, 1)) is not None
    assert read_placed(Placed("bob", type(found)(gone, "gone.fit"), 1, 1)) is None


def test_a_cluster_reads_a_bucket(club: str, tmp_path: Path) -> None:
    """`surefoot analyse s3://… --engine dask`: counts as on one machine; a second call finds nothing new."""
    with Cluster(2) as cluster:
        call = ["analyse", club, "--by-folder", "--engine", "dask", "--scheduler", cluster.address]
        for new in ("3 new runs", "0 new runs"):
            result = CliRunner().invoke(cli.main, [*call, "--workspace", str(tmp_path / "w")])
            assert result.exit_code == 0, result.output
            assert f"ada:\n7 files: {new}" in result.output
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert workspace.counts()["runs"] == 4
        assert len(workspace.load_effects("ada")) == 5
