"""Packs: the tracks and grids of some runs of one athlete, in two Parquet files that never change, and
their further channels in a third where any run has some.

One row group is one run, in the order of `PackRef.run_ids`. Numbers are whole multiples of a step far
below what a watch resolves, in 32 bits (64 in packs of an older Surefoot), stored as differences
(DELTA_BINARY_PACKED) under LZ4: zstd makes grids 1 % and tracks 12 % smaller for half as much time again.
Not stored: the run's id, which the catalogue knows, and terrain, segment and technicality, which change as
places are learnt and are joined when a track is loaded. A pack no row names is an orphan and is swept.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.cells import Cells, read_cells
from pipeline.columns import dtypes, numbers_of, steps_per_unit
from pipeline.errors import SurefootError
from pipeline.numeric import Mask
from pipeline.results import PackRef, RunResult
from pipeline.rounded import Numbers, RoundedGrid, RoundedTrack
from pipeline.seconds import Seconds, read_seconds
from pipeline.tables import CADENCE_FLAGS, GAITS, Channels, DataFrame, Grid, Track
from pipeline.workspace.folder import PACKS
from pipeline.workspace.kept import Kept, files_below, put, remove, seekable

JOINED = ("technicality", "terrain", "segment_id")

_TRACKS, _GRIDS, _CHANNELS = "tracks", "grid", "channels"
_KINDS: dict[type[Any], str] = {Track: _TRACKS, Grid: _GRIDS, Channels: _CHANNELS}


def owner_name(athlete_id: str) -> str:
    """The name of an athlete's folder, made with a hash: any id gives a safe one."""
    return hashlib.sha256(athlete_id.encode()).hexdigest()[:16]


def pack_file(kept: Kept, athlete_id: str, analysis_version: int, pack_id: str, kind: str) -> Kept:
    """Where a pack's file lies."""
    return kept / PACKS / f"v{analysis_version}" / owner_name(athlete_id) / f"{pack_id}.{kind}.parquet"


def pack_files(kept: Kept, athlete_id: str, analysis_version: int, pack_id: str) -> tuple[Kept, Kept]:
    """The two files that every pack has: tracks, grids."""
    return (
        pack_file(kept, athlete_id, analysis_version, pack_id, _TRACKS),
        pack_file(kept, athlete_id, analysis_version, pack_id, _GRIDS),
    )


def all_pack_files(kept: Kept, athlete_id: str, analysis_version: int, pack_id: str) -> list[Kept]:
    """The files that a pack has: further channels, which are removed last, before the two that all have."""
    channels = pack_file(kept, athlete_id, analysis_version, pack_id, _CHANNELS)
    both = pack_files(kept, athlete_id, analysis_version, pack_id)
    return [*([channels] if channels.is_file() else []), *both]


def save_pack(kept: Kept, athlete_id: str, runs: Sequence[RunResult]) -> PackRef:
    """Write the frames of `runs` (at least one, one analysis version) as a pack, whole or not at all.

    Touches no catalogue, so that a worker process may call it; the pack counts once it is committed.
    Raises SurefootError where the disk is full or cannot be written.
    """
    version = int(runs[0].run["analysis_version"])
    pack_id = uuid.uuid4().hex
    tracks, grids = pack_files(kept, athlete_id, version, pack_id)
    size = _write(tracks, Track, [_track_columns(run.track) for run in runs if run.track is not None])
    size += _write(grids, Grid, [_grid_columns(run.grid) for run in runs if run.grid is not None])
    if any(run.channels is not None for run in runs):
        channels = pack_file(kept, athlete_id, version, pack_id, _CHANNELS)
        size += _write_channels(channels, [run.channels for run in runs])
    return PackRef(pack_id, athlete_id, version, size, tuple(str(run.run["run_id"]) for run in runs))


def _write(target: Kept, schema: type[Track] | type[Grid], runs: Sequence[Mapping[str, pa.Array]]) -> int:
    names = [name for name in dtypes(schema) if name in runs[0]]
    has_gaps = {name: any(columns[name].null_count for columns in runs) for name in names}
    shape = pa.schema([pa.field(name, runs[0][name].type, nullable=has_gaps[name]) for name in names])
    tables = [pa.table([columns[name] for name in names], shape) for columns in runs]
    texts = [field.name for field in shape if pa.types.is_dictionary(field.type)]
    numbers = {name: "DELTA_BINARY_PACKED" for name in names if name not in texts}
    return _put_row_groups(
        target, tables, compression="lz4", use_dictionary=texts or False, column_encoding=numbers
    )


