"""What is to be read: each file found once, known again, and opened where it is an archive."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipeline import batch, intake, worker, workflow
from pipeline.batch import Progress, find_files, import_files
from pipeline.errors import SurefootError
from pipeline.workflow import ANALYSIS_VERSION
from pipeline.workspace import Workspace
from tests.imports import HereEngine, take_in, total, zipped
from tests.made_runs import fit_file

pytestmark = pytest.mark.both_databases


@pytest.mark.sqlite_alone
def test_find_files_by_hand(tmp_path: Path) -> None:
    """Files below a folder come sorted by path and named from there; hidden ones are left out."""
    for name in ("b.fit", "a/c.gpx", ".hidden", ".git/x.fit"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_files([tmp_path], tmp_path / "workspace")
    assert [file.source_name for file in found] == ["a/c.gpx", "b.fit"]


@pytest.mark.sqlite_alone
def test_a_file_named_twice_is_found_once(folder: Path) -> None:
    """A folder and a file in it, given together, are no duplicates of each other."""
    found = find_files([folder / "0.fit", folder, folder], folder / "workspace")
    assert [file.source_name for file in found] == ["0.fit", "1.fit"]


@pytest.mark.sqlite_alone
def test_the_workspace_is_no_recording(tmp_path: Path, folder: Path) -> None:
    """Analysing a folder in which the workspace itself lies does not take its packs and originals in."""
    with Workspace(folder / "workspace") as inside:
        assert total(take_in(inside, folder)) == 2
        assert total(take_in(inside, folder)) == 2


@pytest.mark.sqlite_alone
def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """A missing path is an error in one line, before anything is made."""
    with pytest.raises(SurefootError, match="there is no file or folder"):
        find_files([tmp_path / "nowhere"], tmp_path / "workspace")


def test_runs_are_read_stored_and_answered(workspace: Workspace, folder: Path) -> None:
    """Two files become two runs with tracks, originals, segments and an answer."""
    done = take_in(workspace, folder)
    assert [result.status for result in done.results] == ["run", "run"]
    runs = workspace.load_runs("ada")
    assert runs["source_name"].to_list() == ["0.fit", "1.fit"]
    for run_id, sha in runs.select("run_id", "content_sha256").iter_rows():
        assert run_id == sha[:16]
        assert len(workspace.load_track(run_id)) > 1000
        assert workspace.load_original(sha) in (fit_file(0), fit_file(1))
    assert set(workspace.load_segments("ada")["run_id"]) == set(runs["run_id"])
    assert len(workspace.load_effects("ada")) == 5


@contextmanager
def ordinary() -> Iterator[None]:
    """With the rights of somebody who is not root."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


@pytest.mark.sqlite_alone
def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(workspace: Workspace) -> None:
    """Asked for, it is an error in one line; below what was asked for it is rejected by its name."""
    with TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "closed").mkdir(mode=0o000)
        with ordinary():
            with pytest.raises(SurefootError, match=r"the folder \S+/closed cannot be read"):
                find_files([place / "closed"], workspace.path)
            found = find_files([place], workspace.path)
        new = intake.NewItems(workspace, "ada", found, Progress())
        with ordinary():
            assert list(new) == []
    assert [(one.source_name, one.reason) for one in new.problems] == [
        ("closed", "it cannot be read (Permission denied)")
    ]


def test_originals_are_kept_only_if_asked(workspace: Workspace, folder: Path) -> None:
    """With `keep` off no copy of a recording stays."""
    import_files(workspace, find_files([folder], workspace.path), "ada", HereEngine(), keep=False)
    assert len(workspace.load_runs("ada")) == 2
    assert not list(workspace.path.glob("originals/**/*.gz"))


