"""Stretches that a runner marked, and when and why the labels of a run changed."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("mark_id", sa.Text, nullable=False),
        sa.Column("marked_at", sa.DateTime, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("start_m", sa.Double, nullable=False),
        sa.Column("end_m", sa.Double, nullable=False),
        sa.Column("terrain", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "mark_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "label_changes",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("changed_share", sa.Double, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "run_id", "version"),
        sqlite_with_rowid=False,
    )
