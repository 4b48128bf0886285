"""How the catalogue is searched: by keys, so that an answer costs the same beside a million other runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

OF_ATHLETE = (
    *("load_runs", "load_segments", "load_stability", "load_repeats", "load_stretches", "load_effects"),
    *("load_dose", "load_balance_sessions", "load_files", "load_rejected", "load_plans", "load_marks"),
    *(
        "load_seen",
        "load_passes",
        "load_origins",
        "load_cadence_moments",
        "known_files",
        "counts",
        "load_packs",
    ),
)
ASKED: dict[str, Callable[[Workspace], Any]] = {
    **{name: (lambda workspace, name=name: getattr(workspace, name)("ada")) for name in OF_ATHLETE},
    "load_groups": lambda workspace: workspace.load_groups("ada"),
    "load_run": lambda workspace: workspace.load_run("1"),
    "load_track": lambda workspace: workspace.load_track("1"),
    "load_channels": lambda workspace: workspace.load_channels("1"),
    "segments of a run": lambda workspace: workspace.load_segments(run_id="1"),
    "zones about": lambda workspace: workspace.load_zones_about("ada"),
    "athletes": lambda workspace: workspace.athletes(),
    "everyone": lambda workspace: workspace.everyone(),
}


@pytest.mark.parametrize("asked", ASKED)
def test_no_table_is_read_row_by_row(tmp_path: Path, asked: str) -> None:
    """What is asked of one athlete, one run, or who is there, SQLite finds by keys alone."""
    said: list[tuple[str, Any]] = []
    with Workspace(tmp_path / "w") as workspace:
        engine = workspace._engine

        @sa.event.listens_for(engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            said.append((statement, parameters))

        with suppress(SurefootError):  # nobody is there
            ASKED[asked](workspace)
        queries = [query for query in said if query[0].lstrip().startswith(("SELECT", "WITH"))]
        assert queries
        tables = sa.inspect(engine).get_table_names()
        with engine.connect() as connection:
            for statement, parameters in queries:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                scans = [row[3] for row in plan if row[3].startswith("SCAN") and row[3].split()[1] in tables]
                assert not scans, statement
