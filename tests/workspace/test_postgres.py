"""A catalogue in PostgreSQL: whose it is, who may write, what a reader sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from test_folder import fill, one_run
from workspace_builders import Ask, file_result, run_result, sha

from pipeline import cli
from pipeline.errors import Busy, SurefootError
from pipeline.tables import BalanceSessions
from pipeline.workspace import Seen, Workspace, catalogue, link, restore_backup, save_backup
from pipeline.workspace.postgres import Postgres
from pipeline.workspace.sqlite import Sqlite
from tests.imports import take_in
from tests.kept import kept
from tests.made_runs import fit_file, no_cadence_file
from tests.postgres_server import Server, all_new_workspaces_in

ADA = "ada-lovelace-1815"


def refused(path: Path, words: str, *, read_only: bool = False) -> str:
    """Opening fails with one line that has these words; gives it."""
    with pytest.raises(SurefootError, match=words) as caught:
        Workspace(path, read_only=read_only)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_folder_remembers_all_but_the_password(
    postgres: Server, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once made with a URL, a workspace opens without one; the password is in no file of it."""
    url = postgres.empty_schema()
    ask(url.set(password="never-to-be-kept").update_query_dict({"sslpassword": "nor-this"}))
    one_run(tmp_path / "w")
    for file in (tmp_path / "w").rglob("*"):
        assert file.is_dir() or not {b"never-to-be-kept", b"nor-this"} & set(file.read_bytes().split(b'"'))
        assert file.is_dir() or b"never-to-be-kept" not in file.read_bytes()
    assert not (tmp_path / "w" / "catalogue.sqlite").exists()
    monkeypatch.delenv(link.VARIABLE)
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert workspace.load_runs().height == 1