def test_known_files_are_not_read_again(
    workspace: Workspace, folder: Path, names_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second import of the same folder opens no file and decodes nothing."""
    take_in(workspace, folder)
    assert names_read == ["0.fit", "1.fit"]
    monkeypatch.setattr(Path, "open", lambda path, mode: pytest.fail(f"{path} was opened again"))
    done = take_in(workspace, folder)
    assert (done.known, done.results, done.copies) == (2, (), 0)
    assert names_read == ["0.fit", "1.fit"]


def test_a_touched_file_is_known_by_its_content(
    workspace: Workspace, folder: Path, names_read: list[str]
) -> None:
    """A new time stamp alone, as a copy or a sync gives it, makes no new run."""
    take_in(workspace, folder)
    os.utime(folder / "0.fit", (1, 1))
    done = take_in(workspace, folder)
    assert (done.known, done.results) == (2, ())
    assert len(names_read) == 2


def test_a_renamed_file_is_known(workspace: Workspace, folder: Path, names_read: list[str]) -> None:
    """A file under a new name is known, and keeps the name it was first given."""
    take_in(workspace, folder)
    (folder / "0.fit").rename(folder / "evening.fit")
    done = take_in(workspace, folder)
    assert (done.known, done.results) == (2, ())
    assert len(names_read) == 2
    assert workspace.load_runs("ada")["source_name"].to_list() == ["0.fit", "1.fit"]


def test_a_copy_is_a_duplicate(workspace: Workspace, folder: Path, names_read: list[str]) -> None:
    """The very same file twice is read once: one run and one duplicate, whenever the copy is made."""
    shutil.copy(folder / "0.fit", folder / "copy.fit")
    done = take_in(workspace, folder)
    assert (len(done.results), done.copies, done.known) == (2, 1, 0)
    shutil.copy(folder / "1.fit", folder / "later.fit")
    again = take_in(workspace, folder)
    assert (len(again.results), again.copies, again.known) == (0, 0, 4)
    assert workspace.counts("ada") == {"files": 4, "runs": 2, "duplicates": 2, "skipped": 0, "rejected": 0}
    assert len(names_read) == 2


def test_a_changed_file_is_read(workspace: Workspace, folder: Path) -> None:
    """A path with new content gives a new run; the one read before stays."""
    take_in(workspace, folder)
    (folder / "0.fit").write_bytes(fit_file(2))
    done = take_in(workspace, folder)
    assert [result.status for result in done.results] == ["run"]
    assert workspace.counts("ada")["runs"] == 3


def test_a_new_analysis_reads_again(
    workspace: Workspace, folder: Path, names_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change of the analysis every file is read again and replaces its earlier run."""
    take_in(workspace, folder)
    for module in (worker, intake, workflow):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)
    take_in(workspace, folder)
    assert names_read == ["0.fit", "1.fit"] * 2
    assert workspace.load_runs("ada")["analysis_version"].to_list() == [ANALYSIS_VERSION + 1] * 2
    assert workspace.counts("ada")["files"] == 2


def next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything analysed so far be of an older version."""
    for module in (worker, intake, workflow):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)


def test_a_new_analysis_needs_no_files(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept is analysed anew without its files, which may be gone; the result is the same."""
    take_in(workspace, folder)
    before = workspace.load_stability("ada"), workspace.load_effects("ada"), workspace.load_grid("ada")
    shutil.rmtree(folder)
    next_version(monkeypatch)
    done = take_in(workspace)
    assert (done.updated, done.left_old, done.results) == (2, 0, ())
    assert workspace.load_runs("ada")["analysis_version"].unique().to_list() == [ANALYSIS_VERSION + 1]
    after = workspace.load_stability("ada"), workspace.load_effects("ada"), workspace.load_grid("ada")
    assert all(old.equals(new) for old, new in zip(before, after, strict=True))
    assert len([file for file in workspace.path.glob("packs/*/*/*") if file.is_file()]) == 2
    assert take_in(workspace).updated == 0


