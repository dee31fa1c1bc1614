"""Recorded samples, replayed in the order in which they were written.

A recording is a file of any shape that `solver.samplers.recordings.shapes` lists (JSON Lines, plain, gzip or Zstandard,
or Parquet), or directories of shards. The content of requests is ignored; only their total number of samples is
respected. Samples of a `side:` plan are given to requests of that plan alone. The recording may be larger than memory;
it is read as it is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from solver.errors import UserError
from solver.samplers.base import SIDE_PLAN, Request, Sample
from solver.samplers.recordings.rows import zstandard
from solver.samplers.recordings.shapes import BadRecord, line_of, problem_of, samples_of
from solver.samplers.recordings.source import open_source

_BATCH = 64  # samples read in one go
_NAMES_SHOWN = 5


class NoSamples(UserError):
    """The recording can be read and has nothing for the problem."""


class RecordedSampler:
    """Replays the samples of `path`, each with the (request, choice) it was recorded with; a Sampler.

    problem: keep only the records of this problem, given by its name or by several names for it; None: all.
    `skipped` counts recorded answers that were failures of the recording service.
    """

    replays = True

    def __init__(self, path: Path, problem: str | Collection[str] | None = None) -> None:
        self.path = path
        self.model = f"recorded:{path.name}"
        self.skipped = 0
        self._wanted = {problem} if isinstance(problem, str) else None if problem is None else set(problem)
        self._seen: dict[str, None] = {}  # a few names of the file, for the error message

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """As many recorded samples as the requests ask for, in recorded order; fewer if there are fewer.

        Raises UserError for a file that cannot be read, a broken line (with its number) or a damaged part, and
        NoSamples.
        """
        first = next(requests, None)
        side = first.plan if first is not None and first.plan.startswith(SIDE_PLAN) else ""
        requests = itertools.chain([first] if first is not None else [], requests)
        samples = self._samples(side)
        wanted, found = 0, False
        try:
            while True:
                while wanted < _BATCH and (request := next(requests, None)) is not None:
                    wanted += request.n
                if not wanted:
                    return
                batch = await asyncio.to_thread(_take, samples, min(wanted, _BATCH))
                if not batch:
                    break
                found = True
                wanted -= len(batch)
                for sample in batch:
                    yield sample
        finally:
            # Cancelled while the thread reads: the file is then closed when the thread lets go of it.
            with contextlib.suppress(ValueError):
                samples.close()
        if side or found:
            return
        if seen := list(self._seen) or open_source(self.path).problems()[:_NAMES_SHOWN]:
            names = ", ".join(map(repr, seen))
            wished = " or ".join(repr(name) for name in sorted(self._wanted or ()))
            raise NoSamples(f"{self.path}: no samples of {wished} in this recording; it has {names}")
        raise NoSamples(f"{self.path}: no samples in this recording; give one that has some")

    async def close(self) -> None:
        """Nothing to close: the file is open only while a stream is read."""

    def _samples(self, side: str) -> Generator[Sample]:
        ordinal = 0  # counts matching records, of which some shapes number their samples themselves
        for where, record in open_source(self.path).records(self._wanted):
            try:
                problem = problem_of(record)
                if self._wanted is not None and problem is not None and problem not in self._wanted:
                    if len(self._seen) < _NAMES_SHOWN:
                        self._seen[problem] = None
                    continue
                found = samples_of(record, ordinal)
                if found is None:
                    self.skipped += 1
                    continue
                for sample in found:
                    if (sample.plan if sample.plan.startswith(SIDE_PLAN) else "") == side:
                        yield sample
            except BadRecord as error:
                raise UserError(f"{where}: {error}") from None
            ordinal += 1


class SampleWriter:
    """Writes samples in our shape to `path`, byte for byte reproducible; gzip when it ends in .gz, Zstandard when in
    .zst."""

    def __init__(self, path: Path) -> None:
        """Raises UserError when a library is missing, OSError."""
        packed = _packer(path)
        self._raw = path.open("wb")
        self._text = io.TextIOWrapper(packed(self._raw), "utf-8", newline="\n")

    def write(self, problem: str, sample: Sample) -> None:
        self._text.write(line_of(problem, sample).decode())

    def close(self) -> None:
        self._text.close()
        self._raw.close()

    def __enter__(self) -> SampleWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take(samples: Iterator[Sample], count: int) -> list[Sample]:
    return list(itertools.islice(samples, count))


def _packer(path: Path) -> Callable[[BinaryIO], Any]:
    if path.suffix == ".gz":
        return lambda raw: gzip.GzipFile("", "wb", 9, raw, mtime=0)
    if path.suffix == ".zst":
        compressor = zstandard(str(path)).ZstdCompressor(level=9, write_checksum=True)
        return lambda raw: compressor.stream_writer(raw, closefd=False)
    return lambda raw: raw
