"""The engine process: vLLM behind a socket (`python -m solver.samplers.engine_host FD DIRECTORY`).

The driver starts this process in a session of its own, so a Ctrl-C at the terminal reaches the driver only.
vLLM starts its engine core and workers below it, in the same process group; whatever any of them prints goes
to the log that the driver gave as stdout and stderr. Who ends whom:

- the driver says Stop: the engine shuts down, this process ends with code 0;
- the driver dies: the socket reaches its end; the group is ended and DIRECTORY (vLLM's sockets) removed;
- the engine dies: the driver is told (Failed) or sees the end of the socket, and ends the group;
- this process is killed: its guard ends the group (see engine_guard.py).

Importing this module is cheap and imports no vLLM: vLLM's children import it again as their main module.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import queue
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from solver.samplers import wire
from solver.samplers.engine_guard import start_guard
from solver.samplers.engine_load import LoadMeter
from solver.samplers.engine_settings import engine_arguments, prompt_tokens, sampling_params
from solver.samplers.process_group import end_group

MIN_ANSWER_TOKENS = 16  # a prompt that leaves less room is too long
LOAD_INTERVAL_SECONDS = 0.5  # between two words on how busy the engine is


def main() -> NoReturn:
    sock = socket.socket(fileno=int(sys.argv[1]))
    directory = Path(sys.argv[2])
    start_guard(directory)
    inbox: queue.SimpleQueue[wire.ToEngine] = queue.SimpleQueue()
    orphaned = threading.Event()
    reader = threading.Thread(target=_read, args=(sock, inbox, directory, orphaned), daemon=True)
    reader.start()
    code = 0
    try:
        start = inbox.get()
        assert isinstance(start, wire.Start)
        meter = _Meter(functools.partial(_say, sock))
        engine, ready = _start(start, meter)
        sock.sendall(wire.frame(ready))
        asyncio.run(_Host(engine, start, ready, sock, inbox).serve())
    except Exception as error:
        import traceback

        traceback.print_exc()
        with contextlib.suppress(OSError):
            sock.sendall(wire.frame(wire.Failed(f"{type(error).__name__}: {error}")))
        code = 1
    if orphaned.is_set():
        reader.join()  # it ends the process, when it has cleaned up
    end_group(os.getpgrp())
    sys.stderr.flush()
    os._exit(code)  # vLLM's exit handlers would wait for processes that are gone


def _read(
    sock: socket.socket, inbox: queue.SimpleQueue[wire.ToEngine], directory: Path, orphaned: threading.Event
) -> None:
    """Passes messages on; at the end of the socket the driver is dead, and so is everything here."""
    with contextlib.suppress(OSError):
        stream = sock.makefile("rb")
        while len(header := stream.read(wire.HEADER_BYTES)) == wire.HEADER_BYTES:
            inbox.put(wire.decode_to_engine(stream.read(wire.body_length(header))))
    orphaned.set()
    end_group(os.getpgrp())
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(1)


def _say(sock: socket.socket, message: wire.FromEngine) -> None:
    sock.sendall(wire.frame(message))


def _start(start: wire.Start, meter: _Meter) -> tuple[Any, wire.Ready]:
    import vllm
    from vllm import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    args = engine_arguments(start)
    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**args), stat_loggers=[meter.stat_logger()])
    return engine, wire.Ready(
        device="cpu" if current_platform.is_cpu() else str(current_platform.get_device_name()),
        dtype=str(engine.model_config.dtype).removeprefix("torch."),
        max_model_len=int(engine.model_config.max_model_len),
        max_num_seqs=args["max_num_seqs"],
        tensor_parallel_size=args["tensor_parallel_size"],
        data_parallel_size=args["data_parallel_size"],
        version=str(vllm.__version__),
    )


class _Meter:
    """Listens to vLLM's own statistics and tells the driver of them now and then, and always when the engine has come
    to rest."""

    def __init__(self, say: Callable[[wire.Load], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._meter = LoadMeter(clock)
        self._said = clock()
        self._running: dict[int, int] = {}

    def stat_logger(self) -> Callable[[Any, int], Any]:
        """What vLLM makes one logger a replica of. Its statistics are no stable interface, so what is not there counts
        as 0."""
        from vllm.v1.metrics.loggers import StatLoggerBase

        record = self.record

        class Listener(StatLoggerBase):  # type: ignore[misc]
            def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
                self._replica = engine_index

            def record(self, scheduler_stats: Any = None, iteration_stats: Any = None, *_: Any, **__: Any) -> None:
                if scheduler_stats is not None:
                    record(self._replica, scheduler_stats, iteration_stats)

            def log_engine_initialized(self) -> None:
                pass

        return Listener

    def record(self, replica: int, scheduler: Any, iteration: Any) -> None:
        """After each step of a replica: vLLM's `SchedulerStats` and, when tokens came, `IterationStats`."""
        prefix = getattr(scheduler, "prefix_cache_stats", None)
        running = int(getattr(scheduler, "num_running_reqs", 0))
        self._meter.step(
            replica,
            running,
            float(getattr(scheduler, "kv_cache_usage", 0.0)),
            int(getattr(prefix, "queries", 0)),
            int(getattr(prefix, "hits", 0)),
            int(getattr(iteration, "num_preempted_reqs", 0)),
        )
        self._running[replica] = running
        if self._clock() - self._said >= LOAD_INTERVAL_SECONDS or not any(self._running.values()):
            self._said = self._clock()
            with contextlib.suppress(OSError):  # the driver is gone; the reader ends everything
                self._say(wire.Load(**asdict(self._meter.load)))


