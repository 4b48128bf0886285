"""The half-life that an answer was made with, jobs that are no upload, and zones in which runs are hidden."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0012", "0011"


def upgrade() -> None:
    op.add_column("effects", sa.Column("half_life_days", sa.Double, nullable=False, server_default="21"))
    op.add_column("jobs", sa.Column("kind", sa.Text, nullable=False, server_default="upload"))
    op.create_table(
        "zones",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("zone_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("radius_m", sa.Double, nullable=False),
        sa.Column("lat_deg", sa.Double, nullable=False),
        sa.Column("lon_deg", sa.Double, nullable=False),
        sa.Column("hidden_m", sa.Double, nullable=False),
        sa.Column("removed_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("athlete_id", "zone_id"),
        sqlite_with_rowid=False,
    )
