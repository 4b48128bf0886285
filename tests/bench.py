"""`make bench`: how fast files are read and analysed, as ratios to other readers in the same process.

CPU time of one thread, medians; real recordings of the corpus, or of a made-up season where it is not
there. Ratios are sums over the same files.
"""

from __future__ import annotations

import os

os.environ |= {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import hashlib
import io
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import fitparse
import gpxpy
from tcxreader.tcxreader import TCXReader

from pipeline import terrain
from pipeline.athlete import analyse_results, label_run
from pipeline.batch import HANDED_OVER, find_files, import_files
from pipeline.channels import DYNAMICS
from pipeline.engine import Done, Lost
from pipeline.errors import SurefootError
from pipeline.gait import flag_cadence, label_gait
from pipeline.ingest import read_activity
from pipeline.ingest.damage import without_implausible
from pipeline.ingest.fit import parse_fit
from pipeline.ingest.fit_decode import decode_fit
from pipeline.ingest.gpx import parse_gpx
from pipeline.ingest.local_time import with_local_day
from pipeline.ingest.sports import with_sport_from_evidence, with_sport_of_list
from pipeline.ingest.tcx import parse_tcx
from pipeline.kinematics import derive_course, derive_motion
from pipeline.measuring import Cut, cut_run, measure_runs
from pipeline.places import learn_places
from pipeline.repeats import KnownStretches, learn_stretches
from pipeline.results import FileResult, RunResult
from pipeline.seconds import MEASURED
from pipeline.segments import RunSegments, segments_table
from pipeline.tables import BalanceSessions
from pipeline.windows import fit_cadence
from pipeline.workflow import analyse_run
from pipeline.workspace import Workspace, catalogue
from pipeline.workspace.frames import to_row
from pipeline.workspace.sqlite import Sqlite
from sample_data import STEADIED
from sample_data.write_season import write_season

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
HOUR = 3600
KNOWN_FILES = 10_000

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class OneThread:
    """An engine that works in this process, so that all of the work is in its CPU time."""

    shares_disk = True

    def run(
        self, fn: Callable[[list[Unit]], Result], batches: Iterable[list[Unit]]
    ) -> Iterator[Done[Result] | Lost[Unit]]:
        """See pipeline.engine.Engine.run."""
        for batch in batches:
            yield Done(fn(batch))

    def close(self) -> None:
        """There is nothing to end."""


def cpu_ms(work: Callable[[], Any], rounds: int = 9) -> float:
    """Median CPU time of `work`, in milliseconds, after one round to warm up."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def choose(folder: Path) -> dict[str, list[Path]]:
    """Files per format: of the corpus four dozen FIT files over its seasons, of the others what there is."""
    if not (CORPUS / "index.csv").is_file():
        runs = sorted((write_season(folder, STEADIED, 12) / "runs").iterdir())
        return {kind: [file for file in runs if file.suffix == f".{kind}"] for kind in ("fit", "gpx", "tcx")}
    large = [file for file in sorted((CORPUS / "odd").glob("*.tcx")) if file.stat().st_size > 200_000]
    seasons = sorted((CORPUS / "trail-season").glob("*.fit"))
    dynamics = sorted((CORPUS / "trail-dynamics").glob("*.fit"))
    return {
        "fit": [*seasons[5::5], *dynamics[::4]],
        "gpx": sorted((CORPUS / "trail-gpx").glob("*.gpx")),
        "tcx": [file for file in large if _tcxreader_reads(file)][:12],
    }


def _tcxreader_reads(file: Path) -> bool:
    try:
        return len(TCXReader().read(str(file)).trackpoints) == len(parse_tcx(file.read_bytes()).records)
    except Exception:  # the referee raises whatever its parser does
        return False


def fitparse_reads(file: Path) -> None:
    """Decode every message, as its users do to get at the records."""
    for message in fitparse.FitFile(io.BytesIO(file.read_bytes())).get_messages():
        message.get_values()


def gpxpy_reads(file: Path) -> None:
    """Parse the whole document."""
    gpxpy.parse(file.read_bytes())


def tcxreader_reads(file: Path) -> None:
    """Parse the whole document."""
    TCXReader().read(str(file))


def total_ms(files: Sequence[Path], read: Callable[[Path], Any], rounds: int = 9) -> float:
    """CPU time (ms) of reading each of the files once: the sum of their medians."""
    return sum(cpu_ms(partial(read, file), rounds) for file in files)


def compare(what: str, ours: float, theirs: float, goal: int | None = None) -> None:
    """One line: both times (ms) over the same files, and their ratio."""
    stated = "" if goal is None else f"goal {goal}"
    say(what, f"{ours:10.1f} ms  {theirs:10.1f} ms", f"{theirs / ours:8.1f} x", stated)


def say(*cells: str) -> None:
    """One line of the table."""
    print(f"{cells[0]:<44}" + "  ".join(cells[1:]), flush=True)


def whole_analysis(files: Sequence[Path], folder: Path) -> tuple[float, Path]:
    """CPU time (ms) from these files to stored results, and the workspace they are in; median of nine."""
    times = []
    for n in range(9):
        path = folder / f"workspace-{n}"
        start = time.process_time()
        with Workspace(path) as workspace:
            import_files(workspace, find_files(files, path), "bench", OneThread())
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times), path


def unchanged(known: Path, folder: Path) -> float:
    """CPU time (ms) of an import of 10,000 known files, each a run of its own, of which nothing changed."""
    copies, path = folder / "copies", folder / "known"
    copies.mkdir()
    with Workspace(known, read_only=True) as workspace:
        file = workspace.load_files().row(0, named=True)
        run = to_row(workspace.load_runs().row(0, named=True))
    rows: list[tuple[dict[str, Any], ...]] = []
    for n in range(KNOWN_FILES):
        place = copies / f"{n}.fit"
        place.write_bytes(str(n).encode())
        stat, sha = place.stat(), hashlib.sha256(str(n).encode()).hexdigest()
        own = {"athlete_id": "bench", "content_sha256": sha}
        start = {"run_id": sha[:16], "start_time": run["start_time"] + timedelta(hours=8 * n)}
        seen = {"path": str(place.resolve()), "size_bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        rows.append((file | own, run | own | start, seen | own))
    Workspace(path).close()
    engine = Sqlite(path, read_only=False).engine
    with engine.begin() as connection:
        tables = (catalogue.files, catalogue.runs, catalogue.seen)
        for table, values in zip(tables, zip(*rows, strict=True), strict=True):
            connection.execute(table.insert(), list(values))
    engine.dispose()

    def again() -> None:
        with Workspace(path) as workspace:
            done = import_files(workspace, find_files([copies], path), "bench", OneThread())
        assert (done.known, done.results) == (KNOWN_FILES, ())

    return cpu_ms(again, 1)


def _copy(run: RunResult, n: int) -> RunResult:
    """The run as if it were another."""
    name, sha = f"{n:016}", f"{n:064}"
    return replace(run, run={**run.run, "run_id": name, "content_sha256": sha})


def stages(file: Path, folder: Path) -> tuple[list[tuple[str, float]], float]:
    """Where the time of one run goes: stage and CPU time (ms), from the file to what is stored.

    Beside them what it takes to read a run from its pack, as in an import of many files.
    """
    content = file.read_bytes()
    activity = read_activity(file.name, content)
    motion = derive_motion(activity.recorded.samples, activity.timer_events)
    course = derive_course(motion)
    gait = label_gait(motion.speed_mps, motion.cadence_spm)
    names = {"run_id": "r", "athlete_id": "a", "source_name": file.name, "content_sha256": "0" * 64}
    run = analyse_run(activity, **names)
    assert run.track is not None
    assert run.grid is not None
    track, cells, row = run.track, run.grid.to_cells(), dict(run.run)
    altitude_class = course.altitude_class

    def label() -> RunSegments:
        score = terrain.derive_score(run.passes.values, altitude_class, motion.sampling)
        return label_run(row, cells, learn_places([(run.passes.place, score)]), altitude_class)

    segments = label()
    model = fit_cadence([run.cadence_moments])

    def features() -> None:
        found = terrain.derive_features(
            altitude_m=course.altitude_m,
            speed_mps=course.speed_mps,
            grade=course.grade,
            heading_deg=terrain.heading_deg(course.lat_deg, course.lon_deg),
            broken=course.broken,
        )
        terrain.derive_score(found, course.altitude_class, motion.sampling)

    def gaits() -> None:
        label_gait(motion.speed_mps, motion.cadence_spm)
        flag_cadence(motion.cadence_spm, motion.speed_mps, gait)

    def store(workspace: Workspace, runs: list[RunResult]) -> None:
        pack = workspace.save_pack("a", runs)
        results = [
            FileResult(file.name, str(r.run["content_sha256"]), len(content), "run", 1, runs=(r,))
            for r in runs
        ]
        for result in results:
            workspace.keep_original(result.content_sha256, content)
            (next(folder.glob(f"store/originals/*/{result.content_sha256}.gz"))).unlink()
        workspace.commit("a", pack, results)

    batch = [_copy(run, n) for n in range(16)]
    decode = cpu_ms(lambda: decode_fit(content))
    columns = cpu_ms(lambda: parse_fit(content))
    parsed = parse_fit(content)

    def settle() -> None:
        run = with_local_day(without_implausible(parsed).run, parsed.recorded.samples)
        with_sport_from_evidence(with_sport_of_list(replace(parsed, run=run), ""))

    resample = cpu_ms(lambda: derive_motion(activity.recorded.samples, activity.timer_events))
    gridding = cpu_ms(lambda: derive_course(motion))
    feature, gait_ms = cpu_ms(features), cpu_ms(gaits)
    analysis = cpu_ms(lambda: analyse_run(activity, **names))
    with Workspace(folder / "store") as workspace:
        stored = cpu_ms(lambda: store(workspace, batch), 5) / len(batch)
        first = str(batch[0].run["run_id"])
        with workspace.open_frames("a", MEASURED, DYNAMICS) as frames:
            loaded = cpu_ms(lambda: (frames.grid(first), frames.track(first), frames.channels(first)))
        found = analyse_results(batch, BalanceSessions.create_empty())
        start = time.process_time()
        workspace.save_athlete(
            "a",
            runs=found.runs,
            segments=found.segments,
            stability=found.stability,
            answer=found,
            origins=found.origins,
            repeats=found.repeats,
            new_stretches=found.new_stretches,
        )
        saved = 1000 * (time.process_time() - start) / len(batch)

    again, _ = learn_stretches(cells, KnownStretches())

    def cut() -> Cut:
        return cut_run(row, segments, track.to_seconds(), None, model, cells, again)

    cuts = [cut()] * len(batch)
    return [
        ("bytes from disk and their SHA-256", cpu_ms(lambda: hashlib.sha256(file.read_bytes()).digest())),
        ("decode", decode),
        ("columns of records, laps and so on", columns - decode),
        ("local day, sport", cpu_ms(settle)),
        ("resample to seconds", resample),
        ("5 m grid and grade", gridding),
        ("terrain features and score", feature),
        ("gait and cadence flags", gait_ms),
        ("tables of track and grid", analysis - resample - gridding - feature - gait_ms),
        ("pack, original and catalogue", stored),
        ("places and segments", cpu_ms(lambda: segments_table({"r": label()}))),
        ("stretches passed", cpu_ms(lambda: learn_stretches(cells, KnownStretches()))),
        ("windows, of the run and of its stretches", cpu_ms(cut)),
        ("steadiness of these", cpu_ms(lambda: measure_runs(cuts)) / len(cuts)),
        ("labels, steadiness and passes stored", saved),
    ], loaded  # fmt: skip


def hour_long(files: Sequence[Path]) -> Path:
    """The 1 Hz file whose length is nearest to an hour."""

    def distance(file: Path) -> float:
        try:
            activity = read_activity(file.name, file.read_bytes())
            motion = derive_motion(activity.recorded.samples, activity.timer_events)
        except SurefootError:
            return float("inf")
        return abs(len(motion.elapsed_s) - HOUR) + (1e6 if motion.sampling != "1 Hz" else 0)

    return min(files, key=distance)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    logging.disable()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = choose(folder)
        say("", f"{'ours':>13}  {'theirs':>13}", f"{'ratio':>10}")
        theirs = total_ms(files["fit"], fitparse_reads, 1)
        tables = total_ms(files["fit"], lambda file: decode_fit(file.read_bytes()))
        compare("FIT to columns of numbers, against fitparse", tables, theirs)
        columns = total_ms(files["fit"], lambda file: parse_fit(file.read_bytes()))
        compare("FIT to columns in SI units, against fitparse", columns, theirs, 200)
        gpx = total_ms(files["gpx"], lambda file: parse_gpx(file.read_bytes()))
        compare("GPX to columns, against gpxpy", gpx, total_ms(files["gpx"], gpxpy_reads, 3), 4)
        tcx = total_ms(files["tcx"], lambda file: parse_tcx(file.read_bytes()))
        compare("TCX to columns, against tcxreader", tcx, total_ms(files["tcx"], tcxreader_reads, 3))
        whole, workspace = whole_analysis(files["fit"], folder)
        compare("FIT to stored results, against fitparse alone", whole, theirs, 30)
        say(f"again over {KNOWN_FILES:,} known files", f"{unchanged(workspace, folder):10.1f} ms")
        file = hour_long(files["fit"])
        found, loaded = stages(file, folder)
        total, limit = sum(ms for _, ms in found), found[0][1]
        print(
            f"\nAn hour at 1 Hz ({file.stat().st_size / 1e6:.1f} MB): {total:.1f} ms of CPU, "
            f"{total / limit:.0f} times the reading of its bytes"
        )
        for stage, ms in found:
            say(f"  {stage}", f"{ms:8.2f} ms", f"{ms / total:6.1%}", f"{ms / limit:6.1f} x the bytes")
        say(f"  read again, of more than {HANDED_OVER} files", f"{loaded:8.2f} ms")


if __name__ == "__main__":
    main()
