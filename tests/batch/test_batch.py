"""Many files into a workspace: each counted once, and never able to stop the rest."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import batch
from pipeline.batch import BATCH_BYTES, BATCH_FILES, Item, Progress, find_files, import_files
from pipeline.engine import LocalEngine
from pipeline.errors import SurefootError
from pipeline.worker import analyse_batch
from pipeline.workflow import PENDING
from pipeline.workspace import Workspace
from pipeline.workspace.folder import ORIGINALS
from pipeline.workspace.packs import PackReader
from tests.imports import HereEngine, LosingEngine, take_in, total, zipped
from tests.made_runs import fit_file, gpx_file, no_cadence_file, tcx_file

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize("first", ["fit", "gpx", "tcx"])
def test_the_same_run_in_three_formats(workspace: Workspace, tmp_path: Path, first: str) -> None:
    """Of one run as FIT, GPX and TCX the FIT is kept, whichever came first; sizes stay as they are."""
    contents = {"fit": fit_file(0), "gpx": gpx_file(0), "tcx": tcx_file(0)}
    for suffix, content in contents.items():
        (tmp_path / f"run.{suffix}").write_bytes(content)
    take_in(workspace, tmp_path / f"run.{first}")
    take_in(workspace, *(tmp_path / f"run.{suffix}" for suffix in contents))
    files = {row["source_name"]: row for row in workspace.load_files("ada").iter_rows(named=True)}
    kept = {name for name, row in files.items() if row["status"] == "run"}
    assert len(kept) == 1
    assert kept <= {"run.fit", "run.tcx"}
    assert {row["status"] for name, row in files.items() if name not in kept} == {"duplicate"}
    for suffix, content in contents.items():
        assert files[f"run.{suffix}"]["size_bytes"] == len(content)
        if f"run.{suffix}" not in kept:
            reason = files[f"run.{suffix}"]["reason"]
            assert reason == f"the same run as {kept.copy().pop()}, which has the better recording"
    assert workspace.counts("ada") == {"files": 3, "runs": 1, "duplicates": 2, "skipped": 0, "rejected": 0}
    assert take_in(workspace, *(tmp_path / f"run.{suffix}" for suffix in contents)).known == 3


def test_what_is_rejected_is_stored_with_its_reason(workspace: Workspace, tmp_path: Path) -> None:
    """A workspace that has seen nothing but junk knows each file, why, and what would do."""
    (tmp_path / "notes.fit").write_text("hello")
    done = take_in(workspace, tmp_path / "notes.fit")
    assert done.results[0].status == "rejected"
    row = workspace.load_rejected("ada").row(0, named=True)
    assert row["reason"] == done.results[0].reason == "it is neither FIT nor GPX nor TCX"
    assert row["advice"]
    assert workspace.load_files("ada")["size_bytes"].to_list() == [5]


def test_what_a_worker_dies_of_is_rejected(workspace: Workspace, folder: Path) -> None:
    """A file that ends its process is stored as rejected with its size, and the next one goes on."""
    done = import_files(workspace, find_files([folder], workspace.path), "ada", LosingEngine())
    assert [result.status for result in done.results] == ["rejected", "rejected"]
    assert set(workspace.load_rejected("ada")["reason"]) == {"the process that worked on it died (SIGSEGV)"}
    assert set(workspace.load_files("ada")["size_bytes"]) == {len(fit_file(0)), len(fit_file(1))}
    assert take_in(workspace, folder).known == 2


def test_runs_at_hand_are_compared_as_from_their_packs(
    workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few files are compared without a look into their packs; read from there they give the same."""

    def refuse(self: PackReader, *args: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(PackReader, "read", refuse)
        take_in(workspace, folder)
    monkeypatch.setattr(batch, "HANDED_OVER", 1)
    with Workspace(tmp_path / "another") as another:
        take_in(another, folder)
        assert another.load_origins("ada") == workspace.load_origins("ada") != {}
        assert another.load_segments("ada").rows() == workspace.load_segments("ada").rows() != []
        assert another.load_stability("ada").rows() == workspace.load_stability("ada").rows() != []


def test_a_stop_before_the_comparison_is_repaired(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped when runs are stored and not compared yet, the next call finishes without reading."""

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    found = find_files([folder], workspace.path)
    with monkeypatch.context() as patched:
        patched.setattr(batch, "refresh_athlete", stop)
        with pytest.raises(KeyboardInterrupt):
            import_files(workspace, found, "ada", HereEngine())
    assert set(workspace.load_runs("ada")["counts_reason"]) == {PENDING}
    assert workspace.load_effects("ada").is_empty()
    done = take_in(workspace, folder)
    assert (done.known, done.results) == (2, ())
    assert len(workspace.load_effects("ada")) == 5


def test_an_answer_of_an_older_method_is_given_anew(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older Surefoot answered is answered by this one's method at the next import."""
    monkeypatch.setattr("pipeline.effect.METHOD", "older")
    monkeypatch.setattr(batch, "METHOD", "older")
    take_in(workspace, folder)
    assert set(workspace.load_effects("ada")["method"]) == {"older"}
    monkeypatch.undo()
    take_in(workspace, folder)
    assert "older" not in workspace.load_effects("ada")["method"]


def test_a_stop_in_the_middle_goes_on_from_there(
    workspace: Workspace, folder: Path, names_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the first of two batches, the next call reads the second only."""
    monkeypatch.setattr(batch, "BATCH_FILES", 1)

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    found = find_files([folder], workspace.path)
    with pytest.raises(KeyboardInterrupt):
        import_files(workspace, found, "ada", HereEngine(), watch=stop)
    assert names_read == ["0.fit"]
    done = take_in(workspace, folder)
    assert (done.known, len(done.results)) == (1, 1)
    assert names_read == ["0.fit", "1.fit"]


def test_two_athletes_do_not_mix(workspace: Workspace, folder: Path) -> None:
    """The same file given for two people is a run of each."""
    take_in(workspace, folder)
    import_files(workspace, find_files([folder], workspace.path), "bea", HereEngine())
    assert workspace.counts("ada") == workspace.counts("bea")
    assert len(workspace.load_runs()) == 4


def test_progress_ends_where_it_should(workspace: Workspace, tmp_path: Path) -> None:
    """Files done never pass files known, archives included, and set-aside ones are told."""
    (tmp_path / "all.zip").write_bytes(zipped(a__fit=fit_file(0), b__fit=fit_file(1), c__txt=b"x"))
    (tmp_path / "d.txt").write_text("y")
    said: list[tuple[str, int, int, int]] = []
    found = find_files([tmp_path / "all.zip", tmp_path / "d.txt"], workspace.path)
    import_files(
        workspace,
        found,
        "ada",
        HereEngine(),
        watch=lambda p: said.append((p.doing, p.files, p.done, p.set_aside)),
    )
    assert all(done <= files for _, files, done, _ in said)
    assert [last for last in said if last[0] == "reading"][-1] == ("reading", 4, 4, 2)
    assert said[-1] == ("comparing the runs", 2, 2, 2)


@pytest.mark.sqlite_alone
def test_local_processes_give_the_same(workspace: Workspace, tmp_path: Path) -> None:
    """Two worker processes give the tables that one process gives, a bad file among the good ones."""
    (tmp_path / "runs").mkdir()
    for number in range(3):
        (tmp_path / "runs" / f"{number}.fit").write_bytes(fit_file(number))
    (tmp_path / "runs" / "silent.fit").write_bytes(no_cadence_file(3))
    (tmp_path / "runs" / "notes.txt").write_text("hello")
    take_in(workspace, tmp_path / "runs")
    engine = LocalEngine(2)
    with Workspace(tmp_path / "other") as other:
        import_files(other, find_files([tmp_path / "runs"], other.path), "ada", engine)
        engine.close()
        assert other.load_runs("ada").equals(workspace.load_runs("ada"))
        assert other.load_segments("ada").equals(workspace.load_segments("ada"))
        assert other.load_stability("ada").equals(workspace.load_stability("ada"))
        assert other.load_effects("ada").equals(workspace.load_effects("ada"))
        assert other.counts("ada") == workspace.counts("ada")


@pytest.mark.sqlite_alone
def test_an_original_that_cannot_be_kept_ends_its_batch(tmp_path: Path) -> None:
    """A worker does not say that a batch is done whose originals the disk did not take."""
    content = fit_file(0)
    item = Item("ada", "run.fit", hashlib.sha256(content).hexdigest(), content)
    (done,) = analyse_batch(tmp_path / "kept", True, {}, False, [item]).results
    assert done.status == "run"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ORIGINALS).write_text("something else lies here")
    with pytest.raises(SurefootError, match=r"\.gz could not be written"):
        analyse_batch(tmp_path / "full", True, {}, False, [item])


@pytest.mark.sqlite_alone
@given(sizes=st.lists(st.integers(0, 3 * BATCH_BYTES // 2), max_size=60))
@settings(deadline=None)
def test_batches_are_bounded(sizes: list[int]) -> None:
    """Batches keep order, lose nothing, and hold 8 files and 8 MB at most, a larger file alone."""

    class Sized(bytes):
        def __len__(self) -> int:
            return int(self[:8].hex(), 16)

    items = [Item("ada", str(n), str(n), Sized(size.to_bytes(8, "big"))) for n, size in enumerate(sizes)]
    made = list(batch._batches(items))
    assert [item for part in made for item in part] == items
    for part in made:
        assert 1 <= len(part) <= BATCH_FILES
        assert len(part) == 1 or sum(len(item.content) for item in part) <= BATCH_BYTES


@pytest.mark.sqlite_alone
@given(
    files=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(["junk", "empty", "other", "zip"])
        ),
        unique_by=lambda file: file[0],
        max_size=5,
    )
)
@settings(max_examples=20, deadline=None)
def test_counts_add_up(tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, str]]) -> None:
    """Whatever lies in a folder, what is said of it sums up to its files, the first time and the next."""
    contents = {
        "junk": b"junk",
        "empty": b"",
        "other": b"other",
        "zip": zipped(x__txt=b"junk", y__txt=b"y", z__gz=gzip.compress(b"cut")[:-9]),
    }
    place = tmp_path_factory.mktemp("files")
    for name, kind in files:
        (place / name).write_bytes(contents[kind])
    expected = sum(3 if kind == "zip" else 1 for _, kind in files)
    with Workspace(place / "workspace") as workspace:
        assert total(take_in(workspace, place)) == expected
        assert workspace.counts("ada")["files"] == expected
        again = take_in(workspace, place)
        assert (again.known, again.results, again.copies) == (expected, (), 0)
        assert workspace.counts("ada")["files"] == expected
