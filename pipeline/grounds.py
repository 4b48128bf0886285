"""A labelled run on its two grounds: how far, how long, how quick the feet."""

from __future__ import annotations

import polars as pl

from pipeline.tables import DataFrame, Segments, Track


def summarise_grounds(track: DataFrame[Track], segments: DataFrame[Segments]) -> pl.DataFrame:
    """One row per terrain: distance_m, moving_s, cadence_spm, grade (by distance, if known), usable share."""
    running = pl.col("gait") == "run"
    usable = running & (pl.col("cadence_flag") == "ok")
    seconds = (
        track.drop_nulls("terrain")
        .group_by(pl.col("terrain").cast(pl.String))
        .agg(
            (pl.col("gait") != "stand").sum().alias("moving_s"),
            pl.col("cadence_spm").filter(usable).mean().alias("cadence_spm"),
            (usable.sum() / running.sum()).fill_nan(None).alias("usable"),
        )
    )
    length = pl.col("end_m") - pl.col("start_m")
    is_known = pl.col("grade_mean").is_not_null()
    ground = segments.group_by(pl.col("terrain").cast(pl.String)).agg(
        length.sum().alias("distance_m"),
        ((pl.col("grade_mean") * length).sum() / length.filter(is_known).sum()).fill_nan(None).alias("grade"),
    )
    return seconds.join(ground, on="terrain", how="full", coalesce=True).sort("terrain")
