"""Every table of Surefoot, declared once: columns, units, keys, what must hold.

A schema is a type as well: a stage that takes `DataFrame[Track]` cannot be handed a table of
segments. Units are in the column's name; `unit` and `doc` in the metadata feed docs/data-model.md.
Intervals are half-open, `[start, end)`; times are UTC; dimensionless columns are fractions.
"""

from __future__ import annotations

import dataframely as dy
from dataframely import DataFrame as DataFrame

from pipeline.beside_tables import Claims as Claims
from pipeline.beside_tables import Groups as Groups
from pipeline.beside_tables import NormalRanges as NormalRanges
from pipeline.beside_tables import Residuals as Residuals
from pipeline.beside_tables import Sensitivity as Sensitivity
from pipeline.beside_tables import Triage as Triage
from pipeline.columns import TERRAINS as TERRAINS
from pipeline.columns import choice, count, day, instant, meta, number, text
from pipeline.log_tables import Adherence as Adherence
from pipeline.log_tables import BalanceSessions as BalanceSessions
from pipeline.log_tables import Dose as Dose
from pipeline.log_tables import DoseByCategory as DoseByCategory
from pipeline.log_tables import DrillNames as DrillNames
from pipeline.log_tables import ProposedSessions as ProposedSessions
from pipeline.log_tables import Settings as Settings

DIRECTIONS = ("up", "level", "down")
GAITS = ("run", "walk", "stand")
CADENCE_FLAGS = ("ok", "missing", "spike", "frozen", "half", "double")
CADENCE_UNITS = ("strides_per_minute", "steps_per_minute", "none")
SAMPLINGS = ("1 Hz", "smart")
JOB_KINDS = ("upload", "answer", "labels")
VERDICTS = (
    "not enough data",
    "cannot be answered from this log",
    "not precise enough",
    "steadier with more balance work",
    "less steady with more balance work",
    "no effect of 10 % or more",
    "cannot tell yet",
)


class Records(dy.Schema):
    """One row per record message of a file, in file order. Further channels may follow these."""

    timestamp = instant("time of the record", nullable=True)
    lat_deg = number("deg", "latitude, WGS 84", min=-90, max=90)
    lon_deg = number("deg", "longitude, WGS 84", min=-180, max=180)
    altitude_m = number("m", "altitude (the enhanced field where there is one)")
    distance_m = number("m", "distance since the start, as the device counted it")
    speed_mps = number("m/s", "speed (the enhanced field where there is one)")
    cadence_spm = number("steps/min", "steps of both feet per minute")
    heart_rate_bpm = number("beats/min", "heart rate")


class TimerEvents(dy.Schema):
    """When the device's timer ran: one row per start or stop, in file order."""

    timestamp = instant("time of the event")
    event_type = choice("the timer started or stopped", ("start", "stop"))


class Runs(dy.Schema):
    """One row per run."""

    run_id = text("first 16 digits of the content's SHA-256, -2 for the second run of a file", key=True)
    athlete_id = text("whose run it is")
    start_time = instant("first record")
    local_date = day("the day where the runner was")
    title = text("what its owner called it in the account's list, empty where unknown")
    sport = text("FIT sport")
    sub_sport = text("FIT sub-sport, empty where unknown")
    source_format = choice("format of the file", ("fit", "gpx", "tcx"))
    device = text("maker and product as the file says, empty where unknown")
    device_epoch = text("device, firmware and sampling: steadiness is comparable within one epoch only")
    cadence_unit = choice("what the file's cadence counted", CADENCE_UNITS)
    cadence_unit_reason = text("the evidence for that")
    sampling = choice("one record a second, or smart recording", SAMPLINGS)
    altitude_class = choice(
        "quality of the altitude, from its own noise", ("clean", "typical", "windy", "gps", "none")
    )
    distance_m = number("m", "distance", min=0)
    elapsed_s = number("s", "seconds from the first record to the last, pauses among them", min=0)
    moving_s = number("s", "seconds in motion", nullable=False, min=0)
    ascent_m = number("m", "ascent of the smoothed altitude", min=0)
    technical_s = number("s", "seconds run on technical ground", min=0)
    technical_share = number("", "share of the moving distance on technical ground", min=0, max=1)
    walking_share = number("", "share of the moving seconds that were walked", min=0, max=1)
    cadence_identical_share = number("", "share of consecutive 1 s cadences that are equal", min=0, max=1)
    cadence_step_spm = number("steps/min", "smallest step in which cadence is stored", min=0)
    quality = number(
        "", "cadence quality: share of running seconds with usable cadence", nullable=False, min=0, max=1
    )
    counts = dy.Bool(metadata=meta("", "whether the run enters the answer"))
    counts_reason = text("why the run does not count, empty where it does")
    warnings = text("what a person should know of this recording, '; ' between")
    content_sha256 = text("SHA-256 of the file's content")
    source_name = text("the file's name as it was given")
    analysis_version = count("version of the analysis that made this row")


