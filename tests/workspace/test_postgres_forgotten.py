"""What a PostgreSQL server must not keep of an athlete who was forgotten, and what it says that it keeps."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from click.testing import CliRunner
from test_folder import fill
from workspace_builders import Ask

from pipeline import cli
from pipeline.workspace import Workspace
from tests.postgres_server import Server, all_new_workspaces_in

ADA = "ada-lovelace-1815"
GRACE, EMMY = "grace-hopper-1906", "emmy-noether-1882"
"""Of one test each, which looks for the name in all files of the server."""


def on_disk(server: Server, word: bytes) -> dict[str, int]:
    """How often a word is in the server's files: of tables and indices, and of the write-ahead log."""
    server.execute("CHECKPOINT")
    data = server.folder / "data"
    found = {}
    for name in ("base", "pg_wal"):
        files = [file for file in (data / name).rglob("*") if file.is_file()]
        found[name] = sum(file.read_bytes().count(word) for file in files)
    return found


def test_forgotten_is_off_the_tables_files(postgres: Server, tmp_path: Path) -> None:
    """After forgetting no file of any table has the name, the planner's counts neither; the log still has."""
    with all_new_workspaces_in(postgres), Workspace(tmp_path / "w") as workspace:
        fill(workspace, GRACE, (0, 1, 2))
        with workspace._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
        assert on_disk(postgres, GRACE.encode())["base"] > 0
        assert {
            name for name, _ in workspace.search_traces(workspace.gather_traces(GRACE)).found_in_tables
        } > {
            "pg_stats",
            "runs",
        }
        workspace.forget(GRACE)
    left = on_disk(postgres, GRACE.encode())
    assert left["base"] == 0
    assert left["pg_wal"] > 0


def test_forgotten_beside_others(postgres: Server, tmp_path: Path) -> None:
    """Where others stay, the counts over their tables are made again without the one who left."""
    with all_new_workspaces_in(postgres), Workspace(tmp_path / "w") as workspace:
        fill(workspace, EMMY, (0, 1, 2))
        fill(workspace, "bob", (3,))
        with workspace._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
        workspace.forget(EMMY)
        assert workspace.athletes() == ["bob"]
    assert on_disk(postgres, EMMY.encode())["base"] == 0


def test_the_command_says_what_a_server_keeps(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """forget counts what it read of the tables, and says what of a server it cannot search."""
    ask(postgres.empty_schema())
    with Workspace(tmp_path / "w") as workspace:
        fill(workspace, ADA, (1,))
    done = CliRunner().invoke(cli.main, ["forget", ADA, "--yes", "--workspace", str(tmp_path / "w")])
    assert (done.exit_code, done.stderr) == (0, "")
    assert " tables, for the folder's name, the name" in done.stdout
    assert "outside of its tables is not searched: its write-ahead log" in done.stdout
