"""All that is kept on disk: a catalogue in SQL, tracks in Parquet packs, the originals."""

from pipeline.results import FileResult, PackRef, RunResult, Seen
from pipeline.workspace.accounts import AccountBook
from pipeline.workspace.backup import restore_backup, save_backup
from pipeline.workspace.folder import put_atomic
from pipeline.workspace.kept import Kept, place_below
from pipeline.workspace.originals import keep_original
from pipeline.workspace.packs import StoredFrames, save_pack
from pipeline.workspace.reading import no_run
from pipeline.workspace.sealed import is_sealed
from pipeline.workspace.store import Workspace
from pipeline.workspace.traces import Searched, Sought, search_traces
from pipeline.workspace.veiled import VeiledWorkspace

__all__ = [
    "AccountBook",
    "FileResult",
    "Kept",
    "PackRef",
    "RunResult",
    "Searched",
    "Seen",
    "Sought",
    "StoredFrames",
    "VeiledWorkspace",
    "Workspace",
    "is_sealed",
    "keep_original",
    "no_run",
    "place_below",
    "put_atomic",
    "restore_backup",
    "save_backup",
    "save_pack",
    "search_traces",
]
