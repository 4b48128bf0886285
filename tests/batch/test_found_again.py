"""Files that come back: readable at last, under another name, or without what stood beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import intake, worker, workflow
from pipeline.batch import Found, import_files
from pipeline.workflow import ANALYSIS_VERSION
from pipeline.workspace import Workspace
from tests.imports import HereEngine, take_in
from tests.made_runs import fit_file
from tests.test_exports import save, strava

pytestmark = pytest.mark.both_databases


def test_what_can_be_read_at_last_is_rejected_no_more(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    """A link whose file comes back is a run, or known, and its old row is gone; another one's stays."""
    for name in ("new", "known", "lost"):
        (folder / f"{name}.fit").symlink_to(tmp_path / name)
    take_in(workspace, folder)
    assert workspace.counts("ada")["rejected"] == 3
    (tmp_path / "new").write_bytes(fit_file(2))
    (tmp_path / "known").write_bytes(fit_file(0))
    done = take_in(workspace, folder)
    assert [(result.source_name, result.status) for result in done.results] == [
        ("new.fit", "run"),
        ("lost.fit", "rejected"),
    ]
    assert workspace.load_rejected("ada")["source_name"].to_list() == ["lost.fit"]
    assert workspace.counts("ada") == {"files": 5, "runs": 3, "duplicates": 1, "skipped": 0, "rejected": 1}


def test_a_folder_that_can_be_looked_into_at_last_is_rejected_no_more(
    workspace: Workspace, folder: Path
) -> None:
    """Once its rights allow it the files below it are read, and its own row is gone; another's stays."""
    for name in ("opened", "closed"):
        (folder / name).mkdir()
    closed = [Found(folder / name, name) for name in ("closed", "opened")]
    import_files(workspace, closed, "ada", HereEngine())
    assert workspace.load_rejected("ada")["source_name"].to_list() == ["closed", "opened"]
    (folder / "opened" / "below").mkdir()
    (folder / "opened" / "below" / "run.fit").write_bytes(fit_file(2))
    take_in(workspace, folder / "opened")
    assert workspace.load_rejected("ada")["source_name"].to_list() == ["closed"]
    assert workspace.counts("ada") == {"files": 2, "runs": 1, "duplicates": 0, "skipped": 0, "rejected": 1}


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_file_that_moved_is_no_duplicate(workspace: Workspace, tmp_path: Path, as_zip: bool) -> None:
    """A file or an archive in another place is one file, whatever it was called before."""
    place = save(strava("Run"), tmp_path, as_zip)
    take_in(workspace, place)
    before = workspace.counts("ada")
    place.rename(tmp_path / "elsewhere")
    take_in(workspace, tmp_path / "elsewhere")
    assert workspace.counts("ada") == before


def test_a_copy_that_was_deleted_is_no_duplicate(workspace: Workspace, folder: Path) -> None:
    """Of two copies one is deleted: one file; when the other goes as well the run stays a file."""
    shutil.copy(folder / "0.fit", folder / "copy.fit")
    take_in(workspace, folder)
    assert workspace.counts("ada")["duplicates"] == 1
    (folder / "copy.fit").unlink()
    take_in(workspace, folder)
    assert workspace.counts("ada") == {"files": 2, "runs": 2, "duplicates": 0, "skipped": 0, "rejected": 0}
    (folder / "0.fit").unlink()
    take_in(workspace, folder)
    assert workspace.counts("ada")["files"] == 2


@pytest.mark.parametrize("lose_originals", [False, True])
def test_sport_and_name_of_the_list_outlive_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lose_originals: bool
) -> None:
    """Analysed anew without activities.csv, from what was kept or its place, a run keeps sport and name."""
    place = save(strava("Run"), tmp_path, as_zip=False)
    take_in(workspace, place)
    before = workspace.load_runs("ada")
    assert before["title"].sort().to_list() == ["a", "b"]
    (place / "activities.csv").unlink()
    if lose_originals:
        shutil.rmtree(workspace.path / "originals")
    for module in (worker, intake, workflow):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)
    assert take_in(workspace).updated == 2
    after = workspace.load_runs("ada")
    assert after.drop("analysis_version").equals(before.drop("analysis_version"))
