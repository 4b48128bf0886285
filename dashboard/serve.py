"""Serve the dashboard to this machine's browser: gunicorn, two processes of four threads, 127.0.0.1 only."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from dashboard.app import create_app
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

HOST = "127.0.0.1"
PORT = 8050


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn set up from here rather than from its command line."""

    def __init__(self, workspace_path: Path, port: int) -> None:
        self.workspace_path = workspace_path
        self.port = port
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{HOST}:{self.port}",
            "workers": 2,
            "threads": 4,
            "worker_class": "gthread",
            "loglevel": "warning",
            "proc_name": "surefoot",
            "timeout": 60,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The app of one worker: each has its own connection to the workspace."""
        return create_app(self.workspace_path).server


def serve(workspace_path: Path | str, port: int = PORT) -> None:
    """Serve until interrupted.

    Raises
    ------
    SurefootError : the workspace cannot be opened, or the port is taken.
    """
    # Opened and closed before the workers fork: a connection must not be shared with a child.
    Workspace(Path(workspace_path), read_only=True).close()
    _require_free(port)
    print(f"Surefoot is at http://{HOST}:{port} (Ctrl+C ends it)", flush=True)
    _Server(Path(workspace_path), port).run()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SurefootError(
                f"port {port} of this machine cannot be used ({error.strerror})",
                f"end what uses it, or choose another one: --port {port + 1}",
            ) from None
