"""All data of an athlete: out of one workspace, into another, the same there, and nobody else's with it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.archive import load_archive, save_archive
from pipeline.batch import find_files, import_files, mark_stretch, refresh_answer
from pipeline.errors import SurefootError
from pipeline.export import export_table
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.tables import PUBLIC, Plans
from pipeline.workspace import Workspace, restore_backup, save_backup
from tests.imports import HereEngine
from tests.kept import kept_rows

pytestmark = pytest.mark.both_databases

SEASON = Path(__file__).parents[1] / "sample_data" / "season" / "steadied"
ADA, BOB = "ada-lovelace", "bob-the-other"
NEEDS_MORE_RUNS = ("channels", "repeats", "residuals", "normal_ranges")
"""Tables of which there is nothing after four runs without running dynamics."""


@pytest.fixture(scope="module")
def made(catalogue_in: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two athletes who ran together once, the archive of one, and where that was taken in."""
    folder = tmp_path_factory.mktemp("made")
    files = sorted((SEASON / "runs").iterdir())
    with Workspace(folder / "w") as workspace:
        for athlete, paths in ((ADA, files[:4]), (BOB, files[3:5])):
            (folder / "no-run.gpx").write_text(f"<gpx>{athlete}</gpx>")
            import_files(
                workspace, find_files([*paths, folder / "no-run.gpx"], folder / "w"), athlete, HereEngine()
            )
            content = (SEASON / "balance-log.csv").read_bytes() + f"2026-05-01,{athlete}s own,7\n".encode()
            log = parse_balance_log("log.csv", content, athlete)
            workspace.save_balance_sessions(athlete, log.sessions)
            workspace.name_drill(athlete, f"{athlete}s own", "single-leg stance")
            workspace.save_settings(athlete, {"grow_weeks": 5.0})
            workspace.save_groups(athlete, ["injured", f"{athlete}s group"])
            plan = {"athlete_id": athlete, "start": date(2027, 1, 4), "block_weeks": 4, "schedule": "10"}
            drawn = {"seed": 7, "drawn_at": datetime(2027, 1, 1, tzinfo=UTC)}
            workspace.save_plans(athlete, Plans.validate(pl.DataFrame([plan | drawn]), cast=True))
            workspace.set_cadence_rule(athlete, "a device", ["gpx"], "steps_per_minute")
            refresh_answer(workspace, athlete)
            mark_stretch(workspace, athlete, workspace.load_runs(athlete)["run_id"][0], 500, 900, "technical")
    save_archive(folder / "w", ADA, folder / "ada.zip")
    load_archive(folder / "ada.zip", folder / "taken")
    return folder


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    """The archive of Ada."""
    return shutil.copyfile(made / "ada.zip", tmp_path / "ada.zip")


def copy_workspace(source: Path, target: Path) -> None:
    """The same workspace once more, its catalogue in another database of the same kind."""
    save_backup(source, target.parent / "copied.zip")
    restore_backup(target.parent / "copied.zip", target)


def table(path: Path, name: str, place: Path) -> pl.DataFrame:
    """A public table of Ada as it is exported."""
    with Workspace(path, read_only=True) as workspace:
        export_table(workspace, name, "parquet", place / "table.parquet", ADA)
    return pl.read_parquet(place / "table.parquet")


@pytest.mark.parametrize("name", PUBLIC)
def test_every_table_comes_back_equal(made: Path, tmp_path: Path, name: str) -> None:
    """Each public table, the answer among them, is the same where the archive was taken in."""
    before, after = table(made / "w", name, tmp_path), table(made / "taken", name, tmp_path)
    assert before.equals(after)
    assert before.height > 0 or name in NEEDS_MORE_RUNS


def test_everything_else_comes_back_equal(made: Path, tmp_path: Path) -> None:
    """Settings, drill names, what was seen where, and the originals are the same, and the archive says so."""
    facts = load_archive(made / "ada.zip", tmp_path / "w")
    assert (facts["athlete"], facts["runs"], facts["originals"], facts["originals_missing"]) == (ADA, 4, 4, 0)
    before = kept_rows(made / "w", ADA)
    assert kept_rows(tmp_path / "w", ADA) == before
    assert all(
        before[t] for t in ("settings", "drill_names", "seen", "plans", "cadence_rules", "files", "dose")
    )
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        for file in sorted((SEASON / "runs").iterdir())[:4]:
            content = file.read_bytes()
            assert workspace.load_original(hashlib.sha256(content).hexdigest()) == content


def test_taken_in_beside_others(made: Path, tmp_path: Path) -> None:
    """In a workspace of another, who ran one of the runs too, the athlete comes to stand beside that one."""
    copy_workspace(made / "w", tmp_path / "w")
    with Workspace(tmp_path / "w") as workspace:
        workspace.forget(ADA)
    before = kept_rows(tmp_path / "w", BOB)
    load_archive(made / "ada.zip", tmp_path / "w")
    assert kept_rows(tmp_path / "w", ADA) == kept_rows(made / "w", ADA)
    assert kept_rows(tmp_path / "w", BOB) == before
    with Workspace(tmp_path / "w") as workspace:
        assert len(list(workspace.load_tracks(workspace.load_runs()["run_id"].unique().to_list()))) == 5
        assert not workspace.find_damaged_originals()


