"""What the command prints: tables in, lines out. No disk, no terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from pipeline.effect import PREVIEW_WEEKS, Preview, write_p
from pipeline.plan import blocks_of, smallest_p
from pipeline.results import FileResult
from pipeline.schedule import count_schedules
from pipeline.tables import CadenceRules, DataFrame, RejectedFiles, Runs

VERSIONS = ("technical", "difference", "cubic time", "technical alone", "smooth")


def plural(n: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def import_lines(
    results: Iterable[FileResult], known: int, copies: int, *, updated: int = 0, left_old: int = 0
) -> list[str]:
    """The end of an import: how many of each, and why files were set aside, most frequent first."""
    results = list(results)
    count = Counter(result.status for result in results)
    files = len(results) + known + copies
    lines = [
        f"{plural(files, 'file')}: {plural(count['run'], 'new run')}, {known:,} already known, "
        f"{plural(count['duplicate'] + copies, 'duplicate')}, {count['skipped']:,} skipped (not a run), "
        f"{count['rejected']:,} rejected"
    ]
    why = Counter((result.status, _kind_of(result.reason)) for result in results if result.status != "run")
    if copies:
        why["duplicate", "the very same file again"] += copies
    lines += [f"  {n:>5}  {status:<9}  {reason}" for (status, reason), n in why.most_common(12)]
    if len(why) > 12:
        lines.append(f"         and {plural(len(why) - 12, 'other reason')}")
    if updated:
        lines.append(f"{plural(updated, 'file')} of earlier imports analysed anew by this version")
    if left_old:
        lines.append(
            f"{plural(left_old, 'run')} of an older version left as they are: no original was kept, and the "
            "file is not where it was"
        )
    if workouts := sum(bool(result.proposals) for result in results):
        lines.append(f"{plural(workouts, 'workout')} with exercises: `surefoot log --proposals` shows them")
    if count["rejected"]:
        lines.append("`surefoot status --rejected` lists the rejected files with what would do.")
    return lines


def taken_lines(results: Iterable[FileResult], known: int, copies: int) -> list[str]:
    """What became of each file of a watched folder, one line each; those seen before together."""
    lines = [
        f"{r.source_name}: " + ("a new run" if r.status == "run" else f"{r.status}: {r.reason}")
        for r in results
    ]
    if known + copies:
        lines.append(f"{plural(known + copies, 'file')} already known")
    return lines


def import_json(
    results: Iterable[FileResult], known: int, copies: int, *, updated: int = 0, left_old: int = 0
) -> dict[str, Any]:
    """The end of an import for machines: counts, and every new file with what became of it."""
    results = list(results)
    count = Counter(result.status for result in results)
    return {
        "files": len(results) + known + copies,
        "known": known,
        "runs": count["run"],
        "duplicates": count["duplicate"] + copies,
        "skipped": count["skipped"],
        "rejected": count["rejected"],
        "updated": updated,
        "left_old": left_old,
        "results": [
            {"source_name": r.source_name, "status": r.status, "reason": r.reason, "advice": r.advice}
            for r in results
        ],
    }


def status_lines(athlete_id: str, counts: Mapping[str, int], runs: DataFrame[Runs]) -> list[str]:
    """One athlete's recordings at a glance."""
    lines = [
        f"{athlete_id}: {plural(counts['files'], 'file')} seen: {plural(counts['runs'], 'run')}, "
        f"{plural(counts['duplicates'], 'duplicate')}, {counts['skipped']:,} skipped (not a run), "
        f"{counts['rejected']:,} rejected"
    ]
    if len(runs):
        counting = int(runs["counts"].sum())
        days = sorted(runs["local_date"].to_list())
        lines.append(
            f"  runs from {days[0]} to {days[-1]}; {counting:,} count towards the "
            f"answer, {len(runs) - counting:,} do not:"
        )
        why = Counter(_kind_of(reason) for reason in runs.filter(~runs["counts"])["counts_reason"])
        lines += [f"  {n:>5}  {reason}" for reason, n in why.most_common()]
    return lines


def _kind_of(reason: str) -> str:
    """The reason without its figures and names, so that like goes with like."""
    if reason.startswith("the same run as"):
        return "the same run in a better recording is there"
    if "windows" in reason:
        needed = "too little running on technical or on smooth ground (12 windows of 20 s on each are needed)"
        return needed + reason.partition(" are needed")[2]
    if reason.startswith("cadence is usable"):
        return "cadence is usable in less than 70 % of the running"
    return reason


def rejected_lines(rejected: DataFrame[RejectedFiles]) -> list[str]:
    """Each rejected file with its reason and what would do."""
    return [
        f"{row['source_name']}: {row['reason']}" + (f": {row['advice']}" if row["advice"] else "")
        for row in rejected.iter_rows(named=True)
    ]


