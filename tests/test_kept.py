"""Packs and originals in object storage: the workspace does what one in a folder does."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.batch import find_files, import_files
from pipeline.cluster import DaskEngine
from pipeline.errors import SurefootError
from pipeline.objects import ObjectPlace
from pipeline.workspace import Workspace, place_below
from tests.imports import HereEngine
from tests.made_runs import fit_file
from tests.test_cluster import Cluster

TABLES = ("runs", "segments", "stability", "effects", "rejected")
AskForObjects = Callable[[str], ObjectPlace]


@pytest.fixture
def objects(storage: Any, monkeypatch: pytest.MonkeyPatch) -> ObjectPlace:
    """A place in an empty bucket, where new workspaces put their packs and originals."""
    bucket = f"s3://kept-{uuid.uuid4().hex}"
    storage.mkdir(bucket)
    monkeypatch.setenv("SUREFOOT_OBJECTS", f"{bucket}/w")
    return ObjectPlace(f"{bucket}/w")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of Ada in a folder, and two of Bob, one of which is the same."""
    place = tmp_path_factory.mktemp("recordings")
    for name, number in [*((f"ada/{n}.fit", n) for n in range(4)), ("bob/0.fit", 0), ("bob/4.fit", 4)]:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(fit_file(number))
    return place


def take_in(folder: Path, recordings: Path, *names: str) -> None:
    """Import the recordings of these athletes."""
    with Workspace(folder) as workspace:
        for name in names:
            import_files(workspace, find_files([recordings / name], folder), name, HereEngine())


def said(*words: str | Path, fails: bool = False) -> str:
    """What the command says."""
    result = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert (result.exit_code != 0) == fails, result.output
    return " ".join(result.output.split())


def names(place: ObjectPlace, of: str) -> list[str]:
    """The objects of one kind."""
    return [name for file in place.walk() if (name := place_below(file, place)).startswith(of)]


