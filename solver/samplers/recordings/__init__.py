"""Recorded samples on disk: single files of many shapes, and directories of shards with a manifest (docs/shards.md)."""

from solver.samplers.recordings.manifest import MANIFEST, is_recording_directory
from solver.samplers.recordings.shapes import BadRecord, problem_of, row_of, samples_of
from solver.samplers.recordings.source import Located, Source, notes_on, open_source
from solver.samplers.recordings.writer import PART_BYTES, PartFormat, ShardWriter

__all__ = [
    "MANIFEST",
    "PART_BYTES",
    "BadRecord",
    "Located",
    "PartFormat",
    "ShardWriter",
    "Source",
    "is_recording_directory",
    "notes_on",
    "open_source",
    "problem_of",
    "row_of",
    "samples_of",
]