class Track(dy.Schema):
    """One row per second of a run, gaps left out."""

    run_id = text("the run", key=True)
    elapsed_s = count("seconds since the run's start", unit="s", key=True)
    timestamp = instant("time of the second")
    lat_deg = number("deg", "latitude, interpolated over gaps up to 10 s", min=-90, max=90)
    lon_deg = number("deg", "longitude, interpolated over gaps up to 10 s", min=-180, max=180)
    altitude_m = number("m", "altitude as recorded")
    distance_m = number("m", "distance since the start")
    speed_mps = number("m/s", "speed", min=0)
    cadence_spm = number("steps/min", "cadence, never carried over more than 3 s", min=0)
    heart_rate_bpm = number("beats/min", "heart rate", min=0)
    grade = number("", "rise over run, 0.12 is 12 %", min=-0.4, max=0.4)
    gap_speed_mps = number("m/s", "grade-adjusted speed", min=0)
    gait = choice("decided on a slow scale, so that a stumble stays in", GAITS)
    cadence_flag = choice("whether the second's cadence can be used", CADENCE_FLAGS)
    technicality = number("", "probability of technical ground, of the segment", min=0, max=1)
    terrain = choice("the ground's label", TERRAINS, nullable=True)
    segment_id = count("the segment it lies in", nullable=True)


class Channels(dy.Schema):
    """One row per second and further channel of a run: running dynamics, power, developer fields.

    Long, since every watch has its own channels: one table holds them all.
    """

    run_id = text("the run", key=True)
    elapsed_s = count("seconds since the run's start", unit="s", key=True)
    channel = text("name with its unit, 'dev_0_' and the like before those of a developer's field", key=True)
    value = dy.Float32(metadata=meta("", "in the unit that the channel's name ends with"))


class Grid(dy.Schema):
    """One row per 5 m of moving distance of a run: what is known of the ground there from this pass."""

    run_id = text("the run", key=True)
    cell = count("index along the run", key=True)
    distance_m = number("m", "moving distance at the cell's start", nullable=False, min=0)
    elapsed_s = number("s", "when the runner came there", nullable=False, min=0)
    lat_deg = number("deg", "latitude")
    lon_deg = number("deg", "longitude")
    heading_deg = number("deg", "direction of travel, clockwise from north", min=0, max=360)
    altitude_m = number("m", "altitude as recorded")
    grade = number("", "rise over run", min=-0.4, max=0.4)
    altitude_roughness = number("", "log SD (m) over 60 m of altitude about its quadratic over 120 m")
    pace_variability = number("", "log SD over 40 m of the change of log speed every 5 m, mean over 80 m")
    pace_deficit = number(
        "", "log of the 80th percentile of grade-adjusted speed (mean of run and 1 km), minus now"
    )
    sinuosity = number("", "log RMS heading change per metre (rad/m) over 60 m, mean over 100 m")
    abs_grade = number("", "|grade| over 50 m", min=0)
    score = number("", "log odds of technical ground, as this pass alone says")


class Segments(dy.Schema):
    """One row per stretch of one terrain and direction."""

    run_id = text("the run", key=True)
    segment_id = count("index along the run", key=True)
    terrain = choice("the ground's label", TERRAINS)
    direction = choice("up above +3 %, down below -3 %", DIRECTIONS)
    start_s = number("s", "start, elapsed", nullable=False, min=0)
    end_s = number("s", "end, elapsed, not included", nullable=False, min=0)
    start_m = number("m", "start, distance", nullable=False, min=0)
    end_m = number("m", "end, distance, not included", nullable=False, min=0)
    grade_mean = number("", "mean grade")
    technicality_mean = number("", "mean probability of technical ground", min=0, max=1)
    passes = count("how many runs the label of this place rests on (median over the stretch)")
    reasons = text("the two main reasons for the label, in words")
    edited = dy.Bool(metadata=meta("", "marked by the user"))


class Stability(dy.Schema):
    """One row per run, terrain, direction and metric."""

    run_id = text("the run", key=True)
    terrain = choice("the ground", TERRAINS, key=True)
    direction = choice("direction, or all of them", ("all", *DIRECTIONS), key=True)
    metric = text("name in metrics.METRICS, or walking_share", key=True)
    value = number("", "the metric's value")
    low = number("", "lower end of its 95 % interval (block bootstrap over windows)")
    high = number("", "upper end of its 95 % interval")
    n_windows = count("20 s windows it rests on, 0 for walking_share")
    seconds = number(
        "s", "seconds of running it rests on, of walking_share all seconds in motion", nullable=False, min=0
    )