@pytest.mark.both_databases
def test_a_bucket_keeps_what_a_folder_keeps(
    catalogue_in: str,
    objects: ObjectPlace,
    recordings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same tables, tracks and originals; none of them in the folder, which remembers where they are."""
    take_in(tmp_path / "far", recordings, "ada")
    monkeypatch.delenv("SUREFOOT_OBJECTS")
    take_in(tmp_path / "near", recordings, "ada")
    with Workspace(tmp_path / "near") as near, Workspace(tmp_path / "far") as far:
        for table in TABLES:
            assert getattr(far, f"load_{table}")("ada").equals(getattr(near, f"load_{table}")("ada"))
        for run in far.load_runs("ada").iter_rows(named=True):
            assert far.load_track(run["run_id"]).equals(near.load_track(run["run_id"]))
            assert far.load_channels(run["run_id"]).equals(near.load_channels(run["run_id"]))
            assert far.load_original(run["content_sha256"]) == near.load_original(run["content_sha256"])
        assert far.load_grid("ada").height == near.load_grid("ada").height
        again = import_files(far, find_files([recordings / "ada"], far.path), "ada", HereEngine())
        assert (again.known, again.results) == (4, ())
    assert not [file for file in (tmp_path / "far").rglob("*") if file.suffix in (".parquet", ".gz")]
    assert len(names(objects, "originals/")) == 4
    assert "4 runs" in said("status", "--workspace", tmp_path / "far")


def test_a_killed_worker_of_a_cluster_loses_nothing(
    objects: ObjectPlace, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers put packs there themselves; with one of two killed every run is there once."""
    monkeypatch.setattr("pipeline.batch.BATCH_FILES", 1)
    with Cluster(2) as cluster, closing(DaskEngine(cluster.address)) as engine, Workspace(tmp_path) as w:
        killed = threading.Event()

        def kill_one(_: object) -> None:
            if not killed.is_set():
                killed.set()
                cluster.workers[0].kill()

        found = find_files([recordings / "ada"], w.path)
        done = import_files(w, found, "ada", engine, watch=kill_one)
        assert sorted(r.source_name for r in done.results) == [f"{n}.fit" for n in range(4)]
        assert killed.is_set()
    with Workspace(tmp_path) as w:
        assert w.counts("ada")["runs"] == 4
        assert len({p.split(".")[0] for p in names(objects, "packs/")}) == len(w.load_packs("ada")) == 4
        for run_id in w.load_runs("ada")["run_id"]:
            assert len(w.load_track(run_id)) > 600


def test_a_pack_that_was_never_committed_is_swept(
    objects: ObjectPlace, recordings: Path, tmp_path: Path
) -> None:
    """What a killed process put there goes when the workspace is opened next; what is named stays."""
    take_in(tmp_path, recordings, "ada")
    before = names(objects, "packs/")
    (objects / f"packs/v1/{'0' * 16}/{'0' * 32}.grid.parquet").write_bytes(b"half")
    Workspace(tmp_path, read_only=True).close()
    assert len(names(objects, "packs/")) == len(before) + 1
    Workspace(tmp_path).close()
    assert names(objects, "packs/") == before


def test_forgetting_reaches_the_objects(objects: ObjectPlace, recordings: Path, tmp_path: Path) -> None:
    """Ada's packs and originals go, what she shares with Bob stays, and a planted trace is found."""
    take_in(tmp_path, recordings, "ada", "bob")
    with Workspace(tmp_path) as workspace:
        sought = workspace.gather_traces("ada")
    told = said("forget", "ada", "--yes", "--workspace", tmp_path)
    assert "Nothing of ada is left" in told
    assert "older versions" in told
    assert len(names(objects, "originals/")) == 2
    (objects / "planted").write_bytes(next(word for word in sought.words if len(word) == 64))
    with Workspace(tmp_path) as workspace:
        assert workspace.counts()["runs"] == 2
        found = workspace.search_traces(sought).found
    # A run's number is the beginning of its recording's SHA-256.
    assert {what for _, what in found} == {"the SHA-256 of a recording", "the number of a run"}
    assert {str(file) for file, _ in found} == {f"{objects}/planted"}


def test_backup_and_archive_go_there_and_back(
    objects: ObjectPlace, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup moves a workspace from objects to others or a folder; so does an athlete's archive."""
    take_in(tmp_path / "far", recordings, "ada")
    said(
        "export", "runs", "--out", tmp_path / "runs.csv", "--athlete", "ada", "--workspace", tmp_path / "far"
    )
    assert len((tmp_path / "runs.csv").read_text().splitlines()) == 5
    said("backup", tmp_path / "all.zip", "--workspace", tmp_path / "far")
    said("archive", tmp_path / "ada.zip", "--athlete", "ada", "--workspace", tmp_path / "far")
    monkeypatch.setenv("SUREFOOT_OBJECTS", f"{objects}2")
    assert "4 runs" in said("restore", tmp_path / "all.zip", "--workspace", tmp_path / "back")
    said("unarchive", tmp_path / "ada.zip", "--workspace", tmp_path / "back", fails=True)
    said("unarchive", tmp_path / "ada.zip", "--replace", "--workspace", tmp_path / "back")
    monkeypatch.delenv("SUREFOOT_OBJECTS")
    said("restore", tmp_path / "all.zip", "--workspace", tmp_path / "near")
    far, back, near = (Workspace(tmp_path / name) for name in ("far", "back", "near"))
    for run in far.load_runs("ada").iter_rows(named=True):
        for other in (back, near):
            assert other.load_track(run["run_id"]).equals(far.load_track(run["run_id"]))
            assert other.load_original(run["content_sha256"]) == far.load_original(run["content_sha256"])
    assert len(names(ObjectPlace(f"{objects}2"), "originals/")) == 4
    for workspace in (far, back, near):
        workspace.close()


def test_a_restore_that_fails_leaves_nothing(
    objects: ObjectPlace, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the storage ends in the middle, the place is empty again, and the same command does it later."""
    take_in(tmp_path / "far", recordings, "ada")
    said("backup", tmp_path / "all.zip", "--workspace", tmp_path / "far")
    monkeypatch.setenv("SUREFOOT_OBJECTS", f"{objects}2")
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.workspace.backup.move_in", Exploding(objects).move_in)
        restore = ("restore", tmp_path / "all.zip", "--workspace", tmp_path / "back")
        assert "cannot be reached" in said(*restore, fails=True)
    assert ObjectPlace(f"{objects}2").walk() == []
    assert not (tmp_path / "back").exists()
    assert "4 runs" in said(*restore)


class Exploding:
    """A storage that ends at the third object."""

    def __init__(self, place: ObjectPlace) -> None:
        self.place, self.left = place, 2

    def move_in(self, file: Path, target: ObjectPlace) -> None:
        """Put the first ones."""
        if not self.left:
            raise SurefootError(f"{self.place} cannot be reached")
        self.left -= 1
        target.write_bytes(file.read_bytes())


def test_objects_of_another_are_left_alone(
    objects: ObjectPlace, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second workspace at the same place, or one given another's, is refused: it would sweep its packs."""
    take_in(tmp_path / "one", recordings, "bob")
    with pytest.raises(SurefootError, match=r"w is not empty: name a place with --objects"):
        Workspace(tmp_path / "two")
    monkeypatch.setenv("SUREFOOT_OBJECTS", f"{objects}2")
    Workspace(tmp_path / "three").close()
    with pytest.raises(SurefootError, match="holds the tracks and recordings of another workspace than"):
        Workspace(tmp_path / "one")
    monkeypatch.delenv("SUREFOOT_OBJECTS")
    with Workspace(tmp_path / "one") as workspace:
        assert workspace.counts()["runs"] == 2


def test_a_folder_that_keeps_its_own_is_not_left(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects asked for of a workspace in a folder are refused, with the way to move it there."""
    take_in(tmp_path, recordings, "bob")
    monkeypatch.setenv("SUREFOOT_OBJECTS", "s3://anywhere/w")
    with pytest.raises(SurefootError, match="surefoot restore` move them there"):
        Workspace(tmp_path, read_only=True)


def test_older_versions_would_not_be_forgotten(
    storage: Any,
    objects: ObjectPlace,
    recordings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bucket that keeps what is removed is refused for a new workspace, and named in forgetting."""
    take_in(tmp_path / "one", recordings, "bob")
    storage.make_bucket_versioned(objects.url.split("/")[2])
    forget = ("forget", "bob", "--yes", "--workspace", tmp_path / "one")
    assert "keeps older versions of its objects" in said(*forget, fails=True)
    monkeypatch.setenv("SUREFOOT_OBJECTS", f"{objects}2")
    with pytest.raises(SurefootError, match="keeps older versions of its objects, which forgetting cannot"):
        Workspace(tmp_path / "two")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("/srv/objects", "/srv/objects is no URL of object storage"),
        ("file:///srv/objects", "file:///srv/objects is no URL of object storage"),
        ("strange://x/y", r"strange://x/y cannot be read"),
        (
            "s3://no-such-bucket-here/w",
            r"s3://no-such-bucket-here/w cannot be reached .*not exist",
        ),
    ],
)
def test_a_place_that_cannot_be(
    storage: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, words: str
) -> None:
    """What is no object storage, or is not there, is said in one line before anything is made."""
    monkeypatch.setenv("SUREFOOT_OBJECTS", given)
    with pytest.raises(SurefootError, match=words):
        Workspace(tmp_path / "w")


def test_a_storage_that_is_away(
    objects: ObjectPlace, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables are read without it; a track is not, nor is anything written, in one line that says so."""
    take_in(tmp_path, recordings, "bob")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    monkeypatch.setattr("s3fs.S3FileSystem._cache", {})
    assert "2 runs" in said("status", "--workspace", tmp_path)
    with Workspace(tmp_path, read_only=True) as workspace:
        run_id = workspace.load_runs("bob")["run_id"][0]
        with pytest.raises(SurefootError, match=r"cannot be reached .*see that the object storage runs"):
            workspace.load_track(run_id)
    with pytest.raises(SurefootError, match=r"surefoot\.json cannot be reached"):
        Workspace(tmp_path)


def test_a_workspace_is_no_url() -> None:
    """A URL for a workspace is refused with the option that does what was meant."""
    assert "--objects keeps its tracks" in said("status", "--workspace", "s3://bucket/w", fails=True)
