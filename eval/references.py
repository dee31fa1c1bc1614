"""Do the reference solutions of public data sets pass, when everything runs in our sandbox?

They are known to be right (all but a few), so what fails here is ours until it is explained. Nothing of this is
on the engine's path: it exists to show that the sandbox and the checkers give the right verdicts.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from eval import mbpp_plus
from eval.judge import judge
from eval.task import Task, tests_of_record
from sandbox import Limits, Outcome, Program, Sandbox, Verdict, make_checker
from solver.formats import apps
from solver.formats.fields import BadRecord, Record, embedded_json, identifier_field, text_field
from solver.formats.humaneval import literal_checker

LIMITS = Limits(cpu_seconds=30.0, memory_bytes=2**30, output_bytes=64 * 2**20)
CHECK_LIMITS = Limits(cpu_seconds=90.0, memory_bytes=2**30)  # all calls of a test's `check` together
APPS_ATTEMPTS = 5
APPS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """One problem. verdicts: of its reference solutions, in order, up to the first accepted one."""

    problem: str
    verdicts: tuple[Verdict, ...]
    detail: str = ""

    @property
    def accepted(self) -> bool:
        """Whether one of them passed."""
        return Verdict.AC in self.verdicts

    @property
    def accepted_at_first(self) -> bool:
        """Whether the first of them passed."""
        return self.verdicts[:1] == (Verdict.AC,)


Judge = Callable[[Record, Sandbox], Awaitable[Row]]


async def judge_all(records: list[Record], judge_record: Judge, sandbox: Sandbox) -> list[Row]:
    """A row a record, in their order; a record that cannot be read is an IE."""

    async def one(record: Record) -> Row:
        try:
            return await judge_record(record, sandbox)
        except BadRecord as error:
            return Row(identifier_field(record, "task_id", "problem_id"), (Verdict.IE,), str(error))

    return await asyncio.gather(*map(one, records))


async def apps_row(record: Record, sandbox: Sandbox) -> Row:
    """Up to five solutions on the record's tests; the statement's examples are no tests of a reference."""
    problem = apps.convert(record).model_copy(
        update={"examples": [], "time_limit_seconds": APPS_SECONDS, "memory_limit_bytes": LIMITS.memory_bytes}
    )
    task = Task(problem, tuple(tests_of_record(record)))
    verdicts: list[Verdict] = []
    details: list[str] = []
    solutions: list[Any] = embedded_json(record, "solutions") or []
    for index, source in enumerate(solutions[:APPS_ATTEMPTS]):
        judged = await judge(task, task.problem.program("python", str(source)), sandbox)
        verdicts.append(judged.verdict)
        if judged.verdict is Verdict.AC:
            break
        test = 0 if judged.failing_test is None else judged.failing_test + 1
        details.append(f"solution {index + 1}: {judged.verdict} on test {test} {judged.detail}".rstrip())
    return Row(problem.name, tuple(verdicts), "; ".join(details))


async def mbpp_plus_row(record: Record, sandbox: Sandbox) -> Row:
    """The canonical solution in function mode against what it printed, for all inputs that keep the contract."""
    name = identifier_field(record, "task_id")
    inputs = mbpp_plus.argument_lists(record)
    printed = await _printed(record, inputs, sandbox)
    if isinstance(printed, Outcome):
        return Row(name, (printed.verdict,), f"printing all values: {_last_line(printed)}")
    pairs = zip(inputs, printed, strict=True)
    kept = [(arguments, value) for arguments, value in pairs if value != mbpp_plus.BROKEN_CONTRACT]
    if not kept:
        return Row(name, (Verdict.IE,), "no input keeps the contract")
    alone = kept[: len(record.get("base_input", ()))]
    if not await _called_at_once(record, kept, sandbox):
        alone = kept  # a value that cannot cross, or a difference: which one is it?
    asserted = await _asserts(record, sandbox)
    if asserted.verdict is not Verdict.AC:
        return Row(name, (asserted.verdict,), f"its own asserts: {_last_line(asserted)}")
    for arguments, value in alone:
        verdict, reason = await _called_alone(record, arguments, value, sandbox)
        if verdict is not Verdict.AC:
            return Row(name, (verdict,), f"on {mbpp_plus.argument_text(arguments)[:100]}: {reason}")
    return Row(name, (Verdict.AC,), _left_out(printed))


async def _asserts(record: Record, sandbox: Sandbox) -> Outcome:
    program = Program("python", mbpp_plus.solution(record), mode="function", entry_point=str(record["entry_point"]))
    tests, prelude = text_field(record, "assertion"), mbpp_plus.imports(record)
    return await sandbox.check(program, tests, CHECK_LIMITS, prelude=prelude)


async def _called_at_once(record: Record, kept: list[tuple[list[Any], str]], sandbox: Sandbox) -> bool:
    program = Program("python", mbpp_plus.calling_program(record), mode="function", entry_point=mbpp_plus.CALL_ALL)
    given = _bytes(", ".join(f"[{mbpp_plus.argument_text(arguments)}]" for arguments, _ in kept))
    outcome = await sandbox.run(program, given, LIMITS)
    wanted = _bytes(mbpp_plus.expected_pairs([value for _, value in kept]))
    checker = make_checker(literal_checker(record))
    return outcome.verdict is Verdict.OK and await checker.accepts(given, wanted, outcome.output)


async def _called_alone(record: Record, arguments: list[Any], value: str, sandbox: Sandbox) -> tuple[Verdict, str]:
    program = Program("python", mbpp_plus.calling_program(record), mode="function", entry_point=mbpp_plus.CALL_ONE)
    given = _bytes(mbpp_plus.argument_text(arguments))
    outcome = await sandbox.run(program, given, LIMITS)
    raised = value.startswith(mbpp_plus.RAISED)
    if raised and outcome.verdict is Verdict.RTE:
        return Verdict.AC, ""
    if outcome.verdict is not Verdict.OK:
        return outcome.verdict, _last_line(outcome)
    if not raised and await make_checker(literal_checker(record)).accepts(given, _bytes(value), outcome.output):
        return Verdict.AC, ""
    return Verdict.WA, f"printed {value[:100]}, returned {outcome.output[:100]!r}"


async def _printed(record: Record, inputs: list[list[Any]], sandbox: Sandbox) -> list[str] | Outcome:
    lines = "".join(f"({mbpp_plus.argument_text(arguments)},)\n" if arguments else "()\n" for arguments in inputs)
    program = Program("python", "from math import inf, nan\n" + mbpp_plus.printing_program(record))
    outcome = await sandbox.run(program, _bytes(lines), LIMITS)
    printed = outcome.output.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
    if outcome.verdict is Verdict.OK and len(printed) == len(inputs):
        return printed
    return outcome if outcome.verdict is not Verdict.OK else dataclasses.replace(outcome, verdict=Verdict.WA)


def _left_out(printed: list[str]) -> str:
    broken = printed.count(mbpp_plus.BROKEN_CONTRACT)
    raised = sum(line.startswith(mbpp_plus.RAISED) for line in printed)
    parts = [f"{broken} break the contract"] if broken else []
    parts += [f"on {raised} the reference raises"] if raised else []
    return f"of {len(printed)} inputs {', '.join(parts)}" if parts else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _last_line(outcome: Outcome) -> str:
    return outcome.stderr.strip().rpartition("\n")[2][:200]


async def humaneval_row(record: Record, sandbox: Sandbox) -> Row:
    """The canonical solution under the record's `check(candidate)`, which may use what the prompt defines."""
    prompt = text_field(record, "prompt", required=True)
    source = prompt + text_field(record, "canonical_solution", required=True)
    stub_ready = prompt + "    pass\n"
    return await _checked(record, source, stub_ready, sandbox)


async def leetcode_row(record: Record, sandbox: Sandbox) -> Row:
    """The reference completion under the record's `check(candidate)`."""
    prompt = text_field(record, "prompt", required=True)
    source = f"{prompt}\n{text_field(record, 'completion', required=True)}"
    return await _checked(record, source, prompt, sandbox)


async def _checked(record: Record, source: str, prelude: str, sandbox: Sandbox) -> Row:
    entry_point = text_field(record, "entry_point", required=True)
    program = Program("python", source, mode="function", entry_point=entry_point)
    tests = text_field(record, "test", required=True) + "\n\ncheck(candidate)\n"
    outcome = await sandbox.check(program, tests, CHECK_LIMITS, prelude=prelude)
    return Row(identifier_field(record, "task_id"), (outcome.verdict,), _last_line(outcome))


DATA_SETS: dict[str, tuple[str, Judge]] = {
    "humaneval": ("humaneval.jsonl.gz", humaneval_row),
    "apps": ("apps_train_sample.jsonl.gz", apps_row),
    "mbpp_plus": ("mbpp_plus.jsonl.gz", mbpp_plus_row),
    "leetcode": ("leetcode_test.jsonl.gz", leetcode_row),
}