class Stretches(dy.Schema):
    """One row per point of a stretch of 500 m by which it is known again: a point every 50 m."""

    stretch_id = text("name of the stretch, made of its points", key=True)
    point = count("index along it", key=True)
    rank = count("how many stretches were known before it")
    lat_deg = number("deg", "latitude", nullable=False, min=-90, max=90)
    lon_deg = number("deg", "longitude", nullable=False, min=-180, max=180)
    heading_deg = number("deg", "direction of travel, clockwise from north", nullable=False, min=0, max=360)


class Repeats(dy.Schema):
    """One row per time that a run passed a stretch of trail, of stretches that 5 runs or more passed.

    What differs between two passes beside steadiness (weather, device, what came before) stays in.
    """

    stretch_id = text("the stretch: 500 m of trail in one direction", key=True)
    run_id = text("the run", key=True)
    pass_in_run = count("0 for the first time within the run", key=True)
    local_date = day("day of the run")
    start_s = number("s", "start, elapsed", nullable=False, min=0)
    end_s = number("s", "end, elapsed, not included", nullable=False, min=0)
    start_m = number("m", "start, distance", nullable=False, min=0)
    end_m = number("m", "end, distance, not included", nullable=False, min=0)
    grade_mean = number("", "mean grade", min=-0.4, max=0.4)
    technicality_mean = number("", "mean technicality", min=0, max=1)
    cadence_cv = number("", "the metric of that name over the windows of this pass")
    low = number("", "lower end of its 95 % interval, empty below 6 windows")
    high = number("", "upper end of its 95 % interval")
    n_windows = count("20 s windows it rests on")
    seconds = number("s", "seconds of running it rests on", nullable=False, min=0)


class Effects(dy.Schema):
    """One row per athlete and outcome: the answer with its uncertainty."""

    athlete_id = text("whose answer it is", key=True)
    outcome = text("what was asked, 'technical' is the headline", key=True)
    estimate = number("", "change of unsteadiness per 45 weekly minutes, -0.09 is 9 % steadier")
    low = number("", "lower end of the 95 % interval")
    high = number("", "upper end of the 95 % interval")
    wide_low = number("", "lower end for 45 min/week against none, half-life and shape left open")
    wide_high = number("", "upper end of that 95 % interval")
    p = number("", "two-sided p value of the estimate", min=0, max=1)
    permutation_p = number("", "p value of the block permutation of the log", min=0, max=1)
    n_runs = count("runs that count")
    weeks = number("weeks", "length of the period", nullable=False, min=0)
    half_life_days = number("days", "half-life of the dose that was declared", nullable=False, min=0)
    dose_contrast = number("45 min/week", "SD of dose/45 after trend and weekend", min=0)
    detectable = number("", "change that could be seen with 80 % power, as a fraction", min=0)
    sceptical = number("", "estimate under a prior centred on no effect (SD 0.10)")
    se = number("log", "standard error of the log change that `estimate` shows", min=0)
    df = count("degrees of freedom of the interval", nullable=True)
    naive_r = number("", "the naive correlation of raw variability with 28-day minutes: not to be trusted")
    naive_p = number("", "p value of the naive correlation: not to be trusted", min=0, max=1)
    naive_reason = text("why the naive correlation must not be trusted, empty where there is none")
    plan_p = number("", "p value of the randomisation of a drawn plan that is over", min=0, max=1)
    verdict = choice("the stated rule's verdict", VERDICTS)
    sentence = text("the answer in plain words")
    missing = text("what is missing for an answer, empty where nothing is")
    cautions = text("what speaks against reading more into it, '; ' between")
    method = text("name and version of the method")


class Plans(dy.Schema):
    """One row per athlete and drawn plan: when balance work is to be done, by lot."""

    athlete_id = text("whose plan it is", key=True)
    start = day("first day", key=True)
    block_weeks = count("weeks of a block", unit="weeks")
    schedule = text("one letter a block: 1 with balance work, 0 without")
    seed = count("seed of the draw")
    drawn_at = instant("when it was drawn")


