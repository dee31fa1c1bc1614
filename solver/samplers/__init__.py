"""Samplers: vLLM in process, an OpenAI-compatible endpoint, recorded samples."""

from solver.samplers.base import Request, Sample, Sampler, SamplerFailed

__all__ = ["Request", "Sample", "Sampler", "SamplerFailed"]
