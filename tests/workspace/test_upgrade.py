"""A workspace that an older Surefoot made: brought up to date without losing a row, or left as it is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pipeline.errors import SurefootError
from pipeline.workspace import Workspace, catalogue, upgrade

BASELINE = (Path(__file__).parent / "baseline.sql").read_text()
KEPT = "catalogue-0001.sqlite"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A workspace as commit 113c617 made it, with rows in every table. Its packs are left out."""
    path = tmp_path / "workspace"
    path.mkdir()
    with closing(sqlite3.connect(path / "catalogue.sqlite")) as connection:
        connection.executescript(BASELINE)
    return path


def rows(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Table → its rows."""
    with closing(sqlite3.connect(file)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def structure(file: Path) -> dict[str, Any]:
    """Table → columns, keys, foreign keys, indices and kind of storage: all but the order of columns."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main'").fetchall()
        return {
            name: (
                without_rowid,
                sorted(
                    connection.execute("SELECT name, type, `notnull`, pk FROM pragma_table_info(?)", [name])
                ),
                sorted(
                    connection.execute(
                        "SELECT seq, `table`, `from`, `to`, on_delete FROM pragma_foreign_key_list(?)", [name]
                    )
                ),
                sorted(
                    (
                        origin,
                        connection.execute("SELECT seqno, name FROM pragma_index_info(?)", [i]).fetchall(),
                    )
                    for i, origin in connection.execute(
                        "SELECT name, origin FROM pragma_index_list(?)", [name]
                    )
                ),
            )
            for name, without_rowid in tables
            if not name.startswith("sqlite_")
        }


def test_steps_lead_to_the_declared_tables(old: Path) -> None:
    """What the steps make of the first workspaces is what the tables declare: Alembic finds no difference.

    Where it does, the message is the code that the missing step needs.
    """
    Workspace(old).close()
    engine = sa.create_engine(f"sqlite:///{old / 'catalogue.sqlite'}")
    with engine.connect() as connection:
        missing = produce_migrations(MigrationContext.configure(connection), catalogue.metadata).upgrade_ops
    engine.dispose()
    assert missing is not None
    assert missing.is_empty(), render_python_code(missing)


def test_upgraded_is_built_like_new(old: Path, tmp_path: Path) -> None:
    """An upgraded workspace has the tables, keys, indices and storage of one that is made new."""
    Workspace(old).close()
    Workspace(tmp_path / "new").close()
    upgraded, new = (structure(path / "catalogue.sqlite") for path in (old, tmp_path / "new"))
    assert upgraded == new


def test_one_line_of_revisions() -> None:
    """The steps are one line from 0001 to the last, each file named by its number."""
    script = ScriptDirectory(str(Path(upgrade.__file__).parent / "migrations"))
    line = [step.revision for step in script.walk_revisions()]
    assert line[::-1] == upgrade.REVISIONS == [f"{n:04}" for n in range(1, len(line) + 1)]


