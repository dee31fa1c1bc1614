"""The inputs of a run, made once: the examples, mutations of them, and what the model writes."""

from __future__ import annotations

from clustering import generate_inputs
from clustering.behaviour import behaviour_token
from sandbox import AnySandbox, Checker, Outcome, Verdict
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.samplers import SamplerFailed
from solver.side import OpenSampler
from solver.store import Claim, RunInput, Store
from solver.testgen import ModelInput, model_inputs


async def run_inputs(
    problem: Problem,
    config: RunConfig,
    store: Store,
    open_sampler: OpenSampler,
    sandbox: AnySandbox,
    checker: Checker,
) -> list[RunInput]:
    """Examples first, in statement order; then the generated inputs. The stored ones, where there are some.

    open_sampler: called only when the model is to write inputs. Raises what sampler, sandbox and store raise.
    """
    inputs = store.inputs()
    if inputs:
        return inputs
    examples = [example.input for example in problem.examples]
    generated = generate_inputs(
        examples,
        mode=problem.mode,
        statement=problem.statement,
        count=config.inputs,
        seed=config.seed,
        starter_code=problem.starter_code,
        entry_point=problem.entry_point,
    )
    written: list[ModelInput] = []
    if config.model_inputs:
        try:
            written = await model_inputs(problem, open_sampler, sandbox, store, config.model_inputs, config.seed)
        except SamplerFailed as error:
            raise UserError(
                f"the sampler failed while it wrote inputs: {error}; `solve resume` goes on from here"
            ) from error
    known = {item.text for item in generated}
    written = [item for item in written if item.text not in known]
    inputs = [RunInput(i, "example", f"example {i + 1}", text) for i, text in enumerate(examples)]
    inputs += [RunInput(len(inputs) + i, "generated", g.origin, g.text) for i, g in enumerate(generated)]
    claims = []
    for item in written:
        inputs.append(RunInput(len(inputs), "generated", item.origin, item.text, round(item.validity, 4)))
        if item.expected is not None:
            claims.append(Claim(inputs[-1].id, item.expected, _token(item.expected, checker), item.copies))
    store.set_inputs(inputs, claims)
    return inputs


def _token(expected: str, checker: Checker) -> str:
    """The behaviour of a program that prints the claimed output."""
    return behaviour_token(Outcome(Verdict.OK), checker.normalise(expected.encode("utf-8", "surrogatepass"))) or ""
