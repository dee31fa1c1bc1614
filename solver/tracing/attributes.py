"""Names and values of span attributes.

`gen_ai.*`, `error.type`, `server.*` and `process.*` are OpenTelemetry's; those of GenAI are of the conventions' own
repository (open-telemetry/semantic-conventions-genai, after 0.1.0; status: development). `codesieve.*` is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from solver.config import RunConfig
from solver.problem import Problem
from solver.samplers import Request, Sample
from solver.store import Execution, RunInput, StoredProgram
from solver.tracing.base import Judgement

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]

EVALUATION = "gen_ai.evaluation.result"
"""The event of one judgement about one program; its `gen_ai.evaluation.name` says which stage judged."""


def of_run(problem: Problem, config: RunConfig) -> Attributes:
    """What is known of a run from its start."""
    model: Attributes = {} if config.sampler == "recorded" else {"gen_ai.request.model": config.model}
    return model | {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.agent.name": "solve",
        "codesieve.problem.name": problem.name,
        "codesieve.problem.mode": problem.mode,
        "codesieve.samples.wanted": config.samples,
        "codesieve.seed": config.seed,
        "codesieve.policy": config.policy,
    }


def of_report(report: Mapping[str, Any]) -> Attributes:
    """What a run came to."""
    funnel = report.get("counts", {})
    found: Attributes = {f"codesieve.{name}": value for name, value in funnel.items() if isinstance(value, int)}
    found["codesieve.stop_reason"] = str(report.get("stop_reason", ""))
    found["codesieve.passes_examples"] = bool(report.get("passes_examples"))
    return found


def of_server(config: RunConfig) -> Attributes:
    """Who is asked for samples. `gen_ai.provider.name` is `openai` for every endpoint that speaks its protocol."""
    provider = {"vllm": "vllm", "endpoint": "openai", "recorded": "recorded"}[config.sampler]
    found: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider}
    parts = urlsplit(config.base_url or "")
    if parts.hostname:
        found["server.address"] = parts.hostname
        found["server.port"] = parts.port or (443 if parts.scheme == "https" else 80)
    return found


def of_request(request: Request, content: bool) -> Attributes:
    """What was asked."""
    found: Attributes = {
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "codesieve.seed": request.seed,
    }
    if request.n != 1:
        found["gen_ai.request.choice.count"] = request.n
    if content:
        found["gen_ai.input.messages"] = _json([_message(m["role"], m["content"]) for m in request.messages])
    return found


def of_samples(samples: Sequence[Sample], content: bool) -> Attributes:
    """What was answered to one request, by one sample or several. Each reports the tokens of the whole prompt."""
    first = samples[0]
    found: Attributes = {
        "gen_ai.response.model": first.model,
        "gen_ai.response.finish_reasons": [sample.finish_reason for sample in samples],
        "gen_ai.usage.input_tokens": max(sample.prompt_tokens for sample in samples),
        "gen_ai.usage.output_tokens": sum(sample.completion_tokens for sample in samples),
        "gen_ai.request.temperature": first.temperature,
    }
    if content:
        found["gen_ai.output.messages"] = _json(
            [_message("assistant", s.text) | {"finish_reason": s.finish_reason} for s in samples]
        )
    return found


def of_program(program: StoredProgram, content: bool) -> Attributes:
    found: Attributes = {
        "codesieve.program": program.key,
        "codesieve.language": program.language,
        "codesieve.sample": program.first_sample,
    }
    if content:
        found["codesieve.source"] = program.source
    return found


def of_execution(execution: Execution, run_input: RunInput, content: bool) -> Attributes:
    """CPU and wall time in seconds; wall time is the program's own, the span includes its wait for a worker."""
    found: Attributes = {
        "codesieve.program": execution.program,
        "codesieve.input": run_input.id,
        "codesieve.input.origin": run_input.origin,
        "codesieve.verdict": execution.verdict.value,
        "codesieve.cpu_seconds": execution.cpu_seconds,
        "codesieve.wall_seconds": execution.wall_seconds,
        "codesieve.peak_memory_bytes": execution.peak_memory_bytes,
    }
    if execution.exit_code is not None:
        found["process.exit.code"] = execution.exit_code
    if execution.signal is not None:
        found["codesieve.signal"] = execution.signal
    if content:
        found["codesieve.input.text"] = run_input.text
        found["codesieve.detail"] = execution.detail
    return found


def of_judgement(judgement: Judgement) -> Attributes:
    """What hidden tests said; never what they are."""
    return {
        "codesieve.program": judgement.program,
        "codesieve.verdict": judgement.verdict.value,
        "codesieve.tests": judgement.tests,
        "codesieve.tests_passed": judgement.tests_passed,
        "codesieve.cpu_seconds": judgement.cpu_seconds,
        "codesieve.submitted": judgement.submitted,
    }


def evaluation(stage: str, label: str, score: float | None, response: str | None = None, **more: Value) -> Attributes:
    """Of one `gen_ai.evaluation.result` event. score: 0 to 1, where there is one. response: which sample is judged."""
    found: Attributes = {"gen_ai.evaluation.name": stage, "gen_ai.evaluation.score.label": label}
    if score is not None:
        found["gen_ai.evaluation.score.value"] = float(score)
    if response is not None:
        found["gen_ai.response.id"] = response
    return found | {f"codesieve.{name}": value for name, value in more.items()}


def response_id(request: int, choice: int) -> str:
    """Samples have no identifier that outlives a server, so ours is their place in the run."""
    return f"{request}.{choice}"


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _json(messages: list[dict[str, Any]]) -> str:
    return json.dumps(messages, ensure_ascii=False)
