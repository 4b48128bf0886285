"""What an account's list said of a file's sport, for when the file is analysed anew without the list."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.add_column("files", sa.Column("kind_given", sa.Text, nullable=False, server_default=""))