class Files(dy.Schema):
    """One row per athlete and file content ever seen: what became of it."""

    athlete_id = text("for whom it was read", key=True)
    content_sha256 = text("SHA-256 of the content", key=True)
    source_name = text("the file's name as it was first given")
    size_bytes = count("size", unit="bytes")
    status = choice("what became of it", ("run", "duplicate", "skipped", "rejected"))
    reason = text("why it is not a run of its own, empty where it is")
    advice = text("what would do, empty where nothing needs doing")
    cadence_unit_given = text("what `--cadence-unit` said of it, empty where the device or the file decides")
    kind_given = text("its sport as the account's list beside it says, empty where there is none")
    title_given = text("what that list calls it, empty where there is none")
    analysis_version = count("version of the analysis that decided, 0 where it is to be analysed anew")


class CadenceRules(dy.Schema):
    """One row per athlete, device and format whose cadence unit was set by hand."""

    athlete_id = text("whose device it is", key=True)
    device = text("the device as in runs", key=True)
    source_format = choice("format of its files", ("fit", "gpx", "tcx"), key=True)
    cadence_unit = choice("what its cadence counts", CADENCE_UNITS)


class Marks(dy.Schema):
    """One row per stretch that its runner marked as technical or smooth; the latest one wins."""

    athlete_id = text("whose mark it is", key=True)
    mark_id = text("to undo it by", key=True)
    marked_at = instant("when it was marked")
    run_id = text("the run on which it was drawn")
    start_m = number("m", "start of the stretch on that run, distance", nullable=False, min=0)
    end_m = number("m", "end of the stretch on that run, distance", nullable=False, min=0)
    terrain = choice("what the runner says of it", TERRAINS)
    way = text("latitude, longitude, direction (deg) of each point of it, '; ' between; empty if unknown")


class LabelChanges(dy.Schema):
    """One row per time that the labels of a run changed after it was first labelled."""

    athlete_id = text("whose run it is", key=True)
    run_id = text("the run", key=True)
    version = count("2 for the first change, then one more each time", key=True)
    changed_at = instant("when")
    changed_share = number(
        "", "share of the distance whose label changed; unknown after a new analysis", min=0, max=1
    )
    reason = text("why, in words")


class Jobs(dy.Schema):
    """One row per piece of long work: an upload with its files, or an answer or labels to be made again."""

    athlete_id = text("for whom it is", key=True)
    job_id = text("number of the job", key=True)
    kind = choice("what is to be done", JOB_KINDS)
    created_at = instant("when it was begun")
    state = choice(
        "uploading until all bytes are there, then waiting for its process, running, done or failed",
        ("uploading", "waiting", "running", "done", "failed"),
    )
    files = text("name and bytes of each file, as JSON")
    progress = text("files, done, set_aside, doing of the import, as JSON")
    result = text("what became of the files, as JSON")
    reason = text("why it failed, empty where it did not")
    attempts = count("how often a process took it up")


class Zones(dy.Schema):
    """One row per place near which an athlete's runs are hidden; the place itself is not kept."""

    athlete_id = text("whose runs are hidden", key=True)
    zone_id = text("to take it back by", key=True)
    name = text("what its athlete calls it")
    radius_m = number("m", "about the place that was chosen, as it was asked for", nullable=False, min=0)
    lat_deg = number("deg", "middle of what is hidden: not the place", nullable=False, min=-90, max=90)
    lon_deg = number("deg", "middle of what is hidden: not the place", nullable=False, min=-180, max=180)
    hidden_m = number("m", "about that middle, all within is hidden", nullable=False, min=0)
    removed_at = instant("when it was taken back, empty while it hides", nullable=True)


class Starts(dy.Schema):
    """One row per run: where it began."""

    run_id = text("the run", key=True)
    local_date = day("its day")
    lat_deg = number("deg", "latitude of its first position", nullable=False, min=-90, max=90)
    lon_deg = number("deg", "longitude of its first position", nullable=False, min=-180, max=180)


class RejectedFiles(dy.Schema):
    """One row per file that could not be used."""

    source_name = text("the file's name", key=True)
    content_sha256 = text("SHA-256 of the content", key=True)
    reason = text("what is wrong")
    advice = text("what would do")


PUBLIC: dict[str, type[dy.Schema]] = {
    "runs": Runs,
    "track": Track,
    "channels": Channels,
    "grid": Grid,
    "segments": Segments,
    "stability": Stability,
    "repeats": Repeats,
    "balance_sessions": BalanceSessions,
    "dose": Dose,
    "dose_by_category": DoseByCategory,
    "adherence": Adherence,
    "effects": Effects,
    "residuals": Residuals,
    "normal_ranges": NormalRanges,
    "plans": Plans,
    "cadence_rules": CadenceRules,
    "marks": Marks,
    "label_changes": LabelChanges,
    "groups": Groups,
    "rejected": RejectedFiles,
}
