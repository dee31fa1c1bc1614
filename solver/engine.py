"""The streaming engine: programs are judged while the model is still sampling.

One asyncio driver. A consumer takes samples from the sampler, extracts and dedups programs and starts one
sieve task per new program; the number of open programs is bounded, and while it is reached the consumer asks
for nothing more (back-pressure). The store is written by this driver alone.

Not covered here: choosing submissions (`solver.choice`) and making reports (`solver.report`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing
from dataclasses import replace
from enum import StrEnum
from typing import cast

from sandbox import Verdict
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.progress import Counts
from solver.prompts import build_requests, load_plans
from solver.reading import AnswerReader
from solver.samplers import Request, Sample, Sampler, SamplerFailed
from solver.settled import SettledPrefix
from solver.sieve import Sieve, SieveResult
from solver.store import Store, StoredProgram
from solver.tracing import NO_TRACER, Tracer

log = logging.getLogger(__name__)

_OPEN_PROGRAMS_PER_WORKER = 4
_TAKEN_UP_AT_ONCE = 1000  # recorded samples, before others have their turn
_GRACE_SECONDS = 10.0  # for programs that are running when the time is up


class StopReason(StrEnum):
    """What ended the sampling."""

    SAMPLES = "samples"
    SECONDS = "seconds"
    TOKENS = "tokens"
    AGREEMENT = "agreement"
    EXHAUSTED = "sampler ended"
    INTERRUPTED = "interrupted"
    NEXT_MODEL = "left to the next model"
    SAMPLER_FAILED = "sampler failed"

    @property
    def is_final(self) -> bool:
        """Whether a run that ended so is done; another one goes on when it is resumed."""
        return self not in (StopReason.INTERRUPTED, StopReason.NEXT_MODEL, StopReason.SAMPLER_FAILED)


def planned_requests(problem: Problem, config: RunConfig, *, have: int = 0, start_index: int = 0) -> Iterator[Request]:
    """The requests of a run that already has `have` samples. Raises `UserError` for bad plans or languages."""
    return build_requests(
        problem,
        languages=config.languages,
        plans=load_plans(config.plans_file, config.plans),
        samples=config.samples - have,
        samples_per_request=config.samples_per_request,
        seed=config.seed,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        start_index=start_index,
        conditioning=config.conditioning,
    )


class Engine:
    """Samples and sieves one problem until a budget ends it. Everything it learns goes to the store."""

    def __init__(
        self,
        problem: Problem,
        config: RunConfig,
        open_sampler: Callable[[], Awaitable[Sampler]],
        sieve: Sieve,
        store: Store,
        counts: Counts,
        *,
        workers: Callable[[], int],
        runnable: frozenset[str],
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """open_sampler: called only when samples are still wanted. workers: programs that can run at once, as things
        are. runnable: languages that run here."""
        self._problem = problem
        self._config = config
        self._open_sampler = open_sampler
        self._sampler: Sampler | None = None
        self._sieve = sieve
        self._store = store
        self._counts = counts
        self._reader = AnswerReader(problem, runnable)
        self._tracer = tracer
        self._workers = workers
        self._prefix = SettledPrefix(config.agreement, config.submissions)
        self._open: set[asyncio.Task[None]] = set()
        self._closed_one = asyncio.Event()
        self._afterwards: asyncio.Future[None] | None = None
        self._next_index = 0
        self._stop = asyncio.Event()
        self._reason = StopReason.SAMPLES
        self._interrupted = False
        self._dropped = False
        self._repeated = 0
        self._error: BaseException | None = None
        self.trouble: str | None = None  # what the user should know of the sampler

    @property
    def settled_samples(self) -> int:
        """How many samples, in arrival order, the result is made of.

        When programs were dropped there is no point in waiting for the oldest of them: all samples count.
        """
        return self._next_index if self._dropped else self._prefix.length

    def interrupt(self) -> None:
        """Ctrl-C: stop sampling and finish the programs being run. Called again, it drops those too."""
        if self._interrupted:
            self._drop()
        if self._afterwards is not None:
            self._afterwards.cancel()
        self._interrupted = True
        self._stop.set()

    def _drop(self) -> None:
        self._dropped = bool(self._open) or self._dropped
        for task in self._open:
            task.cancel()

    async def unless_interrupted(self, work: Coroutine[None, None, None]) -> None:
        """Does what follows the sampling, until Ctrl-C."""
        self._afterwards = asyncio.ensure_future(work)
        try:
            await self._afterwards
        except asyncio.CancelledError:
            if not self._interrupted:
                raise

    async def close(self) -> None:
        """Ends the sampler."""
        if self._sampler is not None:
            await self._sampler.close()

    async def run(self) -> StopReason:
        """Raises whatever the sandbox or the store raises; a sampler that fails ends the run instead."""
        await self._take_up_recorded()
        self._check_budgets()
        consumer = asyncio.create_task(self._consume())
        consumer.add_done_callback(lambda _: self._stop.set())
        try:
            async with asyncio.timeout(self._seconds_left()):
                await self._stop.wait()
        except TimeoutError:
            self._end(StopReason.SECONDS)
        consumer.cancel()
        (result,) = await asyncio.gather(consumer, return_exceptions=True)
        self._counts.phase = "finishing; Ctrl-C drops what runs" if self._interrupted else "finishing"
        await self._settle(_GRACE_SECONDS if self._reason is StopReason.SECONDS else None)
        error = self._error or (result if isinstance(result, Exception) else None)
        if error is not None:
            raise error
        return self._final_reason()

    def _final_reason(self) -> StopReason:
        if self._interrupted:
            return StopReason.INTERRUPTED
        return self._reason if self._prefix.agreed_at is None else StopReason.AGREEMENT

    async def _settle(self, grace_seconds: float | None) -> None:
        """Judge what has arrived; once the settled samples agree, later ones do not count."""
        try:
            async with asyncio.timeout(grace_seconds):
                while self._open:
                    if self._prefix.agreed_at is not None:
                        for task in self._open:
                            task.cancel()
                    await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._drop()
            await asyncio.wait(self._open)

    def _seconds_left(self) -> float | None:
        if self._config.max_seconds is None:
            return None
        return self._config.max_seconds - (time.monotonic() - self._counts.started)

    def _end(self, reason: StopReason) -> None:
        if not self._stop.is_set():
            self._reason = reason
            self._stop.set()

    # --- sampling ---------------------------------------------------------------------------------

    async def _consume(self) -> None:
        if self._stop.is_set():
            return
        self._counts.phase = "loading model"
        self._sampler = await self._open_sampler()
        self._counts.phase = "sampling"
        recorded = self._counts.samples
        try:
            await self._stream(self._sampler)
        except (SamplerFailed, UserError) as error:
            if isinstance(error, UserError) and not self._counts.samples:
                raise
            self.trouble = str(error)
            self._end(StopReason.SAMPLER_FAILED)
        if self._repeated > recorded:
            self.trouble = f"{self._repeated - recorded} samples repeat earlier (request, choice) numbers; skipped"
        self._end(StopReason.EXHAUSTED)

    async def _stream(self, sampler: Sampler) -> None:
        stream = cast(AsyncGenerator[Sample], sampler.stream(self._requests(sampler.replays)))
        async with aclosing(stream):
            async for sample in stream:
                self._ingest(sample)
                if self._stop.is_set():
                    return
                await self._room()

    async def _take_up_recorded(self) -> None:
        """After a crash: what the store holds counts, and programs left unfinished are judged."""
        for count, stored in enumerate(self._store.stored_samples(), start=1):
            self._next_index = stored.idx + 1
            self._arrived(stored.program, stored.completion_tokens, stored.is_new)
            if stored.program is not None and stored.is_new:
                self._take_up(self._store.program(stored.program))
                await self._room()
            if count % _TAKEN_UP_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _take_up(self, program: StoredProgram) -> None:
        """One whose record is complete needs no task."""
        result = self._sieve.recorded(program.key)
        if result is None:
            self._judge_soon(program)
            return
        self._counts.unique += 1
        with self._tracer.candidate(program) as candidate:
            candidate.judged(result)
        self._judged(result)

    def _requests(self, replays: bool) -> Iterator[Request]:
        if replays:  # what is asked does not matter, only how much
            first = next(planned_requests(self._problem, self._config))
            return iter([replace(first, n=self._config.samples)])
        return planned_requests(
            self._problem, self._config, have=self._counts.samples, start_index=self._store.next_request()
        )

    def _ingest(self, sample: Sample) -> None:
        if self._store.has_sample(sample.request, sample.choice):
            self._repeated += 1
            return
        self._counts.sampled(sample.completion_tokens)
        read = self._reader.read(sample)
        program = None
        if read.program is not None:
            program = StoredProgram(read.program.key, self._next_index, read.program.language, read.program.source)
        is_new = self._store.add_sample(self._next_index, sample, read.reason, program)
        self._tracer.extracted(sample, read.reason, program, is_new)
        self._next_index += 1
        self._arrived(program.key if program else None, sample.completion_tokens, is_new)
        if program is not None and is_new:
            self._judge_soon(program, is_new=True)
        self._check_budgets()

    def _arrived(self, program: str | None, completion_tokens: int, is_new: bool) -> None:
        self._counts.samples += 1
        self._counts.tokens += completion_tokens
        self._counts.dropped += program is None
        self._prefix.arrived(program, is_new)

    def _check_budgets(self) -> None:
        limit = self._config.max_total_tokens
        if self._counts.samples >= self._config.samples:
            self._end(StopReason.SAMPLES)
        elif limit is not None and self._counts.tokens >= limit:
            self._end(StopReason.TOKENS)

    # --- sieving ----------------------------------------------------------------------------------

    def _judge_soon(self, program: StoredProgram, *, is_new: bool = False) -> None:
        self._counts.unique += 1
        task = asyncio.create_task(self._judge(program, is_new))
        self._open.add(task)
        task.add_done_callback(self._closed)

    async def _judge(self, program: StoredProgram, is_new: bool) -> None:
        with self._tracer.candidate(program) as candidate:
            result = await self._sieve.judge(program, is_new=is_new)
            candidate.judged(result)
        self._judged(result)

    def _judged(self, result: SieveResult) -> None:
        self._counts.compiled += result.verdict not in (Verdict.CE, Verdict.IE)
        self._counts.passing += result.behaviour is not None
        self._prefix.judged(result)
        if self._prefix.agreed_at is not None:
            self._stop.set()

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        self._closed_one.set()
        if not task.cancelled() and task.exception() is not None:
            self._error = self._error or task.exception()
            self._stop.set()

    async def _room(self) -> None:
        while len(self._open) >= self._workers() * _OPEN_PROGRAMS_PER_WORKER:
            self._closed_one.clear()
            await self._closed_one.wait()
