"""Which folders are workspaces, who may open them, and what forgetting leaves."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace_builders import answer_of, file_result, run_result, run_row, segments, sha

from pipeline.errors import SurefootError
from pipeline.results import Origin
from pipeline.tables import BalanceSessions, Dose, Effects, Residuals, Runs, Stability
from pipeline.workspace import Seen, Workspace

pytestmark = pytest.mark.both_databases
NOBODY = 65534


def refuses(path: Path, words: str, *, read_only: bool = False) -> None:
    """Opening `path` fails with one line that has these words."""
    with pytest.raises(SurefootError) as caught:
        Workspace(path, read_only=read_only)
    assert re.search(words, str(caught.value))
    assert "\n" not in str(caught.value)


def one_run(path: Path) -> None:
    """A workspace with one run."""
    with Workspace(path) as workspace:
        pack = workspace.save_pack("ada", [run_result(1)])
        workspace.commit("ada", pack, [file_result(run_result(1))])


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A workspace with one run in a folder nobody may write, seen as somebody who is not root."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "workspace"
        one_run(path)
        files = [path, *path.rglob("*")]
        for file in files:
            file.chmod(0o555 if file.is_dir() else 0o444)
        Path(place).chmod(0o755)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(NOBODY)
        try:
            yield path
        finally:
            if was_root:
                os.seteuid(0)
            for file in files:
                file.chmod(0o700)


def test_new_workspace_is_private(tmp_path: Path) -> None:
    """A new workspace is readable by its owner alone and asks git to look away."""
    Workspace(tmp_path / "a" / "b").close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert (tmp_path / "a" / "b" / ".gitignore").read_text() == "*\n"


def test_empty_folder_becomes_a_workspace(tmp_path: Path) -> None:
    """An empty folder may be named as the workspace."""
    with Workspace(tmp_path) as workspace:
        assert workspace.athletes() == []
        assert workspace.load_runs().is_empty()


@pytest.mark.sqlite_alone
def test_other_folder_is_refused(tmp_path: Path) -> None:
    """A folder that holds something else is not taken over, and nothing is put there."""
    (tmp_path / "holiday.jpg").touch()
    refuses(tmp_path, "is not a workspace and holds other files: choose an empty")
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_folder_in_the_making_is_taken(tmp_path: Path) -> None:
    """What another process is about to write, or left when it was killed as it did, is no other file."""
    (tmp_path / "catalogue.url.1.tmp").touch()
    with Workspace(tmp_path) as workspace:
        assert workspace.athletes() == []


@pytest.mark.sqlite_alone
def test_file_is_refused(tmp_path: Path) -> None:
    """A file in the place of the folder is said to be one."""
    file = tmp_path / "run.fit"
    file.touch()
    refuses(file, "is a file, not a workspace")
    refuses(file, "is a file, not a workspace", read_only=True)
    refuses(file / "below", "cannot be written")
    refuses(file / "below", "cannot be read|no workspace", read_only=True)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("content", [b"", b"this is not a database, whatever its name says" * 99])
def test_something_else_under_our_name(tmp_path: Path, content: bytes) -> None:
    """An empty catalogue is one whose making was cut short; a catalogue of other bytes is refused."""
    (tmp_path / "catalogue.sqlite").write_bytes(content)
    refuses(tmp_path, "not a database" if content else "no workspace", read_only=True)
    if content:
        refuses(tmp_path, "not a database")
    else:
        Workspace(tmp_path).close()


def test_missing_workspace_is_not_made_by_reading(tmp_path: Path) -> None:
    """Reading makes nothing: a missing workspace is said to be missing."""
    refuses(tmp_path / "none", "there is no workspace at .*: `surefoot analyse` makes one", read_only=True)
    refuses(tmp_path, "there is no workspace", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "made by a newer Surefoot .*: update"),
        ("UPDATE alembic_version SET version_num = '0000'", "never was released: analyse"),
        ("DELETE FROM alembic_version", "never was released: analyse"),
        ("DROP TABLE alembic_version", "never was released: analyse"),
    ],
)
def test_unknown_revisions_are_refused(tmp_path: Path, statement: str, words: str) -> None:
    """A workspace of a revision not known here is refused in one line, to read as well, and left as it is."""
    with Workspace(tmp_path) as workspace:
        with workspace._engine.begin() as connection:
            connection.exec_driver_sql(statement)
        before = workspace.state()
        refuses(tmp_path, words)
        refuses(tmp_path, words, read_only=True)
        assert workspace.state() == before


def test_locked_folder_can_be_read(locked_folder: Path) -> None:
    """A workspace on a medium that cannot be written can be read, and says so when it is to be written."""
    with Workspace(locked_folder, read_only=True) as workspace:
        assert workspace.load_runs().height == 1
        assert workspace.load_track(run_row(1)["run_id"]).height == 120
    refuses(locked_folder, r"cannot be written \(Permission denied\)")
    refuses(locked_folder / "new", r"cannot be written \(Permission denied\)")


def test_unreadable_workspace(locked_folder: Path) -> None:
    """A workspace of somebody else is said to be unreadable."""
    os.seteuid(os.getuid())
    locked_folder.chmod(0o000)
    if os.getuid() == 0:
        os.seteuid(NOBODY)
    refuses(locked_folder, "cannot be read", read_only=True)


def test_read_only_writes_nothing(tmp_path: Path) -> None:
    """A workspace opened for reading refuses every change."""
    one_run(tmp_path)
    with Workspace(tmp_path, read_only=True) as workspace:
        for change in (
            lambda: workspace.commit("ada", None, []),
            lambda: workspace.forget("ada"),
            lambda: workspace.save_balance_sessions("ada", BalanceSessions.create_empty()),
        ):
            with pytest.raises(SurefootError, match="open for reading only"):
                change()
        assert workspace.load_runs().height == 1


@pytest.mark.sqlite_alone
def test_made_by_two_at_once(tmp_path: Path) -> None:
    """Two processes that make the same workspace at once both get it."""
    program = "import sys; from pathlib import Path; from pipeline.workspace import Seen, Workspace as W\n"
    program += "print(W(Path(sys.argv[1])).counts()['files'])"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "w")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0] for process in both] == ["0\n", "0\n"]


@pytest.mark.sqlite_alone
def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """An original is kept once, and its compressed bytes depend on its content alone."""
    files = []
    for name in ("a", "b"):
        with Workspace(tmp_path / name) as workspace:
            for _ in range(2):
                workspace.keep_original(sha(1), b"<gpx/>" * 99)
        [file] = (tmp_path / name / "originals").rglob("*.gz")
        files.append(file.read_bytes())
    assert files[0] == files[1]


def fill(workspace: Workspace, athlete_id: str, numbers: tuple[int, ...]) -> None:
    """Everything a workspace may hold of an athlete."""
    runs = [run_result(number, athlete_id) for number in numbers]
    pack = workspace.save_pack(athlete_id, runs)
    for number in numbers:
        workspace.keep_original(sha(number), f"{number} of {athlete_id if number else 'both'}".encode())
    seen = [Seen(f"/home/{athlete_id}/{number}.fit", 1, 1, sha(number)) for number in numbers]
    workspace.commit(athlete_id, pack, [file_result(run) for run in runs], seen)
    log = BalanceSessions.sample(50, overrides={"note": [f"felt like {athlete_id}"] * 50})
    workspace.save_balance_sessions(athlete_id, log)
    runs_now = workspace.load_runs(athlete_id)
    workspace.save_athlete(
        athlete_id,
        runs=Runs.cast(runs_now),
        segments=segments(numbers[0], [(i, i + 1) for i in range(50)]),
        stability=Stability.sample(50, overrides={"run_id": [runs_now["run_id"][0]] * 50}),
        answer=answer_of(
            dose=Dose.sample(50, overrides={"athlete_id": [athlete_id] * 50}),
            effects=Effects.sample(
                2, overrides={"athlete_id": [athlete_id] * 2, "sentence": [f"{athlete_id} is steadier"] * 2}
            ),
            residuals=Residuals.sample(
                1, overrides={"athlete_id": [athlete_id], "run_id": [runs_now["run_id"][0]]}
            ),
        ),
        origins=dict.fromkeys(runs_now["run_id"], Origin("", "", "")),
    )


def test_forget_leaves_nothing(tmp_path: Path) -> None:
    """After forgetting an athlete no file holds the id or a byte of the originals; others lose nothing."""
    with Workspace(tmp_path) as workspace:
        fill(workspace, "ada-lovelace-1815", (0, 1, 2))
        fill(workspace, "bob", (0, 3))
        before = {name: getattr(workspace, f"load_{name}")("bob") for name in LOADS}
        workspace.forget("ada-lovelace-1815")
        for file in tmp_path.rglob("*"):
            assert "ada-lovelace-1815" not in str(file.relative_to(tmp_path))
            assert file.is_dir() or b"ada-lovelace-1815" not in file.read_bytes()
        assert workspace.athletes() == ["bob"]
        assert workspace.counts("ada-lovelace-1815")["files"] == 0
        for name, frame in before.items():
            assert getattr(workspace, f"load_{name}")("bob").equals(frame)
        assert workspace.load_original(sha(0)) == b"0 of both"
        for number in (1, 2):
            with pytest.raises(SurefootError):
                workspace.load_original(sha(number))
        assert len([file for file in tmp_path.glob("packs/*/*/*") if file.is_file()]) == 2


LOADS = ("runs", "segments", "stability", "balance_sessions", "dose", "effects", "residuals", "files", "grid")


def test_forget_beside_a_reader(tmp_path: Path) -> None:
    """While another process holds on to what it reads, forgetting says that traces remain; later none do."""
    with Workspace(tmp_path) as workspace:
        fill(workspace, "ada-lovelace-1815", (1,))
        with Workspace(tmp_path, read_only=True) as other, other._reading() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 1
            with pytest.raises(SurefootError, match=r"traces remain .*: close the dashboard[^\n]*$"):
                workspace.forget("ada-lovelace-1815")
        assert workspace.athletes() == []
        workspace.forget("ada-lovelace-1815")
        for file in tmp_path.glob("catalogue*"):
            assert b"ada-lovelace-1815" not in file.read_bytes()


def test_forget_a_stranger(tmp_path: Path) -> None:
    """Forgetting somebody who was never there changes nothing."""
    one_run(tmp_path)
    with Workspace(tmp_path) as workspace:
        workspace.keep_original(sha(1), b"kept")
        workspace.forget("nobody")
        assert workspace.load_runs().height == 1
        assert workspace.load_original(sha(1)) == b"kept"


@pytest.mark.parametrize("athlete_id", ["../../etc", "Zoë / Ω", "a" * 300, "", "'; DROP TABLE runs; --", "."])
def test_any_athlete_id(tmp_path: Path, athlete_id: str) -> None:
    """An athlete may be called anything: nothing is written outside the workspace, all comes back."""
    path = tmp_path / "workspace"
    with Workspace(path) as workspace:
        pack = workspace.save_pack(athlete_id, [run_result(1, athlete_id)])
        workspace.commit(athlete_id, pack, [file_result(run_result(1, athlete_id))])
        assert workspace.load_runs(athlete_id)["athlete_id"].to_list() == [athlete_id]
        assert workspace.load_grid(athlete_id).height == 60
    assert [file.name for file in tmp_path.iterdir()] == ["workspace"]
