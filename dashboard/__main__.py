"""`python -m dashboard --workspace DIR`: serve the dashboard."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dashboard.serve import PORT, serve
from pipeline.errors import SurefootError


@click.command()
@click.option("--workspace", type=click.Path(path_type=Path), default=Path("workspace"), show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
def main(workspace: Path, port: int) -> None:
    """Serve the dashboard to this machine's browser."""
    try:
        serve(workspace, port)
    except SurefootError as error:
        click.echo(f"surefoot: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
