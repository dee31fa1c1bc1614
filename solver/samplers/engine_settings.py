"""What vLLM is started with on this machine, and what it is asked for each sample: for the engine process, and for
whoever wants a bare vLLM with the same settings to compare with.

Importing this module is cheap and imports no vLLM.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from solver.samplers import wire

CPU_MAX_MODEL_LEN = 8192  # tokens
GPU_MAX_MODEL_LEN = 32768
CPU_MAX_NUM_SEQS = 64
GPU_MAX_NUM_SEQS = 256
CPU_MAX_KV_CACHE_GIB = 4
HUB_TIMEOUT_SECONDS = 20.0
_GIB = 2**30


def engine_arguments(start: wire.Start) -> dict[str, Any]:
    """What vLLM is started with here: `EngineArgs` by name. On a CPU it also says in the environment how much memory
    the KV cache gets. Raises what vLLM and the hub raise for a model that cannot be had, MemoryError when it does not
    fit."""
    weights = _weight_bytes(start.model)
    from vllm import AsyncEngineArgs
    from vllm.platforms import current_platform

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
    return args


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


def sampling_params(temperature: float, top_p: float, max_tokens: int, seed: int | None) -> Any:
    """vLLM's `SamplingParams` of one sample."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        logprobs=0,  # of the sampled token only
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def prompt_tokens(tokenizer: Any, messages: Sequence[dict[str, str]]) -> list[int]:
    """By the model's chat template; a base model, which has none, gets the bare text."""
    if getattr(tokenizer, "chat_template", None) is None:
        return list(tokenizer.encode("\n\n".join(message["content"] for message in messages)))
    text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    return list(tokenizer.encode(text, add_special_tokens=False))
