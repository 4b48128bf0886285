"""What an account's list calls an activity."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0008", "0007"


def upgrade() -> None:
    op.add_column("files", sa.Column("title_given", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("title", sa.Text, nullable=False, server_default=""))
