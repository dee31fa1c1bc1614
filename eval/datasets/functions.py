"""Functions to write: HumanEval and MBPP with their plus editions, LeetCodeDataset, LiveCodeBench (also programs)."""

from __future__ import annotations

from collections.abc import Iterator

from eval.datasets.family import Family, Solution, day
from eval.datasets.pickled import packed_text
from eval.input_only import reference_of
from eval.task import CODE_LIMITS, About, HiddenTest, Task, TestCode
from sandbox import Limits
from solver.formats import humaneval, leetcode, livecodebench, mbpp
from solver.formats.fields import BadRecord, Record, embedded_json, tags_field, tests_field, text_field
from solver.problem import Problem

_MEMORY = 2**30
_PLUS_LIMITS = Limits(cpu_seconds=30.0, memory_bytes=_MEMORY)  # hundreds of calls
_LEETCODE_LIMITS = Limits(cpu_seconds=60.0, memory_bytes=_MEMORY)  # a few references need more than 10


def _humaneval_task(record: Record, problem: Problem) -> Task:
    """`check(candidate)`, which may use what the prompt defines; or EvalPlus's inputs."""
    if reference := reference_of(record) if "base_input" in record else None:
        return Task(problem, (), reference=reference)
    tests = text_field(record, "test")
    if not tests.strip():
        return Task(problem, ())
    prelude = text_field(record, "prompt") + "    pass\n"
    limits = _PLUS_LIMITS if "inputs" in tests else CODE_LIMITS
    return Task(problem, (), code=TestCode(f"{tests}\n\ncheck(candidate)\n", prelude, limits))


def _mbpp_task(record: Record, problem: Problem) -> Task:
    """A list of asserts, the plus edition's script, or EvalPlus's inputs."""
    if reference := reference_of(record) if "base_input" in record else None:
        return Task(problem, (), reference=reference)
    imports = record.get("test_imports") or []
    prelude = "\n".join([*map(str, imports), text_field(record, "test_setup_code")])
    if script := text_field(record, "test"):
        return Task(problem, (), code=TestCode(script, prelude, _PLUS_LIMITS))
    asserts = record.get("test_list") or []
    if not isinstance(asserts, list) or not asserts:
        return Task(problem, ())
    return Task(problem, (), code=TestCode("\n".join(map(str, asserts)) + "\n", prelude))


def _first_assert(record: Record) -> Record:
    """The first assertion is the example; all others are hidden."""
    asserts = record.get("test_list")
    return {**record, "test_list": asserts[:1]} if isinstance(asserts, list) else record


def _leetcode_task(record: Record, problem: Problem) -> Task:
    tests = text_field(record, "test")
    if not tests.strip():
        return Task(problem, ())
    code = TestCode(f"{tests}\n\ncheck(candidate)\n", text_field(record, "prompt"), _LEETCODE_LIMITS)
    return Task(problem, (), code=code)


def _leetcode_about(record: Record) -> About:
    return About(
        source="leetcode",
        difficulty=text_field(record, "difficulty").lower(),
        tags=tuple(tags_field(record, "tags")),
        date=day(record.get("estimated_date")),
    )


def _livecodebench_task(record: Record, problem: Problem) -> Task:
    """Private tests are JSON, mostly packed; of a functional one the input is a JSON value a line."""
    packed = text_field(record, "private_test_cases").strip()
    text = packed if not packed or packed.startswith("[") else packed_text(packed)
    tests = tests_field({"private_test_cases": embedded_json({"tests": text}, "tests")}, "private_test_cases")
    if problem.mode != "function":
        return Task(problem, tuple(HiddenTest(test.input, (test.output,)) for test in tests))
    calls = [livecodebench.call_of(test) for test in tests]
    if None in calls:
        raise BadRecord(f"hidden test {calls.index(None) + 1} is no call with JSON values")
    return Task(problem, tuple(HiddenTest(call.input, (call.output,)) for call in calls if call))


def _livecodebench_about(record: Record) -> About:
    return About(
        source=text_field(record, "platform").lower(),
        difficulty=text_field(record, "difficulty").lower(),
        date=day(record.get("contest_date")),
    )


def _canonical(record: Record) -> Iterator[Solution]:
    """HumanEval's continues the prompt; MBPP's is called `code`, and that of the plus editions stands alone."""
    solution = text_field(record, "canonical_solution", "code")
    if solution:
        whole = f"def {text_field(record, 'entry_point')}(" in solution or "canonical_solution" not in record
        yield "python", solution if whole else text_field(record, "prompt") + solution


def _completion(record: Record) -> Iterator[Solution]:
    if completion := text_field(record, "completion"):
        yield "python", f"{text_field(record, 'prompt')}\n{completion}"


HUMANEVAL = Family(
    name="HumanEval",
    recognises=humaneval.recognises,
    public=frozenset({"task_id", "prompt", "entry_point", "atol"}),
    problem=humaneval.convert,
    task=_humaneval_task,
    about=lambda record: About(source="humaneval"),
    solution_columns=frozenset({"canonical_solution"}),
    solutions=_canonical,
)
MBPP = Family(
    name="MBPP",
    recognises=mbpp.recognises,
    public=frozenset({"task_id", "text", "prompt", "entry_point", "atol", "test_list"}),
    problem=mbpp.convert,
    task=_mbpp_task,
    about=lambda record: About(source="mbpp"),
    solution_columns=frozenset({"canonical_solution", "code"}),
    solutions=_canonical,
    shown=_first_assert,
)
LEETCODE = Family(
    name="LeetCodeDataset",
    recognises=leetcode.recognises,
    public=frozenset(
        {
            "task_id",
            "question_id",
            "difficulty",
            "tags",
            "problem_description",
            "starter_code",
            "estimated_date",
            "entry_point",
        }
    ),
    problem=leetcode.convert,
    task=_leetcode_task,
    about=_leetcode_about,
    solution_columns=frozenset({"prompt", "completion"}),
    solutions=_completion,
)
LIVECODEBENCH = Family(
    name="LiveCodeBench",
    recognises=livecodebench.recognises,
    public=frozenset(
        {
            "question_title",
            "question_content",
            "platform",
            "question_id",
            "contest_id",
            "contest_date",
            "starter_code",
            "difficulty",
            "public_test_cases",
            "metadata",
        }
    ),
    problem=livecodebench.convert,
    task=_livecodebench_task,
    about=_livecodebench_about,
)
