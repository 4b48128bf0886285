"""A workspace in one file and back: the same, whole or absent, whoever writes meanwhile; never trusted."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_folder import fill
from workspace_builders import again, file_result, run_result, sha, write

from pipeline.errors import SurefootError
from pipeline.workspace import Workspace, backup, restore_backup, save_backup
from tests.kept import kept

pytestmark = pytest.mark.both_databases
HERE = Path(__file__).parent
CATALOGUE = "workspace/catalogue.sqlite"


@pytest.fixture(scope="module")
def made(catalogue_in: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace `filled` and its `backup.zip`."""
    folder = tmp_path_factory.mktemp("made")
    with Workspace(folder / "filled") as workspace:
        fill(workspace, "ada", (0, 1, 2))
        fill(workspace, "bob", (0, 3))
    save_backup(folder / "filled", folder / "backup.zip")
    return folder


@pytest.fixture
def filled(made: Path, tmp_path: Path) -> Path:
    """A workspace with all that it may hold of two athletes, one file of both among it."""
    return shutil.copytree(made / "filled", tmp_path / "filled")


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    """Its backup."""
    return shutil.copyfile(made / "backup.zip", tmp_path / "backup.zip")


def test_restored_is_the_same(catalogue_in: str, filled: Path, archive: Path, tmp_path: Path) -> None:
    """Every row, track and original comes back as it was, and both say what is there."""
    facts = restore_backup(archive, tmp_path / "new")
    assert kept(tmp_path / "new") == kept(filled)
    assert (facts["athletes"], facts["runs"], facts["originals"]) == (["ada", "bob"], 5, 4)
    assert facts["originals_missing"] == 0
    with Workspace(tmp_path / "new") as workspace:
        assert workspace.load_original(sha(0)) == b"0 of both"
        assert workspace.load_grid("bob").height == 120
    catalogue = "catalogue.sqlite" if catalogue_in == "sqlite" else "catalogue.url"
    assert {file.name for file in (tmp_path / "new").iterdir()} == {
        *(".gitignore", "originals", "packs", "writer.lock", catalogue)
    }


@pytest.mark.sqlite_alone
def test_backup_is_private(made: Path) -> None:
    """A backup, which holds where somebody runs, is readable by its owner alone."""
    assert stat.S_IMODE((made / "backup.zip").stat().st_mode) == 0o600


def test_missing_originals_are_counted(tmp_path: Path) -> None:
    """Recordings of which no original was kept are counted, and the backup is made all the same."""
    with Workspace(tmp_path / "w") as workspace:
        pack = workspace.save_pack("ada", [run_result(1)])
        workspace.commit("ada", pack, [file_result(run_result(1))])
    assert save_backup(tmp_path / "w", tmp_path / "b.zip")["originals_missing"] == 1
    assert restore_backup(tmp_path / "b.zip", tmp_path / "new")["originals_missing"] == 1


def test_empty_workspace(tmp_path: Path) -> None:
    """A workspace of nobody goes into a backup and comes back as one."""
    Workspace(tmp_path / "w").close()
    save_backup(tmp_path / "w", tmp_path / "b.zip")
    assert restore_backup(tmp_path / "b.zip", tmp_path / "new")["athletes"] == []
    with Workspace(tmp_path / "new", read_only=True) as workspace:
        assert workspace.athletes() == []


