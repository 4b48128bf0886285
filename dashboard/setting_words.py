"""The settings as the page shows them: fields with their bounds, zones, starts of runs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import polars as pl

from dashboard import queries, words
from pipeline import terrain
from pipeline.adherence import Thresholds
from pipeline.groups import write_names
from pipeline.numeric import local_metres
from pipeline.settings import AthleteSettings
from pipeline.tiles import tile_host

N_RUNS = 100
N_PLACES = 12
TOGETHER_M = 150.0
OF_PLAN = tuple(entry.name for entry in fields(Thresholds))


def setting_fields(settings: AthleteSettings) -> list[dict[str, Any]]:
    """Each setting: key, label, value and default as they are written, bounds, words to choose from."""
    default = {name: text for name, text, _ in AthleteSettings().with_docs()}
    meta = {entry.name: entry.metadata for entry in fields(AthleteSettings)}
    return [
        {
            "key": name,
            "label": words.sentence_case(doc),
            "value": text,
            "default": default[name],
            "bounds": [f"{bound:g}" for bound in meta[name]["bounds"]],
            "words": list(meta[name]["words"]),
        }
        for name, text, doc in settings.with_docs()
    ]


def page_data(workspace: queries.Workspace, athlete_id: str) -> dict[str, Any]:
    """All that the page shows of an athlete but the picture of the starts."""
    tiles, groups = workspace.load_tiles(), workspace.load_groups()
    return {
        "athlete": athlete_id,
        "groups": write_names(groups.filter(athlete_id=athlete_id)["name"]),
        "known_groups": sorted(groups["name"].unique()),
        "fields": setting_fields(workspace.load_settings_of(athlete_id)),
        "zones": [
            {"zone": zone_id, "name": name, "said": f"{radius_m:.0f}{words.NBSP}m about a place"}
            for zone_id, name, radius_m in workspace.load_zones(athlete_id)
            .select("zone_id", "name", "radius_m")
            .iter_rows()
        ],
        "starts": [
            {
                "run": row["run_id"],
                "name": row["place"],
                "said": f"{words.count(row['runs'], 'run')}, last on {words.day(row['last'])}",
            }
            for row in start_places(workspace, athlete_id).iter_rows(named=True)
        ],
        "tiles": tiles,
        "host": tile_host(tiles) if tiles else "",
        "work": work_on_answer(workspace, athlete_id),
    }


def work_on_answer(workspace: queries.Workspace, athlete_id: str) -> dict[str, Any]:
    """Whether the answer is to be made again, why that failed if it did, and the half-lives of both.

    `declared` is the half-life that is set, `answered` that of the answer that is there (null without one).
    """
    jobs = workspace.load_jobs(athlete_id).filter(pl.col("kind") != "upload")
    last = jobs.row(-1, named=True) if len(jobs) else {"state": "", "reason": ""}
    answered = workspace.load_effects(athlete_id)["half_life_days"].to_list()
    return {
        "is_open": bool(jobs["state"].is_in(["waiting", "running"]).any()),
        "failed": words.sentence_case(last["reason"]) if last["state"] == "failed" else "",
        "declared": workspace.load_settings_of(athlete_id).half_life_days,
        "answered": answered[0] if answered else None,
    }


def start_places(workspace: queries.Workspace, athlete_id: str) -> pl.DataFrame:
    """Where the latest runs began, starts within 150 m as one place, those of most runs first.

    Returns
    -------
    place (a letter), run_id (its latest run), runs, last (day), east_m and north_m about the first of them.
    """
    starts = workspace.load_starts(athlete_id, N_RUNS)
    east, north = local_metres(starts["lat_deg"].to_numpy(), starts["lon_deg"].to_numpy())
    seeds: list[int] = []
    place_of = []
    for at in range(len(starts)):
        near = [
            k for k, i in enumerate(seeds) if np.hypot(east[i] - east[at], north[i] - north[at]) < TOGETHER_M
        ]
        if not near:
            seeds.append(at)
        place_of.append(near[0] if near else len(seeds) - 1)
    found = (
        starts.select("run_id", "local_date")
        .with_columns(pl.Series("of", place_of, dtype=pl.Int64))
        .with_columns(pl.Series("east_m", np.round(east)), pl.Series("north_m", np.round(north)))
        .group_by("of", maintain_order=True)
        .agg(
            pl.col("run_id").first(),
            pl.len().alias("runs"),
            pl.col("local_date").max().alias("last"),
            pl.col("east_m", "north_m").mean().round(0),
        )
        .sort("runs", "of", descending=[True, False])
        .head(N_PLACES)
    )
    letters = pl.Series("place", [chr(ord("A") + n) for n in range(len(found))], dtype=pl.String)
    return found.select(letters, "run_id", "runs", "last", "east_m", "north_m")


def terrain_rows() -> list[tuple[str, str, str]]:
    """What makes ground technical, with its fixed middle between smooth and technical ground, and why."""
    rough = [float(np.exp(terrain.ROUGHNESS_MIDDLE[kind])) for kind in ("clean", "typical", "windy")]
    pace, slow, winding = (
        terrain.MIDDLES[name] for name in ("pace_variability", "pace_deficit", "sinuosity")
    )
    return [
        (
            "Roughness: altitude about a smooth curve over 120 m",
            f"{rough[0]:.2f}, {rough[1]:.2f} or {rough[2]:.2f}{words.NBSP}m",
            "by how quiet the watch's altitude is; not used where it has no barometer",
        ),
        ("Pace jumping about, every 5 m", words.percent(float(np.exp(pace)), 1), "over 80 m"),
        (
            "Slower than the quick pace of the run and of 1 km by",
            words.percent(float(-np.expm1(-slow)), 0),
            "grade taken out",
        ),
        (
            "Winding over 100 m",
            f"{np.degrees(np.exp(winding)):.1f}° a metre",
            "change of direction",
        ),
        (
            "Called technical from a probability of",
            words.percent(terrain.TECHNICAL_FROM, 0),
            "all of these together, over all runs there; no stretch is shorter than "
            f"{terrain.MIN_LENGTH_M:.0f}{words.NBSP}m",
        ),
    ]
