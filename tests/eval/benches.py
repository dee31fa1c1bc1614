"""Benchmark directories without a model and a sandbox: the records that runs and a judge would have left, on disk, made
into reports and submissions by the engine's own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from eval.bench.layout import BenchDirectory
from eval.bench.verdicts import JudgedProblem, Verdicts
from eval.judge import Judgement
from sandbox import Verdict
from solver.choice import choose
from solver.config import RunConfig
from solver.engine import planned_requests
from solver.problem import Example, Problem
from solver.report import make_report
from solver.rundir import RunDirectory
from solver.samplers.base import Sample
from solver.store import Execution, RunInput, Store, StoredProgram


@dataclass(frozen=True)
class Drawn:
    """A sample. source: None for an answer without a program. does: per generated input a letter, equal ones for equal
    outputs, or a fault's name; empty for a program that fails the example. plan, temperature: by default as the engine
    would have asked."""

    source: str | None
    does: tuple[str, ...] = ()
    right: bool = False
    fails_with: str = "WA"
    plan: str = ""
    temperature: float | None = None
    tokens: int = 20
    logprob: float = -0.5


@dataclass(frozen=True)
class Asked:
    """A problem of the benchmark and its samples. inputs: the generated ones; their number fits every `does`."""

    name: str
    samples: Sequence[Drawn]
    inputs: Sequence[str] = ("1", "2")
    statement: str = "Print the number."
    about: dict[str, object] = field(default_factory=dict)


def make_bench(root: Path, problems: Sequence[Asked]) -> Path:
    """The directory, each problem judged."""
    bench = BenchDirectory(root)
    root.mkdir(parents=True, exist_ok=True)
    with Verdicts(bench.verdicts) as verdicts:
        for number, asked in enumerate(problems, 1):
            directory = bench.run_directory(number, asked.name)
            _make_run(directory, asked)
            told = {"source": "made up", "hidden_tests": 3, **asked.about}
            verdicts.add_problem(
                JudgedProblem(asked.name, number, str(directory.relative_to(root)), **told)  # type: ignore[arg-type]
            )
            for drawn in asked.samples:
                if drawn.source is not None and drawn.does:
                    verdict = Verdict.AC if drawn.right else Verdict.WA
                    failing = None if drawn.right else 3
                    verdicts.add(asked.name, key_of(drawn.source), Judgement(verdict, 3, 4, failing, 0.01))
            verdicts.finish(asked.name)
    return root


def key_of(source: str) -> str:
    """A program's key, as long as a real one."""
    return sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def _make_run(directory: Path, asked: Asked) -> None:
    problem = Problem(name=asked.name, statement=asked.statement, examples=[Example(input="1\n", output="1\n")])
    config = RunConfig(samples=max(1, len(asked.samples)), samples_per_request=1)
    run = RunDirectory.create(directory, problem, config)
    requests = list(planned_requests(problem, config))
    with Store(run.store_path) as store:
        generated = [RunInput(n, "generated", "structure:small", text) for n, text in enumerate(asked.inputs, 1)]
        store.set_inputs([RunInput(0, "example", "example", "1\n"), *generated])
        seen: set[str] = set()
        for index, drawn in enumerate(asked.samples):
            program = None
            if drawn.source is not None:
                program = StoredProgram(key_of(drawn.source), index, "python", drawn.source)
            request = requests[index]
            sample = Sample(
                index, 0, "text", "a-model", drawn.plan or request.plan, "python",
                request.temperature if drawn.temperature is None else drawn.temperature, request.seed,
                50, drawn.tokens, drawn.logprob, "stop",
            )  # fmt: skip
            store.add_sample(index, sample, "ok" if program else "no code", program)
            if program is not None and program.key not in seen:
                seen.add(program.key)
                for execution in _executions(program.key, drawn):
                    store.add_execution(execution)
        answer = choose(store, len(asked.samples), 10, config.policy, config.seed)
        files = run.write_submissions(answer.submissions, store)
        run.write_report(
            make_report(
                problem, config, store, answer, files, settled=len(asked.samples), stop_reason="samples", detail=None
            )
        )
    run.unlock()


def _executions(key: str, drawn: Drawn) -> list[Execution]:
    if not drawn.does:
        return [_execution(key, 0, Verdict(drawn.fails_with), "00")]
    found = [_execution(key, 0, Verdict.AC, "aa")]
    for number, letter in enumerate(drawn.does, 1):
        fault = letter in Verdict.__members__
        verdict = Verdict(letter) if fault else Verdict.OK
        found.append(_execution(key, number, verdict, letter if fault else letter.encode().hex().ljust(32, "0")))
    return found


def _execution(key: str, input_id: int, verdict: Verdict, behaviour: str) -> Execution:
    return Execution(key, input_id, verdict, behaviour, 0.02, 0.03, 2**20, 0, None, "")