def test_backups_while_another_process_writes(tmp_path: Path) -> None:
    """Backups taken while runs are committed one after the other hold the runs of one moment, all whole."""
    Workspace(tmp_path / "w").close()
    writer = subprocess.Popen(
        [sys.executable, str(HERE / "writer.py"), str(tmp_path / "w"), "0", "1000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    try:
        for number in range(4):
            committed = int(writer.stdout.readline())
            save_backup(tmp_path / "w", tmp_path / f"{number}.zip")
            facts = restore_backup(tmp_path / f"{number}.zip", tmp_path / str(number))
            assert facts["runs"] > committed
            assert facts["originals_missing"] == 0
            with Workspace(tmp_path / str(number)) as workspace:
                runs = workspace.load_runs()["run_id"].to_list()
                assert len(runs) == facts["runs"]
                assert all(len(track) == 60 for _, track in workspace.load_tracks(runs))
    finally:
        writer.kill()
        writer.communicate()


@pytest.mark.sqlite_alone
def test_pack_replaced_meanwhile(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a newer analysis replaces a pack before it was read, the backup begins again and is whole."""
    list_packs = backup._packs
    calls = []

    def replace(snapshot: Any, source: Path) -> Any:
        calls.append(1)
        if len(calls) == 1:
            with Workspace(filled) as workspace:
                pack = workspace.save_pack("bob", [run_result(n, "bob") for n in (0, 3)])
                workspace.commit("bob", pack, [file_result(run_result(n, "bob")) for n in (0, 3)])
        return list_packs(snapshot, source)

    monkeypatch.setattr(backup, "_packs", replace)
    save_backup(filled, tmp_path / "b.zip")
    restore_backup(tmp_path / "b.zip", tmp_path / "new")
    assert len(calls) == 2
    assert kept(tmp_path / "new") == kept(filled)


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.workspace import backup, sealed, save_backup, restore_backup
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
what, where, file, folder = sys.argv[1:]
setattr(*{"finish": (sealed.Sealer, "finish"), "packs": (backup, "_packs"), "check": (backup, "_check"),
          "sync": (os, "sync")}[where], die)
{"save": lambda: save_backup(Path(folder), Path(file)),
 "restore": lambda: restore_backup(Path(file), Path(folder))}[what]()
"""


def killed(what: str, where: str, file: Path, folder: Path) -> None:
    """A backup or a restore, killed at a place of its code."""
    words = [sys.executable, "-c", KILLED, what, where, str(file), str(folder)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("where", ["packs", "finish"])
def test_killed_backup(filled: Path, archive: Path, tmp_path: Path, where: str) -> None:
    """A backup that is killed half-way leaves the one before it as it was; what it leaves is no archive."""
    before = archive.read_bytes()
    killed("save", where, archive, filled)
    assert archive.read_bytes() == before
    for left in tmp_path.glob("backup.zip.*.tmp"):
        if left.is_file():
            with pytest.raises(SurefootError, match="no archive"):
                restore_backup(left, tmp_path / "new")
    save_backup(filled, archive)
    restore_backup(archive, tmp_path / "new")


@pytest.mark.parametrize("where", ["check", "sync"])
def test_killed_restore(filled: Path, archive: Path, tmp_path: Path, where: str) -> None:
    """A restore that is killed half-way leaves no workspace; the same call again restores it."""
    killed("restore", where, archive, tmp_path / "new")
    with pytest.raises(SurefootError, match="there is no workspace"):
        Workspace(tmp_path / "new", read_only=True)
    restore_backup(archive, tmp_path / "new")
    assert kept(tmp_path / "new") == kept(filled)
    assert not list((tmp_path / "new").glob("*.tmp"))


def test_restored_into_empty_folders_only(filled: Path, archive: Path, tmp_path: Path) -> None:
    """A folder that holds anything is refused and left as it is, a workspace above all."""
    before = kept(filled)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.jpg").touch()
    for folder in (filled, tmp_path / "other"):
        with pytest.raises(SurefootError, match=r"is not empty: restore into a new or an empty folder$"):
            restore_backup(archive, folder)
    with pytest.raises(SurefootError, match="is a file"):
        restore_backup(archive, archive)
    assert kept(filled) == before
    assert [file.name for file in (tmp_path / "other").iterdir()] == ["holiday.jpg"]


@pytest.mark.sqlite_alone
def test_backup_of_an_older_surefoot(tmp_path: Path) -> None:
    """A backup whose catalogue is of the first workspaces is brought up to date as it is restored."""
    (tmp_path / "old").mkdir()
    with closing(sqlite3.connect(tmp_path / "old" / "catalogue.sqlite")) as connection:
        connection.executescript((HERE / "baseline.sql").read_text())
        connection.execute("DELETE FROM placements")
        connection.execute("DELETE FROM packs")
        connection.commit()
    Workspace(tmp_path / "new").close()
    save_backup(tmp_path / "new", tmp_path / "b.zip")
    old = (tmp_path / "old" / "catalogue.sqlite").read_bytes()
    again(tmp_path / "b.zip", lambda files: files | {CATALOGUE: old})
    restore_backup(tmp_path / "b.zip", tmp_path / "restored")
    with Workspace(tmp_path / "restored", read_only=True) as workspace:
        assert workspace.load_runs().height == 4


def refused(archive: Path, folder: Path, words: str) -> None:
    """The archive is refused in one line, and nothing is left where it was to go or beside it."""
    beside = {file.name for file in folder.parent.iterdir()}
    with pytest.raises(SurefootError) as caught:
        restore_backup(archive, folder)
    assert re.search(words, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    assert {file.name for file in folder.parent.iterdir()} == beside


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "/etc/outside",
        "workspace/../../outside",
        "workspace/originals/../../../outside.gz",
        "workspace/catalogue.sqlite-wal",
        "workspace/.gitignore",
        "C:\\outside",
        "workspace/packs/v1/0123456789abcdef/../../../x.parquet",
        "tables/../outside.csv",
    ],
)
def test_strange_names_are_refused(archive: Path, tmp_path: Path, name: str) -> None:
    """An archive with a member that has no place in a workspace is refused whole, listed or not."""
    again(archive, lambda files: files | {name: b"outside"})
    refused(archive, tmp_path / "new", "has no place in it")
    assert not list(tmp_path.rglob("outside*"))


@pytest.mark.sqlite_alone
def test_lists_that_lie_are_refused(archive: Path, tmp_path: Path) -> None:
    """A member that is not listed, missing, twice there, longer or another than listed: each is refused."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    original = next(name for name in files if "originals" in name)
    manifest = json.loads(files["manifest.json"])
    other = {**manifest, "files": {**manifest["files"], original: {"size_bytes": 9, "sha256": "0" * 64}}}
    cases = [
        (files | {"tables/more.csv": b"1"}, "does not hold what its list says"),
        ({name: c for name, c in files.items() if name != original}, "does not hold what its list says"),
        (files | {original: files[original] + b"1"}, "not as long as the list says"),
        (files | {original: bytes(len(files[original]))}, "not what the list says"),
        (files | {"manifest.json": json.dumps(other).encode()}, "as long as|what the list says"),
        (files | {"manifest.json": b"[]"}, "cannot be unpacked"),
        (files | {"manifest.json": b"{" * 100_000}, "cannot be unpacked"),
        (files | {"manifest.json": b'{"format": "surefoot archive 1", "files": {"a": 1}}'}, "cannot be"),
        (files | {"manifest.json": b'{"format": "surefoot archive 2"}'}, "newer Surefoot: update Surefoot"),
        (files | {"manifest.json": b'{"format": "tar"}'}, "of another kind"),
        ({"run.fit": b"1"}, "cannot be unpacked"),
    ]
    for changed, words in cases:
        write(archive, changed)
        refused(archive, tmp_path / "new", words)


@pytest.mark.sqlite_alone
def test_twice_the_same_name_is_refused(archive: Path, tmp_path: Path) -> None:
    """A zip that holds two members of one name is refused: readers would not agree which counts."""
    with zipfile.ZipFile(archive, "a") as target, pytest.warns(UserWarning, match="Duplicate name"):
        target.writestr(CATALOGUE, b"another")
    refused(archive, tmp_path / "new", "does not hold what its list says")


@pytest.mark.sqlite_alone
def test_bombs_are_refused(archive: Path, tmp_path: Path) -> None:
    """A member that would unpack to a thousand times its size is refused before it is unpacked."""
    again(archive, lambda files: files | {CATALOGUE: bytes(50_000_000)})
    refused(archive, tmp_path / "new", "over 200 times its size")


@pytest.mark.sqlite_alone
def test_more_than_the_disk_holds(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that needs more room than there is is refused before it is unpacked."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    refused(archive, tmp_path / "new", r"needs 0\.\d GB, and 0\.0 GB are free: make room")


def changed(catalogue: bytes, *statements: str) -> bytes:
    """A catalogue after some statements."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(catalogue[:18] + b"\1\1" + catalogue[20:])
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        return connection.serialize()


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["CREATE TRIGGER t AFTER DELETE ON runs BEGIN DELETE FROM files; END"], "catalogue is none"),
        (["CREATE VIEW v AS SELECT 1"], "catalogue is none"),
        (["CREATE VIRTUAL TABLE v USING rtree(i, a, b)"], "catalogue is none"),
        (["UPDATE alembic_version SET version_num = '9999'"], "newer Surefoot"),
        (["DROP TABLE runs", "CREATE TABLE runs (a)"], "tables cannot be read"),
        (["UPDATE runs SET source_format = 'exe'"], "tables cannot be read"),
        (["UPDATE runs SET distance_m = 'far'"], "tables cannot be read"),
        (
            [
                "PRAGMA foreign_keys=OFF",
                "UPDATE packs SET pack_id = '../../../../x' WHERE athlete_id = 'ada'",
            ],
            "missing",
        ),
        (
            ["PRAGMA foreign_keys=OFF", f"UPDATE packs SET pack_id = '{'0' * 32}' WHERE athlete_id = 'ada'"],
            "missing",
        ),
        (["UPDATE files SET content_sha256 = '../../x' WHERE source_name = 'run 3.fit'"], "names of some"),
    ],
)
def test_strange_catalogues_are_refused(
    archive: Path, tmp_path: Path, statements: list[str], words: str
) -> None:
    """A catalogue with code in it, rows that cannot be read or names that lead elsewhere is refused."""
    again(archive, lambda files: files | {CATALOGUE: changed(files[CATALOGUE], *statements)})
    refused(archive, tmp_path / "new", words)


