"""The engine process: vLLM behind a socket (`python -m solver.samplers.engine_host FD DIRECTORY`).

The driver starts this process in a session of its own, so a Ctrl-C at the terminal reaches the driver only.
vLLM starts its engine core and workers below it, in the same process group; whatever any of them prints goes
to the log that the driver gave as stdout and stderr. Who ends whom:

- the driver says Stop: the engine shuts down, this process ends with code 0;
- the driver dies: the socket reaches its end; the group is ended and DIRECTORY (vLLM's sockets) removed;
- the engine dies: the driver is told (Failed) or sees the end of the socket, and ends the group.

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
from pathlib import Path
from typing import Any, NoReturn

import psutil

from solver.samplers import wire
from solver.samplers.process_group import end_group

CPU_MAX_MODEL_LEN = 8192  # tokens
GPU_MAX_MODEL_LEN = 32768
CPU_MAX_NUM_SEQS = 64
GPU_MAX_NUM_SEQS = 256
CPU_MAX_KV_CACHE_GIB = 4
MIN_ANSWER_TOKENS = 16  # a prompt that leaves less room is too long
HUB_TIMEOUT_SECONDS = 20.0
_GIB = 2**30


def main() -> NoReturn:
    sock = socket.socket(fileno=int(sys.argv[1]))
    directory = Path(sys.argv[2])
    inbox: queue.SimpleQueue[wire.ToEngine] = queue.SimpleQueue()
    orphaned = threading.Event()
    reader = threading.Thread(target=_read, args=(sock, inbox, directory, orphaned), daemon=True)
    reader.start()
    code = 0
    try:
        start = inbox.get()
        assert isinstance(start, wire.Start)
        engine, ready = _start(start)
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


def _start(start: wire.Start) -> tuple[Any, wire.Ready]:
    weights = _weight_bytes(start.model)
    import vllm
    from vllm import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    on_cpu = bool(current_platform.is_cpu())
    args: dict[str, Any] = {
        "model": start.model,
        "dtype": "bfloat16" if on_cpu else "auto",
        "seed": start.seed % 2**31,
        "enable_prefix_caching": True,
        "disable_log_stats": True,
        "enforce_eager": on_cpu if start.eager is None else start.eager,
        "max_num_seqs": start.max_num_seqs or (CPU_MAX_NUM_SEQS if on_cpu else GPU_MAX_NUM_SEQS),
    }
    config = AsyncEngineArgs(**args).create_model_config()
    args["max_model_len"] = start.max_model_len or min(
        config.max_model_len, CPU_MAX_MODEL_LEN if on_cpu else GPU_MAX_MODEL_LEN
    )
    if on_cpu:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(_kv_cache_gib(weights, _free_memory())))
        parallel = (start.tensor_parallel_size or 1, start.data_parallel_size or 1)
    else:
        import torch

        parallel = spread(
            devices=torch.cuda.device_count(),
            device_bytes=int(current_platform.get_device_total_memory() * start.gpu_memory_utilization),
            weight_bytes=weights,
            attention_heads=int(getattr(config.hf_text_config, "num_attention_heads", 1)),
            tensor_parallel_size=start.tensor_parallel_size,
            data_parallel_size=start.data_parallel_size,
        )
        args["gpu_memory_utilization"] = start.gpu_memory_utilization
    args["tensor_parallel_size"], args["data_parallel_size"] = parallel
    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**args))
    return engine, wire.Ready(
        device="cpu" if on_cpu else str(current_platform.get_device_name()),
        dtype=str(engine.model_config.dtype).removeprefix("torch."),
        max_model_len=int(engine.model_config.max_model_len),
        max_num_seqs=args["max_num_seqs"],
        tensor_parallel_size=parallel[0],
        data_parallel_size=parallel[1],
        version=str(vllm.__version__),
    )


def spread(
    *,
    devices: int,
    device_bytes: int,
    weight_bytes: int | None,
    attention_heads: int,
    tensor_parallel_size: int | None,
    data_parallel_size: int | None,
) -> tuple[int, int]:
    """(tensor parallel, data parallel) sizes for a machine: the fewest devices a replica fits on, and as many
    replicas as that leaves room for. A replica's weights may fill 70 % of what it may use of each device; the
    rest is for the KV cache. A tensor-parallel size must divide the number of attention heads.
    """
    tensor = tensor_parallel_size
    if tensor is None:
        sizes = [size for size in (1, 2, 4, 8, 16) if size <= devices and attention_heads % size == 0] or [1]
        tensor = next((n for n in sizes if (weight_bytes or 0) <= 0.7 * n * device_bytes), sizes[-1])
    return tensor, data_parallel_size or max(1, devices // tensor)


def _weight_bytes(model: str) -> int | None:
    """Size of the weights in bytes; None when it cannot be told.

    Raises at once for a hub model that does not exist or cannot be fetched, where vLLM would try for minutes.
    """
    directory = Path(model)
    if directory.is_dir():
        return sum(file.stat().st_size for file in directory.glob("*.safetensors")) or None
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        files = HfApi().model_info(model, files_metadata=True, timeout=HUB_TIMEOUT_SECONDS).siblings or []
    except (RepositoryNotFoundError, HFValidationError):
        raise
    except Exception as error:  # whatever the network or the hub may do
        if try_to_load_from_cache(model, "config.json") is None:
            raise ConnectionError("the hub cannot be reached, and its cache does not have the model") from error
        return None
    return sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors")) or None


def _free_memory() -> int:
    """Bytes that this process may still take: the machine's, or its cgroup's if that is less."""
    free = int(psutil.virtual_memory().available)
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
    return free


def _kv_cache_gib(weight_bytes: int | None, free_bytes: int) -> int:
    """Whole GiB for the KV cache: half of what the weights leave, from 1 to 4.

    Raises MemoryError when the weights alone do not fit.
    """
    left = free_bytes - (weight_bytes or 0)
    if left < _GIB:
        raise MemoryError(
            f"the weights take {(weight_bytes or 0) / _GIB:.1f} GiB, "
            f"and of the memory {free_bytes / _GIB:.1f} GiB is free"
        )
    return max(1, min(CPU_MAX_KV_CACHE_GIB, left // (2 * _GIB)))


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
        prompt = self._tokens(message.messages)
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
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            temperature=message.temperature,
            top_p=self._top_p,
            max_tokens=max_tokens,
            seed=message.seed + choice if self._seeds else None,
            logprobs=0,  # of the sampled token only
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
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

    def _tokens(self, messages: tuple[dict[str, str], ...]) -> list[int]:
        """By the model's chat template; a base model, which has none, gets the bare text."""
        if getattr(self._tokenizer, "chat_template", None) is None:
            return list(self._tokenizer.encode("\n\n".join(message["content"] for message in messages)))
        text = self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _send(self, message: wire.FromEngine) -> None:
        self._sock.sendall(wire.frame(message))


if __name__ == "__main__":
    main()