def not_counting(runs: DataFrame[Runs]) -> list[dict[str, Any]]:
    """The runs that do not enter the answer: day, name, why not, and what was noticed of the recording."""
    return (
        runs.filter(~runs["counts"])
        .select("local_date", "source_name", "counts_reason", "warnings")
        .to_dicts()
    )


def not_counting_lines(runs: DataFrame[Runs]) -> list[str]:
    """Each run that does not count, and why."""
    return [
        f"{row['local_date']}  {row['source_name']}: {row['counts_reason']}"
        + (f" ({row['warnings']})" if row["warnings"] else "")
        for row in not_counting(runs)
    ]


def cadence_lines(runs: DataFrame[Runs], rules: DataFrame[CadenceRules]) -> list[str]:
    """What the cadence of each device and format counts, by how many runs, and which were set by hand."""
    by_hand = set(rules.select("device", "source_format").iter_rows())
    counted = runs.group_by("device", "source_format", "cadence_unit").len().sort(pl.all())
    lines = []
    for device, source_format, unit, n in counted.iter_rows():
        words = "no cadence" if unit == "none" else unit.removesuffix("_per_minute")
        hand = ", set by hand" if (device, source_format) in by_hand else ""
        lines.append(f"{device!r} {source_format}: {words} in {plural(n, 'run')}{hand}")
    asked = runs.filter(pl.col("warnings").str.contains("surefoot cadence", literal=True))
    lines += [f"{row['source_name']}: {row['cadence_unit_reason']}" for row in asked.iter_rows(named=True)]
    return lines


def cadence_set_lines(device: str, unit: str, marked: int, left_old: int) -> list[str]:
    """What became of the stored runs of a device whose cadence unit was set."""
    how = "as its files say" if unit == "auto" else f"in {unit}"
    if not marked:
        return [f"The cadence of {device!r} is counted {how} already: nothing to do"]
    lines = [f"The cadence of {device!r} is counted {how}: {plural(marked - left_old, 'run')} measured anew"]
    if left_old:
        lines.append(
            f"{plural(left_old, 'run')} left as they are: no original was kept, and the file is not where "
            "it was: `surefoot analyse` takes them from where they are now"
        )
    return lines


def answer_lines(athlete_id: str, effects: pl.DataFrame) -> list[str]:
    """The answer: verdict, sentence, what is missing, what to mind, and the versions that should agree."""
    if effects.is_empty():
        return [f"{athlete_id}: there is no answer yet: `surefoot analyse` works it out from runs"]
    rows = {row["outcome"]: row for row in effects.iter_rows(named=True)}
    headline = rows["technical"]
    lines = [f"{athlete_id}: {headline['verdict']}", _paragraph(headline["sentence"])]
    if headline["missing"]:
        lines.append(_paragraph(f"What would help: {headline['missing']}."))
    lines += [_paragraph(f"Mind: {caution}.") for caution in headline["cautions"].split("; ") if caution]
    if headline["estimate"] is not None:
        lines.append(
            "  Change of unsteadiness per 45 more weekly minutes (minus is steadier), 95 % interval:"
        )
        lines += [
            _version_line(name, row)
            for name in VERSIONS
            if (row := rows.get(name)) and row["estimate"] is not None
        ]
        lines.append(
            _paragraph(
                f"p {_p(headline['p'])}, by permuting the log {_p(headline['permutation_p'])}; "
                f"read sceptically {_signed(headline['sceptical'])}. Half-life of the dose: "
                f"{headline['half_life_days']:g} days. Method: {headline['method']}"
            )
        )
    if headline["naive_p"] is not None:
        lines.append(
            _paragraph(
                f"The naive correlation, not to be trusted: r {headline['naive_r']:+.2f}, ".replace("-", "−")
                + f"p {_p(headline['naive_p'])} (raw variability of each run with the balance minutes of the "
                f"28 days before): {headline['naive_reason']}."
            )
        )
    return lines


def sensitivity_lines(athlete_id: str, sensitivity: pl.DataFrame) -> list[str]:
    """How the answer leans on the half-life: a view, never the answer."""
    if sensitivity.is_empty():
        return [f"{athlete_id}: runs and log cannot be fitted, so there is nothing to vary"]
    lines = [f"{athlete_id}: the same question with other half-lives of the dose (21 days were declared)"]
    lines += [
        f"    {row['half_life_days']:>3.0f} days {_signed(row['estimate']):>8}  "
        f"{_signed(row['low'])} to {_signed(row['high'])}, p {_p(row['p'])}"
        for row in sensitivity.iter_rows(named=True)
    ]
    whole = _p(min(sensitivity["p"]))
    lines.append(
        _paragraph(
            f"p, by permuting the log, is corrected for the search; that of the whole search is {whole}. The "
            "intervals are not corrected. This shows how the answer leans on the half-life: it is not an "
            "answer, and the smallest p is no reason to prefer its half-life."
        )
    )
    return lines


