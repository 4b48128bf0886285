"""The interval that leaves half-life and shape of the response open."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    op.add_column("effects", sa.Column("wide_low", sa.Double, nullable=True))
    op.add_column("effects", sa.Column("wide_high", sa.Double, nullable=True))
