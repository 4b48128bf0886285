"""Spoilt files through the reader and the analysis: `make fuzz ARGS="--mutants 20000"`.

Each mutant is made from its number alone, so `--only NUMBER` makes it again (`--save FILE` keeps it). It must
become runs, "not a run" or "rejected" within the limits below; whatever else happens is a finding.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random

import polars as pl

from pipeline.engine import Done, LocalEngine, start_item
from pipeline.errors import NotARun, Rejected
from pipeline.ingest import check_run, read_activity, running_sessions
from pipeline.ingest.archive import members
from pipeline.tables import Records, Runs
from pipeline.workflow import analyse_run
from tests.mutate import mutate, pack

LIMIT_S = 5.0
LIMIT_BYTES, LIMIT_TIMES = 64 * 2**20, 20
"""Memory may grow by 64 MB and 20 times the size of the file, for archives of what they unpack to."""
HANGS_S = 60.0
SMALL_BYTES = 200_000
BATCH = 50
FOLDERS = (
    Path(__file__).parents[2] / "shared" / "corpus",
    Path(__file__).parents[1] / "sample_data" / "season",
)
KINDS = (".fit", ".gpx", ".tcx", ".gz", ".zip")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant. `finding` is empty where all is well."""

    number: int
    kind: str
    outcome: str
    seconds: float
    grown_bytes: int
    recipe: str
    finding: str = ""


@cache
def sources(folder: Path) -> tuple[Path, ...]:
    """Every recording of the folder, in a fixed order."""
    return tuple(sorted(p for p in folder.rglob("*") if p.suffix.lower() in KINDS))


def make_mutant(folder: Path, number: int) -> tuple[str, bytes, str]:
    """Kind, content and recipe of one mutant; the same number gives the same bytes."""
    rng = Random(number)
    files = sources(folder)
    chosen = [rng.choice(files) for _ in range(rng.choice((1, 1, 1, 1, 1, 1, 2, 3)))]
    if any(p.stat().st_size > SMALL_BYTES for p in chosen) and rng.random() < 0.7:
        chosen = [min((rng.choice(files) for _ in range(5)), key=lambda p: p.stat().st_size)]
    contents = [p.read_bytes() for p in chosen]
    recipe = [str(p.relative_to(folder)) for p in chosen]
    if len(chosen) == 1 and rng.random() < 0.93:
        content, done = mutate(rng, contents[0])
        return chosen[0].suffix.lower(), content, "; ".join(recipe + done)
    content, how = pack(rng, contents)
    content, done = mutate(rng, content)
    return "archive", content, "; ".join([*recipe, how, *done])


def outcome_of(content: bytes) -> str:
    """What the whole of Surefoot makes of a recording; what else it raises goes through."""
    try:
        activity = read_activity("mutant", content)
        Records.validate(activity.records.select(Records.column_names()))
        check_run(activity)
        for session in running_sessions(activity):
            run = analyse_run(session, run_id="mutant", athlete_id="nobody").run
            Runs.validate(pl.DataFrame([run], schema=Runs.create_empty().schema))
    except NotARun:
        return "not a run"
    except Rejected:
        return "rejected"
    return "run"


def measure(content: bytes, work: Callable[[bytes], str] = outcome_of) -> tuple[int, str]:
    """How much memory `work` on a recording takes [bytes], and what became of it."""
    before = _memory(reset=True)
    outcome = work(content)
    return _memory() - before, outcome


def judge(folder: Path, number: int) -> Verdict:
    """Put one mutant through, with its time and its memory."""
    kind, content, recipe = make_mutant(folder, number)
    outcomes: Counter[str] = Counter()
    finding = ""
    before = _memory(reset=True)
    begun = time.process_time()
    unpacked = len(content)
    try:
        for member in members("mutant", content):
            unpacked += len(member.content or b"")
            outcomes["rejected" if member.content is None else outcome_of(member.content)] += 1
    except Exception:
        finding = traceback.format_exc(limit=-4)
    seconds = time.process_time() - begun
    grown = _memory() - before
    if seconds > LIMIT_S:
        finding = finding or f"it took {seconds:.1f} s"
    if grown > LIMIT_BYTES + LIMIT_TIMES * unpacked:
        finding = finding or f"memory grew by {grown / 2**20:.0f} MB for {unpacked / 2**20:.2f} MB"
    outcome = max(outcomes, key=outcomes.__getitem__, default="rejected")
    return Verdict(number, kind, outcome, seconds, grown, recipe, finding)


def _memory(reset: bool = False) -> int:
    """Resident bytes now (and the high-water mark set back to it), or the mark; 0 off Linux."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    name = "VmRSS:" if reset else "VmHWM:"
    return 1024 * int(status.split(name)[1].split()[0])


def judge_all(folder: Path, numbers: list[int]) -> list[Verdict]:
    """In a worker: judge each."""
    verdicts = []
    for number in numbers:
        start_item()
        verdicts.append(judge(folder, number))
    return verdicts


def fuzz(folder: Path, first: int, mutants: int, workers: int) -> Iterator[Verdict]:
    """Judge that many mutants on all cores; what ends a process is a finding too."""
    engine = LocalEngine(workers, item_limit_s=HANGS_S)
    numbers = range(first, first + mutants)
    batches = (list(numbers[i : i + BATCH]) for i in range(0, mutants, BATCH))
    try:
        for outcome in engine.run(partial(judge_all, folder), batches):
            if isinstance(outcome, Done):
                yield from outcome.result
            else:
                yield Verdict(outcome.item, "", "lost", 0, 0, "", outcome.reason)
    finally:
        engine.close()


def _report(verdicts: Iterator[Verdict]) -> int:
    """Print each finding as it comes, then the counts; how many findings there were."""
    counts: Counter[tuple[str, str]] = Counter()
    findings, slowest, largest = 0, 0.0, 0
    for done, verdict in enumerate(verdicts, start=1):
        counts[verdict.kind, verdict.outcome] += 1
        slowest, largest = max(slowest, verdict.seconds), max(largest, verdict.grown_bytes)
        if verdict.finding:
            findings += 1
            print(f"\nmutant {verdict.number}: {verdict.recipe}\n{verdict.finding}", flush=True)
        if done % 1000 == 0:
            print(f"{done:,} mutants, {findings} findings", flush=True)
    for (kind, outcome), n in sorted(counts.items()):
        print(f"{n:>7,}  {kind:<8} {outcome}")
    print(
        f"{counts.total():,} mutants, {findings} findings; "
        f"slowest {slowest:.1f} s, most memory {largest / 2**20:.0f} MB"
    )
    return findings


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--only", type=int, help="make this one again")
    parser.add_argument("--save", type=Path, help="with --only: write it to this file")
    options = parser.parse_args()
    folder = next(folder for folder in FOLDERS if sources(folder))
    if options.only is not None:
        if options.save:
            options.save.write_bytes(make_mutant(folder, options.only)[1])
        print(judge(folder, options.only))
        return
    sys.exit(_report(fuzz(folder, options.first, options.mutants, os.cpu_count() or 1)) > 0)


if __name__ == "__main__":
    main()