def _write_channels(target: Kept, frames: Sequence[pl.DataFrame | None]) -> int:
    """Every run has all channels of the pack: those that it lacks are null, which costs next to nothing."""
    present = [
        pl.DataFrame({"elapsed_s": []}, schema={"elapsed_s": pl.Int64}) if f is None else f for f in frames
    ]
    shape = pl.concat([frame.clear() for frame in present], how="diagonal")
    tables = [
        pl.concat([shape, frame], how="diagonal").to_arrow(compat_level=pl.CompatLevel.oldest())
        for frame in present
    ]
    encodings = dict.fromkeys(shape.columns, "BYTE_STREAM_SPLIT") | {"elapsed_s": "DELTA_BINARY_PACKED"}
    return _put_row_groups(
        target, tables, compression="zstd", use_dictionary=False, column_encoding=encodings
    )


def _put_row_groups(target: Kept, tables: Sequence[pa.Table], **how: Any) -> int:
    """A Parquet file with a row group for each table, and its size; in memory first, since a file costs a
    call a page.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, tables[0].schema, write_statistics=False, **how) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=max(1, table.num_rows))
    content = sink.getvalue().to_pybytes()
    put(target, content)
    return len(content)


def _track_columns(track: RoundedTrack) -> dict[str, pa.Array]:
    return {
        "elapsed_s": _array(pa.int64(), track.elapsed_s),
        "timestamp": _array(pa.timestamp("us", "UTC"), track.time_us()),
        **_number_columns(track.numbers),
        "gait": _words(track.gait, GAITS),
        "cadence_flag": _words(track.cadence_flag, CADENCE_FLAGS),
    }


def _grid_columns(grid: RoundedGrid) -> dict[str, pa.Array]:
    cells = np.arange(grid.numbers.steps.shape[1])
    return {"cell": _array(pa.int64(), cells), **_number_columns(grid.numbers)}


def _number_columns(numbers: Numbers) -> dict[str, pa.Array]:
    """Null for NaN, and for what 32 bits do not hold, as no run has it: 21,000 km, 248 days.

    What the whole number is there does not matter: it is not written.
    """
    known = np.abs(numbers.steps) < 2**31
    with np.errstate(invalid="ignore"):
        whole = numbers.steps.astype(np.int32)
    columns = zip(numbers.names, whole, known, np.all(known, axis=1), strict=True)
    return {
        name: _array(pa.int32(), values, None if is_whole else there)
        for name, values, there, is_whole in columns
    }


def _array(dtype: pa.DataType, values: NDArray[Any], known: Mask | None = None) -> pa.Array:
    """From buffers: pyarrow's own conversion imports pandas where it is there, 40 MB a worker."""
    mask = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(dtype, len(values), [mask, pa.py_buffer(values)])


def _words(codes: NDArray[Any], words: tuple[str, ...]) -> pa.DictionaryArray:
    of_code = pl.Series(words).to_arrow(compat_level=pl.CompatLevel.oldest())
    return pa.DictionaryArray.from_arrays(_array(pa.uint8(), codes), of_code)


