"""Athletes of a roster who agree to it learn places together, and only they."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.batch import find_files, import_files
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file

ROSTER = {"ada": (0, 1), "bob": (2, 3), "eve": (4,)}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Three runners of the same loop: two of two passes, too few to share among themselves, one of one."""
    with Workspace(tmp_path / "workspace") as opened:
        for athlete_id, numbers in ROSTER.items():
            take_in(opened, athlete_id, *numbers)
        yield opened


def take_in(workspace: Workspace, athlete_id: str, *numbers: int) -> None:
    """Import runs over the loop."""
    files = [workspace.path.parent / f"{number}.fit" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        file.write_bytes(fit_file(number))
    import_files(workspace, find_files(files, workspace.path), athlete_id, HereEngine())


def passes(workspace: Workspace, athlete_id: str) -> int:
    """The most passes that a label of the athlete rests on."""
    return int(workspace.load_segments(athlete_id)["passes"].to_numpy().max())


def share(workspace: Workspace, athlete_id: str, value: int) -> None:
    """Agree to learn places together, or no longer."""
    words = ["settings", f"share_places={value}", "--athlete", athlete_id, "--workspace", str(workspace.path)]
    assert CliRunner().invoke(cli.main, words).exit_code == 0


def test_who_agrees_learns_from_who_agrees(workspace: Workspace) -> None:
    """One alone shares nothing; two who agree rest on four passes each; the third stays alone."""
    assert [passes(workspace, athlete_id) for athlete_id in ROSTER] == [1, 1, 1]
    share(workspace, "ada", 1)
    assert [passes(workspace, athlete_id) for athlete_id in ROSTER] == [1, 1, 1]
    share(workspace, "bob", 1)
    assert [passes(workspace, athlete_id) for athlete_id in ROSTER] == [4, 4, 1]


def test_who_no_longer_agrees_takes_its_passes_away(workspace: Workspace) -> None:
    """Taken back, both are labelled as each was alone, to the last figure."""
    before = workspace.load_segments().to_dicts(), workspace.load_stability().to_dicts()
    share(workspace, "ada", 1)
    share(workspace, "bob", 1)
    share(workspace, "bob", 0)
    assert (workspace.load_segments().to_dicts(), workspace.load_stability().to_dicts()) == before


def test_a_new_run_of_one_is_a_pass_for_all(workspace: Workspace) -> None:
    """Ada's third run is the fifth pass for Bob as well, without a file of his being given."""
    share(workspace, "ada", 1)
    share(workspace, "bob", 1)
    take_in(workspace, "ada", 5)
    assert (passes(workspace, "ada"), passes(workspace, "bob")) == (5, 5)


def test_forgetting_takes_the_share_of_the_places(workspace: Workspace) -> None:
    """Once Ada is forgotten, Bob's labels rest on his own passes again."""
    before = workspace.load_segments("bob").to_dicts()
    share(workspace, "ada", 1)
    share(workspace, "bob", 1)
    words = ["forget", "ada", "--yes", "--workspace", str(workspace.path)]
    assert CliRunner().invoke(cli.main, words).exit_code == 0
    assert workspace.load_segments("bob").to_dicts() == before
