"""The tables of the first workspaces, which bore a number and a digest of their own."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.create_table(
        "balance_sessions",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("drill", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("minutes", sa.Double, nullable=False),
        sa.Column("sets", sa.BigInteger, nullable=True),
        sa.Column("reps", sa.BigInteger, nullable=True),
        sa.Column("hold_s", sa.Double, nullable=True),
        sa.Column("side", sa.Text, nullable=True),
        sa.Column("surface", sa.Text, nullable=True),
        sa.Column("eyes", sa.Text, nullable=True),
        sa.Column("clean_sets", sa.BigInteger, nullable=True),
        sa.Column("wobbles", sa.BigInteger, nullable=True),
        sa.Column("rpe", sa.Double, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("athlete_id", "session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cadence_rules",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("source_format", sa.Text, nullable=False),
        sa.Column("cadence_unit", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "device", "source_format"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dose",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("minutes", sa.Double, nullable=False),
        sa.Column("dose", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "date"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "drill_names",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("logged", sa.Text, nullable=False),
        sa.Column("drill", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "logged"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "effects",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("estimate", sa.Double, nullable=True),
        sa.Column("low", sa.Double, nullable=True),
        sa.Column("high", sa.Double, nullable=True),
        sa.Column("p", sa.Double, nullable=True),
        sa.Column("permutation_p", sa.Double, nullable=True),
        sa.Column("n_runs", sa.BigInteger, nullable=False),
        sa.Column("weeks", sa.Double, nullable=False),
        sa.Column("dose_contrast", sa.Double, nullable=True),
        sa.Column("detectable", sa.Double, nullable=True),
        sa.Column("sceptical", sa.Double, nullable=True),
        sa.Column("se", sa.Double, nullable=True),
        sa.Column("df", sa.BigInteger, nullable=True),
        sa.Column("naive_r", sa.Double, nullable=True),
        sa.Column("naive_p", sa.Double, nullable=True),
        sa.Column("plan_p", sa.Double, nullable=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("missing", sa.Text, nullable=False),
        sa.Column("cautions", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "outcome"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "files",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("source_name", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("advice", sa.Text, nullable=False),
        sa.Column("cadence_unit_given", sa.Text, nullable=False),
        sa.Column("analysis_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "content_sha256"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "packs",
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("analysis_version", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pack_id"),
    )
    op.create_index("ix_packs_athlete_id", "packs", ["athlete_id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("start", sa.Date, nullable=False),
        sa.Column("block_weeks", sa.BigInteger, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("drawn_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "start"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "proposed_sessions",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("drill", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("minutes", sa.Double, nullable=False),
        sa.Column("sets", sa.BigInteger, nullable=False),
        sa.Column("reps", sa.BigInteger, nullable=True),
        sa.Column("hold_s", sa.Double, nullable=True),
        sa.Column("source_name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "path"),
    )
    op.create_table(
        "settings",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("start_time", sa.DateTime, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("sport", sa.Text, nullable=False),
        sa.Column("sub_sport", sa.Text, nullable=False),
        sa.Column("source_format", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("device_epoch", sa.Text, nullable=False),
        sa.Column("cadence_unit", sa.Text, nullable=False),
        sa.Column("cadence_unit_reason", sa.Text, nullable=False),
        sa.Column("sampling", sa.Text, nullable=False),
        sa.Column("altitude_class", sa.Text, nullable=False),
        sa.Column("distance_m", sa.Double, nullable=True),
        sa.Column("moving_s", sa.Double, nullable=False),
        sa.Column("ascent_m", sa.Double, nullable=True),
        sa.Column("technical_s", sa.Double, nullable=True),
        sa.Column("technical_share", sa.Double, nullable=True),
        sa.Column("walking_share", sa.Double, nullable=True),
        sa.Column("cadence_identical_share", sa.Double, nullable=True),
        sa.Column("cadence_step_spm", sa.Double, nullable=True),
        sa.Column("quality", sa.Double, nullable=False),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("counts_reason", sa.Text, nullable=False),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("source_name", sa.Text, nullable=False),
        sa.Column("analysis_version", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "content_sha256"], ["files.athlete_id", "files.content_sha256"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("athlete_id", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("runs_by_content", "runs", ["athlete_id", "content_sha256"], unique=False)
    op.create_index("runs_by_start", "runs", ["athlete_id", "start_time"], unique=False)
    op.create_table(
        "placements",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("cadence_moments", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pack_id"],
            ["packs.pack_id"],
        ),
        sa.PrimaryKeyConstraint("athlete_id", "run_id"),
    )
    op.create_index("ix_placements_pack_id", "placements", ["pack_id"], unique=False)
    op.create_table(
        "segments",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("terrain", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("start_m", sa.Double, nullable=False),
        sa.Column("end_m", sa.Double, nullable=False),
        sa.Column("grade_mean", sa.Double, nullable=True),
        sa.Column("technicality_mean", sa.Double, nullable=True),
        sa.Column("passes", sa.BigInteger, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("edited", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("athlete_id", "run_id", "segment_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stability",
        sa.Column("athlete_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("terrain", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("low", sa.Double, nullable=True),
        sa.Column("high", sa.Double, nullable=True),
        sa.Column("n_windows", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id", "run_id"], ["runs.athlete_id", "runs.run_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("athlete_id", "run_id", "terrain", "direction", "metric"),
        sqlite_with_rowid=False,
    )