class PackReader:
    """Reads runs of packs one after the other; keeps the pack of the last one open.

    `schema` says which of a pack's files is read.
    """

    def __init__(self, kept: Kept, schema: type[Track] | type[Grid] | type[Channels]) -> None:
        self._kept = kept
        self._schema = schema
        self._kind = _KINDS[schema]
        self._path: Kept | None = None
        self._file: Any = None

    def read(self, placement: Mapping[str, Any], endings: tuple[str, ...] = ("",)) -> pl.DataFrame:
        """The stored columns of one run whose names end so, in units again.

        `placement`: athlete_id, analysis_version, pack_id, position and run_id. Raises FileNotFoundError
        where the pack was replaced meanwhile or has no such file, SurefootError where it is damaged.
        """
        path = pack_file(
            self._kept,
            placement["athlete_id"],
            placement["analysis_version"],
            placement["pack_id"],
            self._kind,
        )
        try:
            if path != self._path:
                self.close()
                self._file, self._path = pq.ParquetFile(seekable(path)), path
            wanted = [name for name in self._file.schema_arrow.names if name.endswith(endings)]
            table = self._file.read_row_group(placement["position"], wanted, use_threads=False)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SurefootError(
                f"the pack {path} is damaged ({error})", "analyse the files again in a new workspace"
            ) from None
        return self._in_units(table, placement["run_id"])

    def _in_units(self, stored: pa.Table, run_id: str) -> pl.DataFrame:
        steps, types = steps_per_unit(self._schema), dtypes(self._schema)
        columns = pl.DataFrame(pl.from_arrow(stored)).get_columns()
        numbers = numbers_of({c.name: c.to_numpy() * (1 / steps[c.name]) for c in columns if c.name in steps})
        run = pl.Series("run_id", [run_id]).new_from_index(0, len(stored))
        others = (c.cast(types.get(c.name, pl.Float32)) for c in columns if c.name not in steps)
        found = numbers | {column.name: column for column in others}
        return pl.DataFrame([run, *(found[column.name] for column in columns)])

    def close(self) -> None:
        """Close the pack that is open, if any."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None


class StoredFrames:
    """Grids and tracks of runs by id, one at a time, the packs of the last ones kept open.

    `placements`: run -> what `PackReader.read` wants to know; of tracks and channels come the columns whose
    names end as `track` and `channels` say.
    """

    def __init__(
        self,
        kept: Kept,
        placements: Mapping[str, Mapping[str, Any]],
        track: tuple[str, ...],
        channels: tuple[str, ...],
    ) -> None:
        self._placements = placements
        self._at_hand: Mapping[str, RunResult] = {}
        self._of_track, self._of_channels = track, channels
        self._grids = PackReader(kept, Grid)
        self._tracks = PackReader(kept, Track)
        self._channels = PackReader(kept, Channels)

    def hand_over(self, runs: Mapping[str, RunResult]) -> Self:
        """Give these runs from memory: their packs, just written, hold the same."""
        self._at_hand = runs
        return self

    def grid(self, run_id: str) -> DataFrame[Grid]:
        """A run's grid, from its pack."""
        return cast(DataFrame[Grid], self._grids.read(self._placements[run_id]))

    def cells(self, run_id: str) -> Cells:
        """What labels are made of."""
        here = self._at_hand.get(run_id)
        return read_cells(self.grid(run_id)) if here is None else cast(RoundedGrid, here.grid).to_cells()

    def track(self, run_id: str) -> DataFrame[Track]:
        """These columns of a run's track, from its pack."""
        return cast(DataFrame[Track], self._tracks.read(self._placements[run_id], self._of_track))

    def seconds(self, run_id: str) -> Seconds:
        """What steadiness is measured on, where these columns are among them."""
        here = self._at_hand.get(run_id)
        return (
            read_seconds(self.track(run_id)) if here is None else cast(RoundedTrack, here.track).to_seconds()
        )

    def channels(self, run_id: str) -> pl.DataFrame | None:
        """These of a run's further channels, None where no run of its pack has any channel."""
        if here := self._at_hand.get(run_id):
            return here.channels
        try:
            return self._channels.read(self._placements[run_id], self._of_channels)
        except FileNotFoundError:
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the packs that are open."""
        for reader in (self._grids, self._tracks, self._channels):
            reader.close()


def remove_pack(kept: Kept, athlete_id: str, analysis_version: int, pack_id: str) -> None:
    """Remove a pack's files, and the folders that this empties."""
    for kind in _KINDS.values():
        remove(pack_file(kept, athlete_id, analysis_version, pack_id, kind))


def sweep_packs(kept: Kept, known: Collection[str]) -> int:
    """Remove what a killed process left: packs that are not `known`, half-written files. How many files."""
    swept = 0
    for file in list(files_below(kept / PACKS, folders=2)):
        if file.suffix != ".parquet" or file.name.split(".")[0] not in known:
            remove(file)
            swept += 1
    return swept
