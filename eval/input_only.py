"""Tasks whose data set gives hidden inputs without outputs (HumanEval+, MBPP+): the reference solution tells them.

It runs once a task, confined, as a program that keeps the contract and prints each value; nothing of it is on the
engine's path. Inputs that break the contract, on which the reference raises, or whose value is no literal have no
right output here and are left out.
"""

from __future__ import annotations

import dataclasses

from eval import mbpp_plus
from eval.task import HiddenTest, Reference, Task
from sandbox import Checker, Limits, Program, Runner, Verdict
from solver.formats.fields import BadRecord, Record
from solver.formats.literals import literal

REFERENCE_LIMITS = Limits(cpu_seconds=30.0, memory_bytes=2**30, output_bytes=64 * 2**20)

_PRELUDE = "from math import inf, nan\n"


class ReferenceFailed(Exception):
    """The reference solution gave no outputs; the message says why."""


def reference_of(record: Record) -> Reference | None:
    """The inputs of an EvalPlus record and what turns them into outputs; None without inputs. Raises BadRecord."""
    try:
        inputs = tuple(mbpp_plus.argument_text(arguments) for arguments in mbpp_plus.argument_lists(record))
        if not inputs:
            return None
        return Reference(inputs, _PRELUDE + mbpp_plus.printing_program(record), mbpp_plus.calls_driver(record))
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        raise BadRecord(f"the reference solution or its inputs cannot be read: {error}") from None


async def ready(task: Task, sandbox: Runner) -> Task:
    """The task with its tests: runs the reference where there is one. Raises ReferenceFailed."""
    if task.reference is None or task.tests:
        return task
    lines = "".join(f"({inputs},)\n" if inputs else "()\n" for inputs in task.reference.inputs)
    outcome = await sandbox.run(Program("python", task.reference.printing), _bytes(lines), REFERENCE_LIMITS)
    printed = outcome.output.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
    if outcome.verdict is not Verdict.OK:
        raise ReferenceFailed(f"the reference solution ended with {outcome.verdict}: {outcome.stderr[-200:]}")
    if len(printed) != len(task.reference.inputs):
        raise ReferenceFailed("the reference solution printed another number of values than there are inputs")
    pairs = zip(task.reference.inputs, printed, strict=True)
    tests = tuple(HiddenTest(inputs, (value,)) for inputs, line in pairs if (value := literal(line)) is not None)
    if not tests:
        raise ReferenceFailed("the reference solution gives a value that can be compared on none of the inputs")
    return dataclasses.replace(task, tests=tests)


def called_program(reference: Reference, program: Program) -> Program:
    """The program with the driver behind it: what is compared of a value is not always the value."""
    return dataclasses.replace(program, source=program.source + reference.driver, entry_point=mbpp_plus.CALL_ONE)


async def passes_at_once(task: Task, program: Program, sandbox: Runner, limits: Limits, checker: Checker) -> bool:
    """Whether all hidden calls in one run, within the limits of one call, give what they should.

    False says nothing: the calls may be too many for one run.
    """
    assert task.reference is not None
    together = dataclasses.replace(
        program, source=program.source + task.reference.driver, entry_point=mbpp_plus.CALL_ALL
    )
    given = _bytes(", ".join(f"[{test.input}]" for test in task.tests))
    wanted = _bytes(f"[{', '.join(f'({test.outputs[0]}, None)' for test in task.tests)}]")
    outcome = await sandbox.run(together, given, limits)
    return outcome.verdict is Verdict.OK and await checker.accepts(given, wanted, outcome.output)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
