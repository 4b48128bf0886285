"""A run is found by its number alone, however many athletes there are."""

from alembic import op

revision, down_revision = "0013", "0012"


def upgrade() -> None:
    op.create_index("runs_by_run", "runs", ["run_id"])