def claim_lines(athlete_id: str, claims: pl.DataFrame) -> list[str]:
    """The further claims of the training advice, with what asking several of them costs."""
    if claims.is_empty():
        return [f"{athlete_id}: there are too few runs, or balance work too even, to ask further"]
    lines = [f"{athlete_id}: further claims of the training advice, technical ground (minus is steadier)"]
    lines += [
        f"    {row['claim']:<22} {_signed(row['estimate']):>8}  {_signed(row['low'])} to "
        f"{_signed(row['high'])}, p {_p(row['p'])}, corrected {_p(row['p_adjusted'])}, {row['n_runs']} runs"
        for row in claims.iter_rows(named=True)
    ]
    lines.append(
        _paragraph(
            "Per 45 more weekly minutes; sets without a wobble per 25 points more of them, beside the "
            "minutes; late in the run is the last third against the first. p is corrected for the number of "
            "claims after Benjamini and Hochberg. These stand beside the answer and do not change it: "
            "associations, not proof."
        )
    )
    return lines


def preview_lines(athlete_id: str, preview: Preview) -> list[str]:
    """The smallest change each design could show, and what that rests on."""
    lines = [
        f"{athlete_id}: smallest change per 45 weekly minutes that could be seen (80 % power)",
        f"    {'':<18}" + "".join(f"{weeks:>5} weeks" for weeks in PREVIEW_WEEKS),
    ]
    for design in dict.fromkeys(design for design, _ in preview.detectable):
        cells = (preview.detectable[design, weeks] for weeks in PREVIEW_WEEKS)
        lines.append(
            f"    {design:<18}"
            + "".join(f"{'-' if cell is None else f'{100 * cell:.0f} %':>11}" for cell in cells)
        )
    whose = "from these runs" if preview.noise_is_own else "assumed, since fewer than 20 runs can be used"
    minutes = "as logged" if preview.minutes_are_own else "assumed, since none stand beside runs that count"
    noise = preview.noise
    lines.append(
        _paragraph(
            f"Noise {whose}: SD {noise.sd:.2f} log units, {100 * noise.drift_share:.0f} % of its variance "
            f"drifting over about {noise.tau_days:.0f} days, {preview.runs_per_week:.1f} runs a week. Weeks "
            f"with balance work have {preview.minutes_per_week:.0f} minutes ({minutes}). The order of blocks "
            "is drawn by lot, and that lot's own test needs 8 blocks or more."
        )
    )
    lines.append(
        _paragraph(f"To draw a plan: surefoot plan --athlete {athlete_id} --choose 4 --weeks 40 --out DIR")
    )
    return lines


def preview_json(preview: Preview) -> dict[str, Any]:
    """The same for machines."""
    return {
        "noise": {
            "sd": preview.noise.sd,
            "tau_days": preview.noise.tau_days,
            "drift_share": preview.noise.drift_share,
            "is_own": preview.noise_is_own,
        },
        "runs_per_week": preview.runs_per_week,
        "minutes_per_week": preview.minutes_per_week,
        "detectable": [
            {"design": design, "weeks": weeks, "change": change}
            for (design, weeks), change in preview.detectable.items()
        ],
    }


def plan_lines(plan: Mapping[str, Any], files: Iterable[str]) -> list[str]:
    """A drawn plan, block by block."""
    drawn = f"{plan['drawn_at']:%Y-%m-%d %H:%M} UTC"
    lines = [f"{plan['athlete_id']}: drawn by lot with seed {plan['seed']} at {drawn}"]
    lines += [
        f"    {block.start} to {block.end - timedelta(days=1)}  "
        + ("balance work, 2 to 3 sessions a week" if block.has_work else "no balance work")
        for block in blocks_of(plan)
    ]
    if smallest_p(plan) > 0.05:
        schedules = count_schedules(len(plan["schedule"]))
        lines.append(
            _paragraph(
                f"Mind: only {schedules} schedules could have been drawn, so the plan's own test cannot get "
                "under 5 % and no cause can be named. Eight blocks or more can."
            )
        )
    lines.append(_paragraph(f"It is kept in the workspace; the calendar is in {' and '.join(files)}."))
    return lines


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")


def _version_line(name: str, row: Mapping[str, Any]) -> str:
    return f"    {name:<16} {_signed(row['estimate']):>6}  {_signed(row['low'])} to {_signed(row['high'])}"


def _p(value: float | None) -> str:
    return "-" if value is None else write_p(value)


def _signed(change: float | None) -> str:
    return "-" if change is None else f"{100 * change:+.0f} %".replace("-", "−")