class _Host:
    """Serves one driver until it says Stop."""

    def __init__(
        self,
        engine: Any,
        start: wire.Start,
        ready: wire.Ready,
        sock: socket.socket,
        inbox: queue.SimpleQueue[wire.ToEngine],
    ) -> None:
        self._engine = engine
        self._top_p = start.top_p
        self._max_model_len = ready.max_model_len
        # The CPU worker has no generator offset and dies of a seed of a request's own; there the engine's
        # seed alone makes runs differ.
        self._seeds = ready.device != "cpu"
        self._sock = sock
        self._inbox = inbox
        self._tokenizer: Any = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._failure: BaseException | None = None

    async def serve(self) -> None:
        tokenizer = self._engine.get_tokenizer()
        self._tokenizer = await tokenizer if inspect.isawaitable(tokenizer) else tokenizer
        while not isinstance(message := await asyncio.to_thread(self._inbox.get), wire.Stop):
            if isinstance(message, wire.Generate):
                task = asyncio.create_task(self._generate(message))
                self._tasks[message.id] = task
                task.add_done_callback(functools.partial(self._ended, message.id))
            elif isinstance(message, wire.Abort) and message.id in self._tasks:
                self._tasks[message.id].cancel()
        if self._failure is not None:
            raise self._failure
        self._engine.shutdown()

    def _ended(self, id: int, task: asyncio.Task[None]) -> None:
        del self._tasks[id]
        if not task.cancelled() and (error := task.exception()) is not None and self._failure is None:
            self._failure = error
            self._inbox.put(wire.Stop())

    async def _generate(self, message: wire.Generate) -> None:
        prompt = prompt_tokens(self._tokenizer, message.messages)
        room = self._max_model_len - len(prompt)
        if room < MIN_ANSWER_TOKENS:
            self._send(wire.TooLong(message.id, len(prompt), self._max_model_len))
            return
        # One engine request a choice rather than n > 1: that would hand over all n when the last has ended.
        choices = range(message.first_choice, message.first_choice + message.n)
        await asyncio.gather(
            *(self._sample(message, choice, prompt, min(room, message.max_tokens)) for choice in choices)
        )

    async def _sample(self, message: wire.Generate, choice: int, prompt: list[int], max_tokens: int) -> None:
        seed = message.seed + choice if self._seeds else None
        params = sampling_params(message.temperature, self._top_p, max_tokens, seed)
        async for output in self._engine.generate(
            {"prompt_token_ids": prompt}, params, request_id=f"{message.id}-{choice}"
        ):
            answer = output.outputs[0]
            self._send(
                wire.Answer(
                    id=message.id,
                    choice=choice,
                    text=answer.text,
                    prompt_tokens=len(prompt),
                    cached_tokens=output.num_cached_tokens or 0,
                    completion_tokens=len(answer.token_ids),
                    cumulative_logprob=answer.cumulative_logprob,
                    finish_reason=answer.finish_reason or "abort",
                )
            )

    def _send(self, message: wire.FromEngine) -> None:
        _say(self._sock, message)


if __name__ == "__main__":
    main()
