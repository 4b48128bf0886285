"""The commands for what an athlete and a workspace may set: settings, and zones in which runs are hidden."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from pipeline.cli.terminal import any_athlete_option, athlete_option, choose_athletes, say, workspace_option
from pipeline.errors import SurefootError
from pipeline.privacy import draw_zone
from pipeline.setting_changes import change_settings, make_again, start_of
from pipeline.settings import AthleteSettings
from pipeline.tables import DataFrame, Zones
from pipeline.tiles import check_tiles, tile_host
from pipeline.workspace import Workspace

TILES = "tiles"


@click.command()
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@any_athlete_option
@workspace_option
def settings(changes: tuple[str, ...], athlete_id: str | None, folder: Path) -> None:
    """The athlete's settings, and tiles=ADDRESS of the whole workspace.

    KEY=VALUE sets one, KEY= gives its default back; without any they are listed. Zones are set by
    `surefoot zone`; light and dark are remembered by each browser.
    """
    texts: dict[str, str] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{change!r} is not KEY=VALUE", click.get_current_context())
        texts[key] = text
    tiles = texts.pop(TILES, None)
    if athlete_id is None and (texts or tiles is None):
        raise click.UsageError("say whose settings: --athlete ID", click.get_current_context())
    template = None if tiles is None else check_tiles(tiles)
    with Workspace(folder, read_only=True) as workspace:
        own = None
        if athlete_id is not None:
            choose_athletes(workspace, athlete_id)
            own = workspace.load_settings_of(athlete_id)
    if texts or template is not None:
        with Workspace(folder) as workspace, workspace.writer_lock():
            if athlete_id is not None and texts:
                changed = change_settings(workspace, athlete_id, texts)
                make_again(workspace, changed.due)
                own = changed.settings
            if template is not None:
                workspace.save_tiles(template)
    with Workspace(folder, read_only=True) as workspace:
        say(_settings_lines(own, workspace.load_tiles()))


def _settings_lines(own: AthleteSettings | None, tiles: str) -> list[str]:
    """Each setting with its value and what it is."""
    lines = [f"{name}={value}  ({doc})" for name, value, doc in own.with_docs()] if own else []
    told = (
        f"the dashboard asks {tile_host(tiles)} for the ground, which learns where the runs were"
        if tiles
        else "none: tracks are drawn on plain ground, and no host is asked"
    )
    return [*lines, f"{TILES}={tiles}  (of the workspace; {told})"]


@click.command()
@click.argument("name", required=False)
@athlete_option
@click.option("--at", "place", metavar="LAT,LON", help="The place, in degrees.")
@click.option("--start-of", "run_id", metavar="RUN", help="The place where this run began.")
@click.option(
    "--radius", "radius_m", type=float, default=500.0, show_default=True, help="Metres, 100 to 2000."
)
@click.option("--remove", is_flag=True, help="Take the zone NAME back.")
@workspace_option
def zone(
    name: str | None,
    athlete_id: str,
    place: str | None,
    run_id: str | None,
    radius_m: float,
    remove: bool,
    folder: Path,
) -> None:
    """Hide the parts of runs near a place, in the dashboard, the report and `surefoot export`.

    Without a NAME the zones are listed. What is hidden is a disc about a point beside the place, drawn by lot
    when the zone is made; results stay those of the whole run, and `surefoot archive` keeps all.
    """
    context = click.get_current_context()
    given = sum((place is not None, run_id is not None, remove))
    if name is None and given:
        raise click.UsageError("a zone needs a NAME, such as home", context)
    if name is not None and given != 1:
        raise click.UsageError(
            "name the place by --at LAT,LON or --start-of RUN, or --remove the zone", context
        )
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        zones = workspace.load_zones(athlete_id)
    if name is None:
        say(_zone_lines(zones))
        return
    with Workspace(folder) as workspace:
        if remove:
            found = zones.filter(name=name)
            if found.is_empty():
                names = ", ".join(zones["name"]) or "none"
                raise SurefootError(f"{athlete_id} has no zone {name!r}", f"there is {names}")
            workspace.move_zone(athlete_id, found["zone_id"][0], datetime.now(UTC))
            say([f"{name} is taken back: runs near it are shown whole again"])
            return
        lat, lon = start_of(workspace, athlete_id, run_id) if run_id is not None else _place(place or "")
        workspace.save_zone(draw_zone(athlete_id, name, lat, lon, radius_m))
        say([f"{name}: all within {radius_m:g} m of that place, and a little more, is hidden from now on"])


def _place(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise click.UsageError(
            f"{text!r} is not LAT,LON, such as 46.57,7.91", click.get_current_context()
        ) from None
    return lat, lon


def _zone_lines(zones: DataFrame[Zones]) -> list[str]:
    lines = [
        f"{name}: {radius_m:g} m about a place" for name, radius_m in zones.select("name", "radius_m").rows()
    ]
    return lines or ["Nothing is hidden"]
