"""Accounts of a hosted dashboard: who may sign in, who sees whom, and what was done."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("athlete_id", sa.Text, nullable=True),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("athlete_id"),
        sa.UniqueConstraint("subject"),
        sqlite_with_rowid=False,
    )
    _of_an_account(
        "account_links",
        sa.Column("athlete_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("linked_at", sa.DateTime, nullable=False),
    )
    _of_an_account(
        "account_codes",
        sa.Column("code_sha256", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    _of_an_account(
        "account_sessions",
        sa.Column("token_sha256", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    _of_an_account(
        "account_uploads",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("job_id", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "account_attempts",
        sa.Column("attempt_id", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("account_sha256", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_audit",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("whom", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("account_links_by_account", "account_links", ["account"])
    op.create_index("account_sessions_by_account", "account_sessions", ["account"])


def _of_an_account(name: str, *columns: sa.Column[Any]) -> None:
    owner = sa.ForeignKeyConstraint(["account"], ["accounts.name"], ondelete="CASCADE")
    op.create_table(name, *columns, owner, sqlite_with_rowid=False)
