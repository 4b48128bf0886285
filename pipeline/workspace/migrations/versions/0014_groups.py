"""Groups of athletes: of the workspace, and of accounts that see them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0014", "0013"


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_groups",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "account"],
            ["account_links.athlete_id", "account_links.account"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account", "athlete_id", "name"),
        sqlite_with_rowid=False,
    )
