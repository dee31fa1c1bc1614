"""From a run's configuration to a sampler that is ready to stream."""

from __future__ import annotations

from pathlib import Path

from solver.config import RunConfig
from solver.models import ResolvedModel, console_progress, resolve
from solver.problem import Problem
from solver.samplers.base import Sampler
from solver.samplers.endpoint import EndpointSampler
from solver.samplers.one_model import OneModel
from solver.samplers.recorded import RecordedSampler
from solver.samplers.vllm_engine import VllmSampler


def resolve_model(config: RunConfig) -> ResolvedModel | None:
    """The local model of a run, fetched and converted first where that is needed, with its progress on stderr.

    None when the samples come from elsewhere. Raises `UserError`.
    """
    if config.sampler != "vllm":
        return None
    with console_progress() as progress:
        return resolve(config.model, progress)


async def open_sampler(
    config: RunConfig, problem: Problem, model: ResolvedModel | None, restarts: int, log_path: Path
) -> Sampler:
    """Loads the model, or finds the endpoint or the recording. Raises `UserError` when that fails.

    restarts: how often this run was resumed; an engine-wide seed moves with it, since the same seed would
    draw the same samples again.
    """
    if config.recorded is not None:
        recording = RecordedSampler(config.recorded, {problem.name, problem.name.rpartition("/")[2]})
        return of_level(recording, config)
    if config.base_url is not None:
        return EndpointSampler(
            config.base_url,
            config.model or None,
            concurrency=config.concurrency,
            timeout_seconds=config.request_timeout,
        )
    assert model is not None, "a vLLM run has a resolved model"
    sampler = VllmSampler(
        model.path_or_hub_id,
        model_name=model.name,
        seed=config.seed + restarts,
        max_model_len=config.max_model_len,
        tensor_parallel_size=config.tensor_parallel,
        log_path=log_path,
    )
    await sampler.start()
    return sampler


def of_level(recording: Sampler, config: RunConfig) -> Sampler:
    """Of a cascade's recording, what the level's model wrote; config: with that model, see `RunConfig.at_level`."""
    if not config.cascade:
        return recording
    number = next(n for n, level in enumerate(config.cascade) if level.model == config.model)
    return OneModel(recording, config.cascade[number], number)