def test_a_database_belongs_to_one_folder(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """Another folder is refused the database of a workspace, and the workspace another's database."""
    first, second = postgres.empty_schema(), postgres.empty_schema()
    ask(first)
    one_run(tmp_path / "a")
    refused(tmp_path / "b", "holds a workspace already: name an empty one")
    ask(second)
    one_run(tmp_path / "b")
    for read_only in (False, True):
        refused(tmp_path / "a", "holds the catalogue of another workspace than", read_only=read_only)
    with Workspace(tmp_path / "b", read_only=True) as workspace:
        assert workspace.load_runs().height == 1


def test_a_server_that_moved_is_followed(
    postgres: Server, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same database under another address is known again, and remembered under it."""
    url = postgres.empty_schema()
    ask(url)
    one_run(tmp_path / "w")
    (tmp_path / "moved").symlink_to(postgres.folder)
    ask(url.update_query_dict({"host": str(tmp_path / "moved")}))
    Workspace(tmp_path / "w").close()
    monkeypatch.delenv(link.VARIABLE)
    found = link.read(tmp_path / "w")
    assert found is not None
    assert found.url.query["host"] == str(tmp_path / "moved")
    Workspace(tmp_path / "w").close()


@pytest.mark.parametrize("given", ["mysql://me:secret@host/x", "sqlite:///x.sqlite", "secret"])
def test_what_is_no_url_of_postgresql(ask: Ask, tmp_path: Path, given: str) -> None:
    """Anything else is refused in one line that does not repeat what may be a password; nothing is made."""
    ask(given)
    assert "secret" not in refused(
        tmp_path / "w", "no URL of PostgreSQL: give SUREFOOT_DATABASE or --database"
    )
    assert not (tmp_path / "w" / "catalogue.sqlite").exists()


def test_sqlite_and_another_database(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """A workspace in SQLite is not quietly left for an empty database: the way to move it is said."""
    one_run(tmp_path / "w")
    ask(postgres.empty_schema())
    for read_only in (False, True):
        refused(tmp_path / "w", "in SQLite, and another .*: `surefoot backup` and", read_only=read_only)


def test_a_server_that_is_not_there(ask: Ask, tmp_path: Path) -> None:
    """Where no server answers one line says so, and what would do."""
    ask(f"postgresql://me:secret@/none?host={tmp_path}")
    said = refused(tmp_path / "w", "cannot be used .*: see that its database runs")
    assert "secret" not in said
    refused(tmp_path / "w", "no workspace", read_only=True)


def test_without_the_library(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where psycopg is not installed one line says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ask("postgresql://me@host/x")
    refused(tmp_path / "w", "needs the library psycopg: install Surefoot with its extra `hosted`")


def test_texts_are_in_order_of_their_bytes(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """In a database that sorts as in English, athletes and files come in the order that SQLite gives them."""
    names = ["Zoë", "ada", "Ada", "émile", "bob 2", "bob-1", "_"]
    [[english]] = postgres.execute(
        "SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['b', 'A', 'a', 'B']) x", "shared"
    )
    assert english == ["a", "A", "b", "B"]
    ask(postgres.empty_schema())
    with Workspace(tmp_path / "w") as workspace:
        for name in names:
            workspace.save_settings(name, {"grow_weeks": 5.0})
        assert workspace.load_settings()["athlete_id"].to_list() == sorted(names, key=str.encode)


def test_a_text_with_a_zero_byte(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """PostgreSQL keeps no NUL in a text: one line says so, and nothing of the transaction stays."""
    ask(postgres.empty_schema())
    with Workspace(tmp_path / "w") as workspace:
        with pytest.raises(SurefootError, match=r"cannot be used .*NUL[^\n]*$"):
            workspace.commit("ada", None, [], [Seen("/a\0b", 1, 1, sha(1))])
        assert workspace.load_seen("ada") == {}


def test_a_reader_sees_one_moment(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """What another commits after a reader's first query is not seen until its transaction ends."""
    ask(postgres.empty_schema())
    one_run(tmp_path / "w")
    count = sa.select(sa.func.count()).select_from(catalogue.runs)
    with Workspace(tmp_path / "w") as writer, Workspace(tmp_path / "w", read_only=True) as reader:
        before = reader.state()
        with reader._reading() as connection:
            assert connection.scalar(count) == 1
            writer.commit("ada", writer.save_pack("ada", [run_result(2)]), [file_result(run_result(2))])
            assert connection.scalar(count) == 1
        assert reader.load_runs().height == 2
        assert reader.state() != before
        assert reader.state() == reader.state()


def test_reading_is_kept_by_the_server(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """A workspace opened for reading cannot change a row, whoever forgets to ask."""
    ask(postgres.empty_schema())
    one_run(tmp_path / "w")
    with (
        Workspace(tmp_path / "w", read_only=True) as reader,
        pytest.raises(SurefootError, match="read-only transaction"),
        reader._noting() as connection,
    ):
        connection.execute(catalogue.runs.delete())


def test_a_writer_on_another_machine(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """While another machine writes, who holds no lock on this one's disk, a second writer is told so."""
    url = postgres.empty_schema()
    ask(url)
    one_run(tmp_path / "w")
    known = link.read(tmp_path / "w")
    assert known is not None
    elsewhere = Postgres(tmp_path / "w", url, known, read_only=False)
    with Workspace(tmp_path / "w") as workspace:
        words = r"another machine .*: wait"
        with elsewhere.alone(0), pytest.raises(Busy, match=words), workspace.writer_lock(wait_s=0.01):
            pass
        with workspace.writer_lock(wait_s=0.01), pytest.raises(Busy), elsewhere.alone(0):
            pass
    elsewhere.engine.dispose()


def test_a_server_that_is_started_again(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """When the server ends all connections a reader goes on; a writer lost its lock and commits nothing."""
    ask(postgres.empty_database())
    one_run(tmp_path / "w")
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'surefoot'"
    with Workspace(tmp_path / "w") as workspace:
        pack = workspace.save_pack("ada", [run_result(2)])
        with workspace.writer_lock():
            postgres.execute(end)
            with pytest.raises(SurefootError, match="cannot be used"):
                workspace.commit("ada", pack, [file_result(run_result(2))])
        assert workspace.load_runs().height == 1
        workspace.commit("ada", pack, [file_result(run_result(2))])
        assert workspace.load_runs().height == 2


def test_there_and_back(postgres: Server, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite to PostgreSQL by backup and restore, and back: every row, track and original as it was."""
    with Workspace(tmp_path / "w") as workspace:
        fill(workspace, "ada", (0, 1, 2))
        fill(workspace, "bob", (0, 3))
    save_backup(tmp_path / "w", tmp_path / "b.zip")
    words = ["restore", str(tmp_path / "b.zip"), "--workspace", str(tmp_path / "hosted")]
    url = postgres.empty_schema().set(drivername="postgresql").render_as_string()
    with monkeypatch.context() as patch:
        patch.setenv(link.VARIABLE, "")
        done = CliRunner().invoke(cli.main, [*words, "--database", url])
        assert (done.exit_code, done.stderr) == (0, "")
        assert "2 athletes, 5 runs" in done.stdout
    assert (tmp_path / "hosted" / "catalogue.url").is_file()
    assert kept(tmp_path / "hosted") == kept(tmp_path / "w")
    save_backup(tmp_path / "hosted", tmp_path / "back.zip")
    restore_backup(tmp_path / "back.zip", tmp_path / "home")
    assert (tmp_path / "home" / "catalogue.sqlite").is_file()
    assert kept(tmp_path / "home") == kept(tmp_path / "w")


def test_the_same_files_give_the_same_answer(postgres: Server, tmp_path: Path) -> None:
    """Read into either database, files give the same runs, steadiness and answer to the last digit."""
    (tmp_path / "runs").mkdir()
    for number in range(3):
        (tmp_path / "runs" / f"{number}.fit").write_bytes(fit_file(number))
    (tmp_path / "runs" / "silent.fit").write_bytes(no_cadence_file(3))
    (tmp_path / "runs" / "notes.fit").write_text("no recording")
    loaded = []
    for name in ("sqlite", "hosted"):
        database = all_new_workspaces_in(postgres) if name == "hosted" else nullcontext()
        with database, Workspace(tmp_path / name) as workspace:
            take_in(workspace, tmp_path / "runs")
            tables = ("runs", "segments", "stability", "effects", "files", "dose", "rejected", "grid")
            loaded.append({table: getattr(workspace, f"load_{table}")("ada") for table in tables})
            loaded[-1]["moments"] = workspace.load_cadence_moments("ada")
    ours, theirs = loaded
    assert ours.pop("moments") == theirs.pop("moments")
    for table, frame in ours.items():
        assert frame.equals(theirs[table]), table
        assert len(frame) or table == "dose"


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.workspace import link, restore_backup
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "before": os.sync = die
else: link.write = die
restore_backup(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_restore(postgres: Server, ask: Ask, tmp_path: Path, when: str) -> None:
    """A restore killed when the rows are in the database leaves no workspace; the next fills it again."""
    one_run(tmp_path / "w")
    save_backup(tmp_path / "w", tmp_path / "b.zip")
    ask(postgres.empty_schema())
    words = [sys.executable, "-c", KILLED, str(tmp_path / "b.zip"), str(tmp_path / "new"), when]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    refused(tmp_path / "new", "there is no workspace", read_only=True)
    refused(tmp_path / "other", "what a restore left that was cut short: run that restore again")
    restore_backup(tmp_path / "b.zip", tmp_path / "again")
    assert kept(tmp_path / "again")["runs"] == kept_by_sqlite(tmp_path / "w")["runs"]
    with pytest.raises(SurefootError, match="holds a workspace already"):
        restore_backup(tmp_path / "b.zip", tmp_path / "once more")
    assert not (tmp_path / "once more").exists()


def kept_by_sqlite(path: Path) -> dict[str, Any]:
    """See kept; of a workspace in SQLite while another database is asked for."""
    engine = Sqlite(path, read_only=True).engine
    with engine.connect() as connection:
        found = {"runs": sorted(map(tuple, connection.execute(sa.select(catalogue.runs))), key=repr)}
    engine.dispose()
    return found


def test_made_by_two_at_once(postgres: Server, tmp_path: Path) -> None:
    """Two processes that make the same workspace at once both get it."""
    url = postgres.empty_schema().set(drivername="postgresql").render_as_string()
    program = "import sys; from pathlib import Path; from pipeline.workspace import Workspace as W\n"
    program += "print(W(Path(sys.argv[1])).counts()['files'])"
    words = [sys.executable, "-c", program, str(tmp_path / "w")]
    environment = {**os.environ, link.VARIABLE: url}
    both = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["0\n", "0\n"]


def test_a_log_comes_back(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """What is typed into the log comes back to the last digit, texts in any language among it."""
    ask(postgres.empty_schema())
    log = BalanceSessions.sample(20, overrides={"note": ["Ω 平衡 🏃 'quoted\"; --"] * 20})
    with Workspace(tmp_path / "w") as workspace:
        workspace.save_balance_sessions("ada", log)
        assert workspace.save_balance_sessions("ada", log) == (0, 0, 20)
        assert set(workspace.load_logged("ada")["note"]) == {"Ω 平衡 🏃 'quoted\"; --"}
