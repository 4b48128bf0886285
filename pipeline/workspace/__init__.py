"""All that is kept on disk: a catalogue in SQL, tracks in Parquet packs, the originals."""

from pipeline.results import FileResult, PackRef, RunResult, Seen
from pipeline.workspace.backup import restore_backup, save_backup
from pipeline.workspace.folder import put_atomic
from pipeline.workspace.originals import keep_original
from pipeline.workspace.packs import save_pack
from pipeline.workspace.store import Workspace

__all__ = [
    "FileResult",
    "PackRef",
    "RunResult",
    "Seen",
    "Workspace",
    "keep_original",
    "put_atomic",
    "restore_backup",
    "save_backup",
    "save_pack",
]
