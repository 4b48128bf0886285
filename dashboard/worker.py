"""The process that does long work, as the dashboard starts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dashboard import queries
from pipeline.jobs import is_at_work, start_worker


class Worker:
    """The process that does long work, started where it is missing; it goes on when the server ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it unless it, or another server's, is at work."""
        if (self._process is None or self._process.poll() is not None) and not is_at_work(self._path):
            self._process = start_worker(self._path)

    def start_where_needed(self, workspace: queries.Workspace) -> None:
        """Take up what a server that ended has left."""
        if workspace.load_jobs()["state"].is_in(["waiting", "running"]).any():
            self.start()
