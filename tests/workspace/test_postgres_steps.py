"""Steps between versions of a PostgreSQL catalogue: where they lead, what is kept, what a failure leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from test_postgres import ADA, refused
from workspace_builders import Ask

from pipeline.workspace import Workspace, catalogue, folder, link, upgrade
from pipeline.workspace.copying import copy_rows
from tests.postgres_server import Server


def at_revision(engine: sa.Engine, revision: str, begin: str = "base") -> None:
    """Take Alembic's steps up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def structure(engine: sa.Engine) -> dict[str, Any]:
    """Table -> columns with type, collation and default, keys, foreign keys and indices."""
    inspector = sa.inspect(engine)
    return {
        name: (
            sorted((c["name"], repr(c["type"]), c["nullable"]) for c in inspector.get_columns(name)),
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(
                (key["constrained_columns"], key["referred_table"], key["options"])
                for key in inspector.get_foreign_keys(name)
            ),
            sorted((index["name"], index["column_names"]) for index in inspector.get_indexes(name)),
            sorted(unique["column_names"] for unique in inspector.get_unique_constraints(name)),
        )
        for name in inspector.get_table_names()
    }


def test_steps_lead_to_the_declared_tables(postgres: Server) -> None:
    """The steps from nothing make the declared tables, collations included; Alembic sees no difference."""
    stepped = sa.create_engine(postgres.empty_schema())
    at_revision(stepped, "head")
    with stepped.connect() as connection:
        missing = produce_migrations(MigrationContext.configure(connection), catalogue.metadata).upgrade_ops
    assert missing is not None
    assert missing.is_empty(), render_python_code(missing)
    new = sa.create_engine(postgres.empty_schema())
    with new.begin() as connection:
        upgrade.make_tables(connection)
    assert structure(stepped) == structure(new)
    stepped.dispose()
    new.dispose()


@pytest.mark.parametrize("read_only", [False, True])
def test_an_older_revision_is_brought_up_to_date(
    postgres: Server, ask: Ask, tmp_path: Path, read_only: bool
) -> None:
    """A catalogue of an older revision opens with its rows, also to be read; none is lost."""
    url = postgres.empty_schema()
    engine = sa.create_engine(url)
    at_revision(engine, "0004")
    row = {"athlete_id": ADA, "key": "grow_weeks", "value": 5.0}
    with engine.begin() as connection:
        connection.execute(catalogue.settings.insert(), [row])
    (tmp_path / "w").mkdir()
    link.write(tmp_path / "w", link.new(url))
    with Workspace(tmp_path / "w", read_only=read_only) as workspace:
        assert workspace.load_settings().rows() == [(ADA, "grow_weeks", 5.0)]
        assert upgrade.find_revision(engine, tmp_path) == upgrade.HEAD
    engine.dispose()


def test_an_older_catalogue_stays_as_a_copy(postgres: Server, ask: Ask, tmp_path: Path) -> None:
    """Before the steps are taken the older catalogue is kept in the folder: a SQLite of that revision.

    In a folder of its own it opens as a workspace, with every row of every table.
    """
    url = postgres.empty_schema()
    with closing(sqlite3.connect(tmp_path / "first.sqlite")) as first:
        first.executescript((Path(__file__).parent / "baseline.sql").read_text())
    first_rows, older = sa.create_engine(f"sqlite:///{tmp_path / 'first.sqlite'}"), sa.create_engine(url)
    at_revision(older, "0001")
    tables = sa.MetaData()
    sa.event.listen(tables, "column_reflect", lambda _, __, c: c.update(type=c["type"].as_generic()))
    tables.reflect(first_rows)
    with first_rows.connect() as rows, older.begin() as connection:
        copy_rows(rows, connection, tables.sorted_tables)
    at_revision(older, "0005", "0001")
    (tmp_path / "w").mkdir()
    link.write(tmp_path / "w", link.new(url))
    Workspace(tmp_path / "w").close()
    older.dispose()
    first_rows.dispose()
    [copy] = folder.copies(tmp_path / "w")
    assert copy.name == "catalogue-0005.sqlite"
    (tmp_path / "alone").mkdir()
    copy.rename(tmp_path / "alone" / "catalogue.sqlite")
    with Workspace(tmp_path / "w") as upgraded, Workspace(tmp_path / "alone", in_folder=True) as alone:
        assert len(alone.load_runs())
        for table in ("files", "runs", "segments", "stability", "balance_sessions", "effects", "settings"):
            assert getattr(alone, f"load_{table}")().equals(getattr(upgraded, f"load_{table}")())


def test_a_failing_step_changes_nothing(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a step fails those before it are undone as well, and the next try succeeds."""
    url = postgres.empty_schema()
    engine = sa.create_engine(url)
    at_revision(engine, "0004")
    before = structure(engine)
    (tmp_path / "w").mkdir()
    link.write(tmp_path / "w", link.new(url))

    take_steps = command.upgrade

    def fail(config: Any, revision: str) -> None:
        connection = config.attributes["connection"]
        if connection.dialect.name == "sqlite":  # the copy of the older one
            take_steps(config, revision)
            return
        connection.exec_driver_sql("DROP TABLE segments")
        connection.exec_driver_sql("not a statement")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.command.upgrade", fail)
        refused(tmp_path / "w", "cannot be used .*syntax error")
    assert structure(engine) == before
    Workspace(tmp_path / "w").close()
    assert upgrade.find_revision(engine, tmp_path) == upgrade.HEAD
    engine.dispose()
