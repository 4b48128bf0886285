"""The same stretch of trail each time that it was run."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    op.create_table(
        "stretches",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("stretch_id", sa.Text, nullable=False),
        sa.Column("point", sa.BigInteger, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("lat_deg", sa.Double, nullable=False),
        sa.Column("lon_deg", sa.Double, nullable=False),
        sa.Column("heading_deg", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "stretch_id", "point"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repeats",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("stretch_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("pass_in_run", sa.BigInteger, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("start_m", sa.Double, nullable=False),
        sa.Column("end_m", sa.Double, nullable=False),
        sa.Column("grade_mean", sa.Double, nullable=True),
        sa.Column("technicality_mean", sa.Double, nullable=True),
        sa.Column("cadence_cv", sa.Double, nullable=True),
        sa.Column("low", sa.Double, nullable=True),
        sa.Column("high", sa.Double, nullable=True),
        sa.Column("n_windows", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("athlete_id", "stretch_id", "run_id", "pass_in_run"),
        sqlite_with_rowid=False,
    )
