"""The NVIDIA GPUs of this machine, as `nvidia-smi` tells them; no CUDA library is loaded for it."""

from __future__ import annotations

import os

from solver.tools import tool_lines


def gpu_names() -> list[str]:
    """`NVIDIA H200, 143771 MiB`, one a GPU; empty where there are none."""
    return tool_lines("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


def usable_gpus() -> int:
    """How many an engine that is started here would find, CUDA_VISIBLE_DEVICES regarded."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = len(gpu_names())
    return count if allowed is None else min(count, len([one for one in allowed.split(",") if one.strip()]))