def test_a_new_analysis_without_originals(
    workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not kept is read where it was, in an archive as well; a run that is gone stays as it is."""
    (tmp_path / "export.zip").write_bytes(zipped(a__fit=fit_file(2)))
    found = find_files([folder, tmp_path / "export.zip"], workspace.path)
    import_files(workspace, found, "ada", HereEngine(), keep=False)
    (folder / "0.fit").unlink()
    before = workspace.load_runs("ada").filter(source_name="0.fit")
    next_version(monkeypatch)
    done = take_in(workspace)
    assert (done.updated, done.left_old) == (2, 1)
    assert workspace.load_runs("ada").filter(source_name="0.fit").equals(before)
    assert workspace.counts("ada")["runs"] == 3
    assert [take_in(workspace).left_old, take_in(workspace).updated] == [1, 0]


def test_old_results_stay_until_new_ones_are_there(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a new version is at work every run has a track, and the old answer stands."""
    take_in(workspace, folder)
    effects = workspace.load_effects("ada")
    next_version(monkeypatch)
    monkeypatch.setattr(batch, "BATCH_FILES", 1)
    seen = []

    def look(progress: Progress) -> None:
        with Workspace(workspace.path, read_only=True) as reader:
            runs = reader.load_runs("ada")["run_id"].to_list()
            seen.append(len(list(reader.load_tracks(runs))))
            assert reader.load_effects("ada").equals(effects)

    import_files(workspace, [], "ada", HereEngine(), watch=look)
    assert seen == [2] * len(seen)
    assert len(seen) > 2


@pytest.mark.sqlite_alone
def test_an_archive_of_runs_and_junk(workspace: Workspace, tmp_path: Path) -> None:
    """A zip is as many files as it holds: two runs, one of them gzipped, and a text that is no recording."""
    content = zipped(a__fit=fit_file(0), b__fit__gz=gzip.compress(fit_file(1)), readme__txt=b"hello")
    (tmp_path / "export.zip").write_bytes(content)
    done = take_in(workspace, tmp_path / "export.zip")
    assert {result.source_name: result.status for result in done.results} == {
        "export.zip/a.fit": "run",
        "export.zip/b.fit": "run",
        "export.zip/readme.txt": "skipped",
    }
    assert workspace.counts("ada")["files"] == 3
    again = take_in(workspace, tmp_path / "export.zip")
    assert (again.known, again.results) == (3, ())


@pytest.mark.sqlite_alone
def test_a_gzipped_file_is_not_opened_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A season of .fit.gz files, as Strava exports them, is known by size and time like any other."""
    (tmp_path / "run.fit.gz").write_bytes(gzip.compress(fit_file(0)))
    take_in(workspace, tmp_path / "run.fit.gz")
    monkeypatch.setattr(Path, "open", lambda path, mode: pytest.fail(f"{path} was opened again"))
    assert take_in(workspace, tmp_path / "run.fit.gz").known == 1


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.zip", zipped(), "it is an archive without files"),
        ("cut.zip", zipped(a__fit=fit_file(0))[:5000], "the zip archive is cut off or damaged"),
        ("cut.fit.gz", gzip.compress(fit_file(0))[:5000], "the gzip archive is cut off or damaged"),
    ],
)
def test_a_bad_archive_is_rejected_once(
    workspace: Workspace, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """An archive that is empty or cut off is a rejected file with its reason, and known the next time."""
    (tmp_path / name).write_bytes(content)
    done = take_in(workspace, tmp_path / name)
    assert [(result.status, result.reason) for result in done.results] == [("rejected", reason)]
    assert take_in(workspace, tmp_path / name).known == 1
    assert workspace.counts("ada") == {"files": 1, "runs": 0, "duplicates": 0, "skipped": 0, "rejected": 1}


@pytest.mark.sqlite_alone
def test_two_bad_members_are_two_files(workspace: Workspace, tmp_path: Path) -> None:
    """Bad archives within an archive are counted one by one, of equal names as well."""
    cut = gzip.compress(fit_file(0))[:5000]
    (tmp_path / "x.zip").write_bytes(zipped(a__gz=cut, b__gz=cut, good__fit=fit_file(0)))
    done = take_in(workspace, tmp_path / "x.zip")
    assert sorted(result.status for result in done.results) == ["rejected", "rejected", "run"]
    assert workspace.counts("ada")["rejected"] == 2


@pytest.mark.sqlite_alone
def test_files_that_cannot_be_read(workspace: Workspace, tmp_path: Path) -> None:
    """Links to nowhere, of equal names in two folders, are two rejected files beside a good run."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lost.fit").symlink_to(tmp_path / f"nowhere {name}")
    (tmp_path / "one" / "run.fit").write_bytes(fit_file(0))
    done = take_in(workspace, tmp_path / "one", tmp_path / "two")
    assert sorted((result.source_name, result.status) for result in done.results) == [
        ("lost.fit", "rejected"), ("lost.fit", "rejected"), ("run.fit", "run"),
    ]  # fmt: skip
    assert set(workspace.load_rejected("ada")["reason"]) == {"it cannot be read (No such file or directory)"}
    assert workspace.counts("ada")["rejected"] == 2
