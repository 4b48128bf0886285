"""Many athletes at once: each folder is one's, and what one costs is no other's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import batch, cli
from pipeline.batch import find_files, find_folders, import_files, import_folders
from pipeline.engine import LocalEngine
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file, no_cadence_file

WITHOUT_PANDAS = """
import sys
from pathlib import Path
from pipeline.batch import find_folders, import_folders
from pipeline.workspace import Workspace
from tests.imports import HereEngine

with Workspace(Path(sys.argv[1], "w")) as workspace:
    found = find_folders([Path(sys.argv[1], "club")], workspace.path)
    done = dict(import_folders(workspace, found, HereEngine()))
    assert workspace.counts("ada")["runs"] == 2, done
assert "pandas" not in sys.modules, "pandas was imported"
"""


@pytest.fixture
def club(tmp_path: Path) -> Path:
    """A folder of three athletes: two with runs, in folders of folders, one with junk."""
    for name, content in {
        "ada/2026/0.fit": fit_file(0),
        "ada/2026/1.fit": fit_file(1),
        "bob/2.fit": fit_file(2),
        "bob/silent.fit": no_cadence_file(3),
        "cy/notes.txt": b"hello",
        ".trash/4.fit": fit_file(4),
    }.items():
        place = tmp_path / "club" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return tmp_path / "club"


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    """Two workers for the whole module."""
    engine = LocalEngine(2)
    yield engine
    engine.close()


def test_folders_name_their_athletes(club: Path, tmp_path: Path) -> None:
    """Each folder is an athlete's with all that is below it; hidden ones are none."""
    found = find_folders([club], tmp_path / "w").items()
    assert {name: [file.source_name for file in files] for name, files in found} == {
        "ada": ["2026/0.fit", "2026/1.fit"],
        "bob": ["2.fit", "silent.fit"],
        "cy": ["notes.txt"],
    }


def test_a_file_beside_the_folders_is_nobodys(club: Path, tmp_path: Path) -> None:
    """A recording that lies in no athlete's folder is named, before anything is read."""
    (club / "late.fit").write_bytes(fit_file(0))
    with pytest.raises(SurefootError, match=r"late\.fit lies in .* beside the folders of athletes"):
        find_folders([club], tmp_path / "w")


def test_all_together_is_each_alone(club: Path, tmp_path: Path, engine: LocalEngine) -> None:
    """Two workers over all folders give each athlete the tables of an import of that folder alone."""
    with Workspace(tmp_path / "together") as together, Workspace(tmp_path / "alone") as alone:
        done = dict(import_folders(together, find_folders([club], together.path), engine))
        for name in ("ada", "bob", "cy"):
            import_files(alone, find_files([club / name], alone.path), name, HereEngine())
            assert together.counts(name) == alone.counts(name)
            for table in ("runs", "segments", "stability", "effects", "rejected"):
                assert getattr(together, f"load_{table}")(name).equals(getattr(alone, f"load_{table}")(name))
        assert [len(imported.results) for imported in done.values()] == [2, 2, 1]
        again = dict(import_folders(together, find_folders([club], together.path), engine))
        assert [(imported.known, imported.results) for imported in again.values()] == [
            (2, ()),
            (2, ()),
            (1, ()),
        ]


def test_groups_leave_nobody_out(club: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many athletes a group has, everyone comes once, in the order of the folders."""
    monkeypatch.setattr(batch, "GROUP_ATHLETES", 2)
    with Workspace(tmp_path / "w") as workspace:
        done = list(import_folders(workspace, find_folders([club], workspace.path), HereEngine()))
        assert [name for name, _ in done] == workspace.athletes() == ["ada", "bob", "cy"]


def test_one_whose_runs_cannot_be_compared(
    club: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: LocalEngine
) -> None:
    """Where one athlete's answer fails the others have theirs, and the next call mends it."""
    with Workspace(tmp_path / "w") as workspace:
        with monkeypatch.context() as patched:
            patched.setattr("pipeline.refresh.analyse_seasons", fail_for_ada)
            with pytest.raises(SurefootError, match="the runs of ada could not be compared"):
                list(import_folders(workspace, find_folders([club], workspace.path), engine))
        assert workspace.load_effects("ada").is_empty()
        assert len(workspace.load_effects("bob")) == 5
        list(import_folders(workspace, find_folders([club], workspace.path), engine))
        assert len(workspace.load_effects("ada")) == 5


def fail_for_ada(seasons: list[object]) -> object:
    """In a worker: an unforeseen mistake with ada's season."""
    from pipeline.refresh import analyse_seasons

    if seasons[0].athlete_id == "ada":  # type: ignore[attr-defined]
        raise ZeroDivisionError("no seconds")
    return analyse_seasons(seasons)  # type: ignore[arg-type]


def test_the_command_says_whose(club: Path, tmp_path: Path) -> None:
    """`--by-folder` prints each athlete's counts under the athlete's name."""
    call = ["analyse", str(club), "--by-folder", "--workspace", str(tmp_path / "w"), "--workers", "1"]
    said = CliRunner().invoke(cli.main, call).output.splitlines()
    assert [said[said.index(f"{name}:") + 1].split(",")[0] for name in ("ada", "bob", "cy")] == [
        "2 files: 2 new runs",
        "2 files: 2 new runs",
        "1 file: 0 new runs",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say whose: one athlete with --athlete ID, or those that the folders name with --by-folder"),
        (["--athlete", "ada", "--by-folder"], "say whose"),
        (["--by-folder"], "--by-folder needs a folder whose folders are the athletes'"),
        (["--athlete", "ada", "--engine", "dask"], "a cluster takes both"),
        (["--athlete", "ada", "--scheduler", "tcp://host:8786"], "a cluster takes both"),
        (
            ["--athlete", "a", "--engine", "dask", "--scheduler", "tcp://h:1", "--workers", "2"],
            "--workers is for this machine's cores",
        ),
    ],
)
def test_calls_that_do_not_go_together(tmp_path: Path, options: list[str], said: str) -> None:
    """Options that contradict each other end with 2 and one line, and no workspace is made."""
    result = CliRunner().invoke(cli.main, ["analyse", *options, "--workspace", str(tmp_path / "w")])
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "w").exists()


def test_an_import_does_without_pandas(club: Path) -> None:
    """What a worker and the driver do loads no pandas: it would cost either a third of a second and 35 MB."""
    words = [sys.executable, "-c", WITHOUT_PANDAS, str(club.parent)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
