"""Serve the dashboard to this machine's browser: gunicorn, two processes of four threads, 127.0.0.1 only."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from flask import Flask

from dashboard.app import create_app
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

HOST = "127.0.0.1"
PORT = 8050


def served(workspace_path: str) -> Flask:
    """The app of one worker: each has its own connection to the workspace."""
    server: Flask = create_app(workspace_path).server
    return server


def gunicorn_command(workspace_path: Path, port: int) -> list[str]:
    """Gunicorn by itself: what forks its workers must not have run Polars, which would stop in them."""
    return [
        *(sys.executable, "-m", "gunicorn", f"dashboard.serve:served({str(workspace_path.resolve())!r})"),
        *("--bind", f"{HOST}:{port}", "--workers", "2", "--threads", "4", "--worker-class", "gthread"),
        *("--log-level", "warning", "--name", "surefoot", "--timeout", "60"),
    ]


def serve(workspace_path: Path | str, port: int = PORT) -> None:
    """Serve until interrupted, in the place of this process.

    Raises
    ------
    SurefootError : the workspace cannot be opened, or the port is taken.
    """
    Workspace(Path(workspace_path), read_only=True).close()
    _require_free(port)
    print(f"Surefoot is at http://{HOST}:{port} (Ctrl+C ends it)", flush=True)
    os.execv(sys.executable, gunicorn_command(Path(workspace_path), port))


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
