"""The dashboard's part of `make bench` in its smallest form: what it calls is there. No time is judged."""

from pathlib import Path
from typing import Any

import pytest
from browsing import DESKTOP, serve
from playwright.sync_api import Browser
from urllib3 import PoolManager

from pipeline.workspace import Workspace
from tests import bench_dashboard, many_runs
from tests.bare_page import served


def test_the_bench_of_the_dashboard(
    browser: Browser, week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is opened over a small workspace, and each question of its page is asked again."""
    add: Any = many_runs.add_long_run
    monkeypatch.setattr(many_runs, "write_season", lambda *_: week)
    monkeypatch.setattr(many_runs, "add_long_run", lambda *of: add(*of, seconds=600))
    monkeypatch.setattr(bench_dashboard, "ROUNDS", 1)
    path, long_id = many_runs.make_many_runs(tmp_path, 1, 4)
    wanted = bench_dashboard.pages("runner 1", long_id, long_id)["run of 6 hours"]
    with Workspace(path, read_only=True) as workspace, serve(workspace) as address:
        context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        opened = bench_dashboard.open_page(context, address + wanted.address, wanted)
        context.close()
        assert 0 < opened.drawn_ms <= opened.all_ms
        assert any("run-head.children" in output for output in opened.bodies)
        for body in opened.bodies.values():
            assert bench_dashboard.time_callback(PoolManager(), address, body)[0] > 0


def test_its_bound_is_served() -> None:
    """The page that the others are held against is an app of its own, served as the dashboard is."""
    assert "tests.bare_page:served()" in bench_dashboard.bare(8050)
    answered = served().test_client().get("/_dash-layout")
    assert "One chart" in answered.text