def test_upgrade_keeps_every_row(old: Path) -> None:
    """After the upgrade every row of both athletes is there, and nothing dangles."""
    before = rows(old / "catalogue.sqlite")
    with Workspace(old) as workspace:
        assert workspace.athletes() == ["ada", "bob"]
        assert workspace.load_runs("ada")["source_name"].to_list() == ["run 1.fit", "run 2.fit"]
        assert workspace.load_balance_sessions("bob")["minutes"].to_list() == [10.0, 5.5]
        assert workspace.load_plans()["schedule"].to_list() == ["1010010110"] * 2
        assert workspace.load_seen("ada").keys() == {"/invented/ada/1.fit", "/invented/ada/2.fit"}
    after = rows(old / "catalogue.sqlite")
    assert {name: len(found) for name, found in before.items() if name != "meta"} == {
        name: len(found) for name, found in after.items() if name in before and name != "meta"
    }
    with closing(sqlite3.connect(old / "catalogue.sqlite")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_copy_is_kept_until_the_next(old: Path) -> None:
    """The older catalogue stays beside the new one, whole; the copy before that goes."""
    before = rows(old / "catalogue.sqlite")
    (old / "catalogue-0000.sqlite").write_bytes(b"the copy of an earlier upgrade")
    (old / "catalogue-0001.sqlite.1.tmp").write_bytes(b"what a killed upgrade left")
    Workspace(old).close()
    assert [file.name for file in old.glob("catalogue-*")] == [KEPT]
    assert rows(old / KEPT) == before


def test_reading_brings_up_to_date(old: Path) -> None:
    """A command that only reads finds an older workspace brought up to date, copy and all."""
    with Workspace(old, read_only=True) as workspace:
        assert workspace.load_runs().height == 4
    assert (old / KEPT).is_file()
    with closing(sqlite3.connect(old / "catalogue.sqlite")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(upgrade.HEAD,)]


def test_older_one_that_cannot_be_written(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older workspace on a medium that cannot be written is left as it is; one line says what would do."""
    before = (old / "catalogue.sqlite").read_bytes()
    monkeypatch.setattr("pipeline.workspace.folder.may_write", lambda path: False)
    with pytest.raises(SurefootError, match=r"made by an older Surefoot.*: get the right to write [^\n]*$"):
        Workspace(old, read_only=True)
    assert (old / "catalogue.sqlite").read_bytes() == before
    assert [file.name for file in old.iterdir()] == ["catalogue.sqlite"]


def test_failing_step_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step fails those before it are undone as well, in one line; the next try succeeds."""

    def fail(config: Any, _: str) -> None:
        config.attributes["connection"].exec_driver_sql("DROP TABLE segments")
        config.attributes["connection"].exec_driver_sql("not a statement")

    before = rows(old / "catalogue.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr("alembic.command.upgrade", fail)
        with pytest.raises(SurefootError, match=r"cannot be used .*syntax error[^\n]*$"):
            Workspace(old)
    assert rows(old / "catalogue.sqlite") == before
    Workspace(old).close()
    assert rows(old / KEPT) == before


def test_no_room_for_the_copy(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room for the copy nothing is begun: one line says so, and no half copy is left."""
    before = rows(old / "catalogue.sqlite")

    def full(*_: object) -> None:
        raise OSError("database or disk is full")

    monkeypatch.setattr("pipeline.workspace.sqlite.copy_to", full)
    with pytest.raises(SurefootError, match=r"could not be written .*disk is full"):
        Workspace(old)
    assert rows(old / "catalogue.sqlite") == before
    assert list(old.glob("catalogue-*")) == []


def test_upgraded_by_two_at_once(old: Path) -> None:
    """Two processes that open an older workspace at once both get it, brought up to date once."""
    program = "import sys; from pathlib import Path; from pipeline.workspace import Workspace as W\n"
    program += "print(W(Path(sys.argv[1]), read_only=sys.argv[2] == 'r').load_runs().height)"
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(old), way], stdout=subprocess.PIPE, text=True)
        for way in "rw"
    ]
    assert [process.communicate()[0] for process in both] == ["4\n", "4\n"]


def test_killed_while_upgrading(old: Path) -> None:
    """An upgrade that is killed before it is committed leaves the older workspace, which opens then."""
    before = rows(old / "catalogue.sqlite")
    program = (
        "import os, signal, sys; from pathlib import Path; import alembic.command\n"
        "steps = alembic.command.upgrade\n"
        "def upgrade(*given): steps(*given); os.kill(os.getpid(), signal.SIGKILL)\n"
        "alembic.command.upgrade = upgrade\n"
        "from pipeline.workspace import Workspace; Workspace(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(old)], check=False)
    assert done.returncode == -9
    assert rows(old / "catalogue.sqlite") == before
    with Workspace(old) as workspace:
        assert workspace.load_runs().height == 4


def test_current_workspace_needs_no_alembic(tmp_path: Path) -> None:
    """Making a workspace and opening one of this revision do not import Alembic."""
    program = (
        "import sys; from pathlib import Path; from pipeline.workspace import Workspace\n"
        "Workspace(Path(sys.argv[1])).close(); Workspace(Path(sys.argv[1]), read_only=True).close()\n"
        "print('alembic' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "w")], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"


def test_forgetting_takes_the_copy_along(old: Path) -> None:
    """Forgetting an athlete removes the copy of the older catalogue, which holds everybody's rows."""
    with Workspace(old) as workspace:
        workspace.forget("ada")
    assert list(old.glob("catalogue-*")) == []