@pytest.mark.sqlite_alone
def test_damaged_catalogue_is_refused(archive: Path, tmp_path: Path) -> None:
    """A catalogue that is no database, or a damaged one, is refused though its checksum is right."""
    again(archive, lambda files: files | {CATALOGUE: b"no database" * 100})
    refused(archive, tmp_path / "new", "catalogue is none")


@pytest.mark.sqlite_alone
def test_newer_revision_is_refused(archive: Path, tmp_path: Path) -> None:
    """An archive that a newer Surefoot made is refused with that reason."""
    again(archive, lambda files: files | {"facts": b'{"revision": "9999"}'})
    refused(archive, tmp_path / "new", "backup.zip was made by a newer Surefoot: update Surefoot")


@pytest.mark.sqlite_alone
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_harmless(made: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever byte of an archive is changed or where it is cut off, it is refused or restores the same."""
    whole = (made / "backup.zip").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed_there = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
    (tmp_path / "damaged.zip").write_bytes(whole[:at] if data.draw(st.booleans()) else changed_there)
    try:
        restore_backup(tmp_path / "damaged.zip", tmp_path / "new")
    except SurefootError:
        assert not (tmp_path / "new").exists()
    else:
        assert kept(tmp_path / "new") == kept(made / "filled")
        shutil.rmtree(tmp_path / "new")


@pytest.mark.sqlite_alone
def test_nowhere_to_put_it(filled: Path, tmp_path: Path) -> None:
    """A backup into no folder, or into the workspace itself, is refused; a missing workspace is named."""
    with pytest.raises(SurefootError, match="there is no folder"):
        save_backup(filled, tmp_path / "none" / "b.zip")
    with pytest.raises(SurefootError, match="lies in the workspace itself"):
        save_backup(filled, filled / "packs" / "b.zip")
    with pytest.raises(SurefootError, match="there is no workspace"):
        save_backup(tmp_path / "none", tmp_path / "b.zip")
