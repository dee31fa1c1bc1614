"""Samplers: vLLM in process, an OpenAI-compatible endpoint, recorded samples."""

from solver.samplers.base import Request, Sample, Sampler, SamplerFailed, SamplerStats, stats_of

__all__ = ["Request", "Sample", "Sampler", "SamplerFailed", "SamplerStats", "stats_of"]
