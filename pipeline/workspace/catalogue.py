"""The catalogue: every small table in SQL, its columns taken from pipeline.tables.

SQLAlchemy Core only, so that the tables are the same in SQLite and in PostgreSQL; what either needs of its
own is in `sqlite` and `postgres`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dataframely as dy
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from pipeline.account_tables import (
    AccountAttempts,
    AccountAudit,
    AccountCodes,
    AccountGroups,
    AccountLinks,
    Accounts,
    AccountSessions,
    AccountUploads,
)
from pipeline.errors import SurefootError
from pipeline.tables import (
    BalanceSessions,
    CadenceRules,
    Dose,
    DoseByCategory,
    DrillNames,
    Effects,
    Files,
    Groups,
    Jobs,
    LabelChanges,
    Marks,
    Plans,
    ProposedSessions,
    Repeats,
    Residuals,
    Runs,
    Segments,
    Settings,
    Stability,
    Stretches,
    Zones,
)

_TYPES: dict[type[dy.Column], type[sa.types.TypeEngine[Any]]] = {
    dy.String: sa.Text,
    dy.Enum: sa.Text,
    dy.Float64: sa.Double,
    dy.Int64: sa.BigInteger,
    dy.Bool: sa.Boolean,
    dy.Date: sa.Date,
    dy.Datetime: sa.DateTime,
}

metadata = sa.MetaData()


@compiles(sa.Text, "postgresql")
def _text_in_order_of_bytes(*_: object, **__: object) -> str:
    """Texts are compared as in SQLite, whatever language the database is set to."""
    return 'TEXT COLLATE "C"'


def _owner() -> sa.Column[Any]:
    return sa.Column("athlete_id", sa.Text, primary_key=True)


def _table(name: str, schema: type[dy.Schema], *constraints: sa.Constraint) -> sa.Table:
    """A table of `schema`. The athlete is part of every key: two people may have run the same file."""
    columns = [_owner(), *(column for column in _columns(schema) if column.name != "athlete_id")]
    return _sorted_by_key(name, schema, *columns, *constraints)


def _columns(schema: type[dy.Schema]) -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name,
            _TYPES[type(column)],
            primary_key=column.primary_key,
            autoincrement=False,
            nullable=column.nullable,
        )
        for name, column in schema.columns().items()
    ]


def _sorted_by_key(name: str, schema: type[dy.Schema], *parts: sa.schema.SchemaItem) -> sa.Table:
    # The key is the order on disk as well: half the size of a key beside hidden row numbers.
    return sa.Table(name, metadata, *parts, info={"schema": schema}, sqlite_with_rowid=False)


def _account_table(name: str, schema: type[dy.Schema], *constraints: sa.Constraint) -> sa.Table:
    """A table of accounts: an archive of an athlete has nothing of it."""
    table = _sorted_by_key(name, schema, *_columns(schema), *constraints)
    table.info["of_accounts"] = True
    return table


def _of_an_account() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account"], ["accounts.name"], ondelete="CASCADE")


def _of_a_run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
    )


# What holds for the whole workspace. Its schema_version makes a Surefoot from before Alembic refuse it.
meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)
files = _table("files", Files)
seen = sa.Table(
    "seen",
    metadata,
    _owner(),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("content_sha256", sa.Text, nullable=False),
)
runs = _table(
    "runs",
    Runs,
    sa.ForeignKeyConstraint(
        ["athlete_id", "content_sha256"], ["files.athlete_id", "files.content_sha256"], ondelete="CASCADE"
    ),
)
sa.Index("runs_by_start", runs.c.athlete_id, runs.c.start_time)
sa.Index("runs_by_run", runs.c.run_id)
sa.Index("runs_by_content", runs.c.athlete_id, runs.c.content_sha256)
packs = sa.Table(
    "packs",
    metadata,
    sa.Column("pack_id", sa.Text, primary_key=True),
    sa.Column("athlete_id", sa.Text, nullable=False, index=True),
    sa.Column("analysis_version", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
)
placements = sa.Table(
    "placements",
    metadata,
    _owner(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("pack_id", sa.ForeignKey("packs.pack_id"), nullable=False, index=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("cadence_moments", sa.JSON, nullable=False),
    _of_a_run(),
)
passes = sa.Table(
    "passes",
    metadata,
    _owner(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("features", sa.Text, nullable=False),
    sa.Column("places", sa.LargeBinary, nullable=False),
    sa.Column("means", sa.LargeBinary, nullable=False),
    sa.Column("labels_origin", sa.Text, nullable=False),
    sa.Column("ground_origin", sa.Text, nullable=False),
    sa.Column("stability_origin", sa.Text, nullable=False),
    _of_a_run(),
)
segments = _table("segments", Segments, _of_a_run())
stability = _table("stability", Stability, _of_a_run())
stretches = _table("stretches", Stretches)
repeats = _table("repeats", Repeats, _of_a_run())
balance_sessions = _table("balance_sessions", BalanceSessions)
drill_names = _table("drill_names", DrillNames)
proposed_sessions = _table("proposed_sessions", ProposedSessions)
settings = _table("settings", Settings)
dose = _table("dose", Dose)
dose_by_category = _table("dose_by_category", DoseByCategory)
effects = _table("effects", Effects)
residuals = _table("residuals", Residuals, _of_a_run())
plans = _table("plans", Plans)
cadence_rules = _table("cadence_rules", CadenceRules)
marks = _table("marks", Marks)
label_changes = _table("label_changes", LabelChanges)
jobs = _table("jobs", Jobs)
accounts = _account_table(
    "accounts", Accounts, sa.UniqueConstraint("athlete_id"), sa.UniqueConstraint("subject")
)
account_links = _account_table("account_links", AccountLinks, _of_an_account())
account_groups = _account_table(
    "account_groups",
    AccountGroups,
    sa.ForeignKeyConstraint(
        ["athlete_id", "account"],
        ["account_links.athlete_id", "account_links.account"],
        ondelete="CASCADE",
    ),
)
account_codes = _account_table("account_codes", AccountCodes, _of_an_account())
account_sessions = _account_table("account_sessions", AccountSessions, _of_an_account())
account_uploads = _account_table("account_uploads", AccountUploads, _of_an_account())
account_attempts = _account_table("account_attempts", AccountAttempts)
account_audit = _account_table("account_audit", AccountAudit)
sa.Index("account_links_by_account", account_links.c.account)
sa.Index("account_sessions_by_account", account_sessions.c.account)
zones = _table("zones", Zones)
groups = _table("groups", Groups)


@contextmanager
def in_plain_words(workspace: Path) -> Iterator[None]:
    """Turn what a database says into one line for people."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        # PostgreSQL's longer words may quote a row.
        said = getattr(getattr(error.orig, "diag", None), "message_primary", None) or error.orig
        raise SurefootError(
            f"the workspace {workspace} cannot be used ({said})",
            "make room on the disk, check the folder's rights, or choose another with --workspace"
            if isinstance(error.orig, sqlite3.Error)
            else "see that its database runs, has room, and lets this user and password in",
        ) from None
