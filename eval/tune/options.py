"""A setting as the options of `solve run` and `solve bench` that sample and choose like it."""

from __future__ import annotations

import json
from pathlib import Path

from eval.tune.budget import Budget
from eval.tune.replay import Score
from eval.tune.setting import Setting
from solver.config import RunConfig
from solver.prompts import load_plans

_CARRIED = {
    "model": "--model",
    "samples_per_request": "--samples-per-request",
    "max_tokens": "--max-tokens",
    "seed": "--seed",
    "model_inputs": "--model-inputs",
    "scorer": "--scorer",
    "time_factor": "--time-factor",
}
"""What the runs were made with and is not tuned."""


def options_of(
    setting: Setting, score: Score, budget: Budget, config: RunConfig, k: int, plans_file: Path | None
) -> list[str]:
    """Words of a command line. score: on validation, for the tokens that executions leave. plans_file: where the mix is
    written; None where it is not tuned. The early stop is off, since draws do not stop early either."""
    words: list[object] = ["--samples", setting.samples, "--inputs", setting.inputs, "--select", setting.policy]
    words += ["--temperature", f"{setting.temperature[0]:g}:{setting.temperature[1]:g}", "--submissions", k]
    if setting.opinions:
        words += ["--opinions", setting.opinions]
    if plans_file is not None:
        words += ["--plans-file", plans_file]
    else:
        words += ["--plans-file", config.plans_file] if config.plans_file else []
        words += ["--plans", ",".join(config.plans)] if config.plans else []
    words += ["--agreement", 0, *_limit(score, budget)]
    default = RunConfig()
    for field, option in _CARRIED.items():
        value = getattr(config, field)
        if value != getattr(default, field) and not (field == "model" and config.sampler == "recorded"):
            words += [option, value]
    if config.languages != default.languages:
        words += ["--languages", ",".join(config.languages)]
    if not config.conditioning:
        words.append("--no-conditioning")
    return [str(word) for word in words]


def _limit(score: Score, budget: Budget) -> list[object]:
    if budget.unit == "seconds":
        return ["--max-seconds", f"{budget.amount:g}"]
    for_tokens = budget.amount - (score.cost - score.tokens * budget.per_token)
    return ["--max-total-tokens", max(1, int(for_tokens / budget.per_token))]


def write_plans(path: Path, setting: Setting, config: RunConfig) -> None:
    """The plans of the setting with its weights, as a plans file. Raises UserError, OSError."""
    weights = dict(setting.plans)
    lines = ["# Made by solve tune."]
    for plan in load_plans(config.plans_file, config.plans):
        if plan.name in weights:
            lines += [
                "",
                "[[plan]]",
                f"name = {_quoted(plan.name)}",
                f"weight = {weights[plan.name]}",
                f"instruction = {_quoted(plan.instruction)}",
                f"code_only = {str(plan.code_only).lower()}",
            ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    """JSON's strings are TOML's, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