def test_a_later_import_knows_the_runs(made: Path, tmp_path: Path) -> None:
    """Where the archive was taken in, the same recordings are known, and a new one goes on from there."""
    load_archive(made / "ada.zip", tmp_path / "w")
    files = sorted((SEASON / "runs").iterdir())[:5]
    with Workspace(tmp_path / "w") as workspace:
        done = import_files(workspace, find_files(files, tmp_path / "w"), ADA, HereEngine())
        assert (done.known, len(done.results), done.updated) == (4, 1, 0)


def test_nothing_of_others_goes_along(made: Path) -> None:
    """No byte of the archive is another athlete's: no name, no recording, no row."""
    alone = sorted((SEASON / "runs").iterdir())[4]
    with zipfile.ZipFile(made / "ada.zip") as zipped:
        for name in zipped.namelist():
            content = zipped.read(name)
            assert BOB.encode() not in content
            assert alone.name.encode() not in content
        assert hashlib.sha256(alone.read_bytes()).hexdigest() not in str(zipped.namelist())


@pytest.mark.sqlite_alone
def test_others_can_read_it(made: Path, tmp_path: Path) -> None:
    """The tables are CSV and Parquet, the recordings gzip, named in the database: all without Surefoot."""
    with zipfile.ZipFile(made / "ada.zip") as zipped:
        zipped.extractall(tmp_path)
        listed = json.loads(zipped.read("manifest.json"))["files"]
    runs = pl.read_csv(tmp_path / "tables" / "runs.csv")
    assert runs["athlete_id"].to_list() == [ADA] * 4
    assert pl.read_parquet(tmp_path / "tables" / "track.parquet")["run_id"].n_unique() == 4
    assert {f"tables/{name}" for name in PUBLIC} == {
        n.split(".")[0] for n in listed if n.startswith("tables")
    }
    content = gzip.decompress((tmp_path / next(n for n in listed if "originals" in n)).read_bytes())
    assert hashlib.sha256(content).hexdigest() in runs["content_sha256"].to_list()
    for name, fact in listed.items():
        file = (tmp_path / name).read_bytes()
        assert (len(file), hashlib.sha256(file).hexdigest()) == (fact["size_bytes"], fact["sha256"])


def test_name_already_taken(made: Path, archive: Path, tmp_path: Path) -> None:
    """An athlete of that name is not touched unless asked; then the archive's stands in that one's place."""
    copy_workspace(made / "w", tmp_path / "w")
    with Workspace(tmp_path / "w") as workspace:
        workspace.save_settings(ADA, {"grow_weeks": 9.0})
        workspace.name_drill(ADA, "something since", "single-leg stance")
    changed, bob = kept_rows(tmp_path / "w", ADA), kept_rows(tmp_path / "w", BOB)
    with pytest.raises(SurefootError, match=r"already: --replace puts the archive's in that one's place$"):
        load_archive(archive, tmp_path / "w")
    assert kept_rows(tmp_path / "w", ADA) == changed
    load_archive(archive, tmp_path / "w", replace=True)
    assert kept_rows(tmp_path / "w", ADA) == kept_rows(made / "w", ADA)
    assert kept_rows(tmp_path / "w", BOB) == bob
    with Workspace(tmp_path / "w") as workspace:
        assert len(list(workspace.load_tracks(workspace.load_runs()["run_id"].unique().to_list()))) == 5


def test_replaced_by_an_older_one(made: Path, archive: Path, tmp_path: Path) -> None:
    """What replaces an athlete leaves nothing of what was there: no pack, no recording of that one alone."""
    last = sorted((SEASON / "runs").iterdir())[5]
    with Workspace(tmp_path / "w") as workspace:
        import_files(workspace, find_files([last], tmp_path / "w"), ADA, HereEngine())
    load_archive(archive, tmp_path / "w", replace=True)
    assert kept_rows(tmp_path / "w", ADA) == kept_rows(made / "w", ADA)
    assert len(list((tmp_path / "w" / "packs").rglob("*.tracks.parquet"))) == 1
    assert len(list((tmp_path / "w" / "originals").rglob("*.gz"))) == 4


@pytest.mark.sqlite_alone
def test_without_originals(made: Path, tmp_path: Path) -> None:
    """Where no originals were kept, both commands say of how many recordings, and the rest goes along."""
    copy_workspace(made / "w", tmp_path / "w")
    shutil.rmtree(tmp_path / "w" / "originals")
    words = ["archive", str(tmp_path / "a.zip"), "--athlete", ADA, "--workspace", str(tmp_path / "w")]
    said = CliRunner().invoke(cli.main, words)
    assert said.stdout.splitlines()[0].startswith("4 runs, ")
    assert said.stdout.splitlines()[1].startswith(
        "4 recordings without an original, since --no-keep was used"
    )
    taken = CliRunner().invoke(
        cli.main, ["unarchive", str(tmp_path / "a.zip"), "--workspace", str(tmp_path / "n")]
    )
    assert "4 recordings without an original" in taken.stdout
    assert table(tmp_path / "n", "effects", tmp_path).equals(table(made / "w", "effects", tmp_path))


