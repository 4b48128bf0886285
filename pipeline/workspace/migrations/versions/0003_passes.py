"""What each run says of the places it crossed, kept apart from its track; how long each run took."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("elapsed_s", sa.Double, nullable=True))
    op.create_table(
        "passes",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("features", sa.Text, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=False),
        sa.Column("means", sa.LargeBinary, nullable=False),
        sa.Column("labels_origin", sa.Text, nullable=False),
        sa.Column("ground_origin", sa.Text, nullable=False),
        sa.Column("stability_origin", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("athlete_id", "run_id"),
    )
