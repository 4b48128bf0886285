"""What the dashboard keeps of a workspace, and for how long."""

from pathlib import Path

import polars as pl

from dashboard.memo import MOST_KEPT, KeptWorkspace, Memo
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace

LOG = "date,drill,minutes\n2026-01-05,tree pose,10\n"


def log(path: Path, text: str) -> None:
    """Another process takes a log in."""
    with Workspace(path) as workspace:
        take_in_log(workspace, "ada", parse_balance_log("log.csv", text.encode(), "ada"))


def test_a_table_is_read_once_and_again_after_a_change(tmp_path: Path) -> None:
    """The very same table comes back until another process writes; then the new rows are in it."""
    log(tmp_path, LOG)
    with KeptWorkspace(tmp_path) as workspace:
        first = workspace.load_balance_sessions("ada")
        assert workspace.load_balance_sessions("ada") is first
        assert workspace.load_balance_sessions("eve").is_empty()
        log(tmp_path, LOG + "2026-01-07,plank,20\n")
        assert workspace.load_balance_sessions("ada")["minutes"].to_list() == [10.0, 20.0]


def test_every_table_is_the_workspace_s_own(tmp_path: Path) -> None:
    """What is kept is what a workspace that keeps nothing reads."""
    log(tmp_path, LOG)
    with KeptWorkspace(tmp_path) as kept, Workspace(tmp_path, read_only=True) as plain:
        for name in ("load_runs", "load_stability", "load_repeats", "load_balance_sessions"):
            ours, theirs = getattr(kept, name)("ada"), getattr(plain, name)("ada")
            assert isinstance(ours, pl.DataFrame)
            assert ours.equals(theirs)


def test_the_oldest_result_is_let_go() -> None:
    """More results than are kept: the first one is made again, the last one is not."""
    made: list[int] = []
    memo = Memo(lambda: "the same")
    for key in range(MOST_KEPT + 1):
        memo(key, lambda key=key: made.append(key))  # type: ignore[misc]
    memo(MOST_KEPT, lambda: made.append(MOST_KEPT))
    assert made == [*range(MOST_KEPT + 1)]
    memo(0, lambda: made.append(0))
    assert made == [*range(MOST_KEPT + 1), 0]