def again(archive: Path, changes: dict[str, bytes], **facts: object) -> None:
    """Write an archive again with other members, and a manifest that agrees with them."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()} | changes
    said = json.loads(files.pop("manifest.json")) | facts
    said["files"] = {
        name: {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in {**files, "manifest.json": json.dumps(said).encode()}.items():
            target.writestr(name, content)


def refused(archive: Path, workspace: Path, words: str) -> None:
    """The archive is refused in one line, and the workspace holds nobody and no file of it afterwards."""
    with pytest.raises(SurefootError, match=words) as caught:
        load_archive(archive, workspace)
    assert "\n" not in str(caught.value)
    with Workspace(workspace) as opened:
        assert opened.everyone() == set()
    assert not [file for file in workspace.rglob("*") if file.suffix in (".parquet", ".gz", ".tmp")]


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("name", ["two, of them", " padded", "x" * 41, "\x1b[2J"])
def test_groups_that_nobody_could_have_named_are_refused(made: Path, tmp_path: Path, name: str) -> None:
    """A group's name in an archive is one that `surefoot group` takes, or the archive is refused."""
    shutil.copytree(made / "w", tmp_path / "from")
    with Workspace(tmp_path / "from") as workspace:
        workspace.save_groups(ADA, [name])
    save_archive(tmp_path / "from", ADA, tmp_path / "ada.zip")
    refused(tmp_path / "ada.zip", tmp_path / "w", "group")


@pytest.mark.sqlite_alone
def test_strange_archives_are_refused(
    made: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup, an archive of others, a recording that is not what it is named by: each is refused whole."""
    save_backup(made / "w", tmp_path / "backup.zip")
    refused(tmp_path / "backup.zip", tmp_path / "w", "holds a whole workspace: `surefoot restore`")
    again(tmp_path / "backup.zip", {}, kind="athlete", athlete=ADA)
    refused(tmp_path / "backup.zip", tmp_path / "w", "holds others than the athlete it names")
    again(archive, {}, athlete=BOB)
    refused(archive, tmp_path / "w", "holds others than the athlete it names")
    again(archive, {}, made_at="\x1b[2J")
    refused(archive, tmp_path / "w", "does not say what it is")
    shutil.copyfile(made / "ada.zip", archive)
    with zipfile.ZipFile(archive) as source:
        original = next(name for name in source.namelist() if "originals" in name)
    for content in (gzip.compress(b"another"), b"no gzip"):
        again(archive, {original: content})
        refused(archive, tmp_path / "w", "not what they are named by")
    shutil.copyfile(made / "ada.zip", archive)
    monkeypatch.setattr("pipeline.workspace.originals.MAX_BYTES", 10_000)
    refused(archive, tmp_path / "w", "not what they are named by")


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline import archive
from pipeline.workspace import originals, packs, transfer
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
module, name, file, folder = sys.argv[1:]
setattr({"archive": archive, "transfer": transfer, "os": os}[module], name, die)
archive.load_archive(Path(file), Path(folder))
"""


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("where", [("os", "sync"), ("transfer", "copy_rows")])
def test_killed_while_taken_in(made: Path, tmp_path: Path, where: tuple[str, str]) -> None:
    """A process killed while it takes an archive in leaves nobody; the next one finds no half of it."""
    words = [sys.executable, "-c", KILLED, *where, os.fspath(made / "ada.zip"), os.fspath(tmp_path / "w")]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    with Workspace(tmp_path / "w") as workspace:
        assert workspace.everyone() == set()
        assert not list((tmp_path / "w").rglob("*.parquet"))
        assert not list((tmp_path / "w").glob("unpacked*"))
    load_archive(made / "ada.zip", tmp_path / "w")
    assert kept_rows(tmp_path / "w", ADA) == kept_rows(made / "w", ADA)


@pytest.mark.sqlite_alone
def test_archive_and_unarchive_say_what_came(made: Path, tmp_path: Path) -> None:
    """The two commands say how much of whom went and came; a stranger's archive is refused."""
    words = ["--workspace", str(made / "w")]
    said = CliRunner().invoke(cli.main, ["archive", str(tmp_path / "a.zip"), "--athlete", ADA, *words])
    assert said.stdout.startswith("4 runs, ")
    assert said.stdout.endswith(f"and 4 originals of {ADA} are in {tmp_path / 'a.zip'}\n")
    taken = CliRunner().invoke(
        cli.main, ["unarchive", str(tmp_path / "a.zip"), "--workspace", str(tmp_path / "n")]
    )
    assert taken.stdout.endswith(f"and 4 originals of {ADA} are in {tmp_path / 'n'}\n")
    nobody = CliRunner().invoke(cli.main, ["archive", str(tmp_path / "n.zip"), "--athlete", "eve", *words])
    assert (nobody.exit_code, nobody.stderr.count("\n")) == (2, 1)
    assert "no athlete 'eve'" in nobody.stderr
