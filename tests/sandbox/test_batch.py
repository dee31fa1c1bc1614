"""Many programs on many tests: streaming, back-pressure, early exit, known results, sources compiled once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox import Job, Limits, Outcome, Program, Sandbox, TestOrder, Verdict
from sandbox.code_cache import CodeCache
from sandbox.libraries import installed_libraries, mentions_library
from sandbox.results import ResultCache, key_of

from .conftest import Bench

LIMITS = Limits()
ECHO = Program("python", "print(input())")


def _echoes(index: int, outcome: Outcome) -> bool:
    return outcome.output == b"%d\n" % index


async def test_each_job_ends_at_its_first_failing_test() -> None:
    wrong = Program("python", "n = int(input()); print(n if n < 2 else 'wrong')")
    crash = Program("python", "n = int(input()); print(n); 1 // (1 - n)")
    inputs = tuple(b"%d\n" % i for i in range(5))
    async with Sandbox(2) as sandbox:
        jobs = [Job(program, inputs, LIMITS, _echoes, tag=name) for name, program in
                (("right", ECHO), ("wrong", wrong), ("crash", crash))]  # fmt: skip
        results = {result.job.tag: result async for result in sandbox.run_many(jobs)}
    assert {tag: (result.failed, sorted(result.outcomes)) for tag, result in results.items()} == {
        "right": (None, [0, 1, 2, 3, 4]),
        "wrong": (2, [0, 1, 2]),
        "crash": (1, [0, 1]),
    }
    assert results["crash"].outcomes[1].verdict is Verdict.RTE


class Recorder:
    """Stands in for a sandbox where only the order of events matters."""

    workers = 2

    def __init__(self) -> None:
        self.running = self.most = 0

    async def run(self, program: Program, stdin: bytes, limits: Limits, **_: object) -> Outcome:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return Outcome(Verdict.OK, stdin)


async def test_jobs_are_taken_from_their_source_only_when_there_is_room() -> None:
    from sandbox.batch import run_many

    taken = yielded = 0

    def source() -> Iterator[Job]:
        nonlocal taken
        for i in range(200):
            taken += 1
            assert taken - yielded <= 5
            yield Job(ECHO, (b"%d" % i,), LIMITS)

    recorder = Recorder()
    async for _ in run_many(recorder, source(), in_flight=4):
        yielded += 1
        await asyncio.sleep(0)  # a slow consumer
    assert (taken, yielded, recorder.most) == (200, 200, 4)


async def test_jobs_may_come_from_an_asynchronous_source() -> None:
    from sandbox.batch import run_many

    async def source() -> AsyncIterator[Job]:
        for i in range(10):
            await asyncio.sleep(0)
            yield Job(ECHO, (b"%d" % i,), LIMITS)

    outputs = [result.outcomes[0].output async for result in run_many(Recorder(), source())]
    assert sorted(outputs) == [b"%d" % i for i in range(10)]


async def test_leaving_the_loop_ends_what_is_under_way() -> None:
    sleep = Program("python", "import time; time.sleep(60)")
    async with Sandbox(2) as sandbox:
        jobs = [Job(ECHO, (b"1\n",), LIMITS), *(Job(sleep, (b"",), LIMITS) for _ in range(3))]
        stream = sandbox.run_many(jobs)
        async for _ in stream:
            break
        await stream.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            assert (await sandbox.run(ECHO, b"free\n", LIMITS)).output == b"free\n"


def test_the_test_that_fails_most_for_its_time_comes_first() -> None:
    order = TestOrder(3)
    assert order.order() == [0, 1, 2]
    for _ in range(10):
        order.record(0, Outcome(Verdict.OK, cpu_seconds=0.01), True)
        order.record(1, Outcome(Verdict.OK, cpu_seconds=0.01), False)
        order.record(2, Outcome(Verdict.OK, cpu_seconds=5.0), False)
    assert order.order() == [1, 0, 2]


async def test_the_most_telling_test_first_changes_no_verdict_but_saves_runs() -> None:
    inputs = tuple(b"%d\n" % i for i in range(6))
    wrong = [Program("python", f"n = int(input()); print(n if n != 5 else 'no')  # {i}") for i in range(20)]

    async def runs(order: TestOrder | None) -> tuple[list[int | None], int]:
        jobs = [Job(program, inputs, LIMITS, _echoes, order) for program in wrong]
        results = [result async for result in sandbox.run_many(jobs)]
        return [result.failed for result in results], sum(len(result.outcomes) for result in results)

    async with Sandbox(1) as sandbox:
        given, telling = await runs(None), await runs(TestOrder(6))
    assert given == ([5] * 20, 120)
    assert telling[0] == [5] * 20
    assert telling[1] < 60


async def test_a_known_result_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sandbox(1, cache_bytes=2**20) as sandbox:
        first = await sandbox.run(ECHO, b"1\n", LIMITS)
        monkeypatch.setattr(sandbox, "_run", None)
        assert await sandbox.run(ECHO, b"1\n", LIMITS) == first


@pytest.mark.parametrize(
    "changed",
    [
        (Program("python", "print(input())  "), b"1", LIMITS, (), {}, ()),
        (ECHO, b"2", LIMITS, (), {}, ()),
        (ECHO, b"1", Limits(cpu_seconds=3.0), (), {}, ()),
        (ECHO, b"1", LIMITS, ("x",), {}, ()),
        (ECHO, b"1", LIMITS, (), {"x": b""}, ()),
        (ECHO, b"1", LIMITS, (), {}, ("x",)),
        (ECHO, b"1", LIMITS, ("", "x"), {}, ()),
    ],
)
def test_a_result_is_known_for_exactly_the_same_run_only(changed: tuple[object, ...]) -> None:
    assert key_of(*changed) != key_of(ECHO, b"1", LIMITS, (), {}, ())  # type: ignore[arg-type]


def test_the_oldest_results_make_room_and_internal_errors_are_never_kept() -> None:
    cache = ResultCache(5000)
    keys = [key_of(ECHO, b"%d" % i, LIMITS, (), {}, ()) for i in range(10)]
    for key in keys:
        cache.put(key, Outcome(Verdict.OK, b"x" * 1000))
    cache.put(keys[0], Outcome(Verdict.IE))
    assert [cache.get(key) is not None for key in keys] == [False] * 7 + [True] * 3


def test_a_source_is_compiled_once_and_its_later_runs_print_the_same(bench: Bench) -> None:
    source = "import sys\nclass A:\n    x = [i * i for i in range(9)]\nprint(A.x, __name__, __file__, sys.argv)"
    outcomes = [bench.python(source) for _ in range(3)]
    assert outcomes[0].verdict is Verdict.OK
    assert len({outcome.output for outcome in outcomes}) == 1


def test_an_error_of_a_program_that_was_compiled_before_names_the_same_line(bench: Bench) -> None:
    errors = [bench.python("def f():\n    return 1 / 0\n\nf()").stderr for _ in range(2)]
    assert errors[0] == errors[1]
    assert 'File "main.py", line 2, in f' in errors[0]


def test_a_program_cannot_leave_code_for_another_one_under_its_name() -> None:
    cache = CodeCache()
    assert cache.take(b"a", b"ready\ncode:CODE") == b"ready\n"
    assert (cache.get(b"a"), cache.get(b"b")) == (b"CODE", None)
    assert cache.take(b"b", b"ready\ncompile:SyntaxError") == b"ready\ncompile:SyntaxError"
    assert cache.get(b"b") is None


def test_known_libraries_can_be_imported_where_they_are_installed(bench: Bench) -> None:
    assert {"numpy", "sortedcontainers"} == {library.module for library in installed_libraries()}
    numpy = (
        "import numpy as np\nfrom sortedcontainers import SortedList\nprint(np.arange(4).sum(), SortedList([2, 1])[0])"
    )
    outcome = bench.python(numpy)
    assert (outcome.output, outcome.stderr) == (b"6 1\n", "")
    bench.assert_unharmed()


def test_other_installed_packages_stay_out_of_reach(bench: Bench) -> None:
    outcome = bench.python("import numpy\nimport pydantic")
    assert "No module named 'pydantic'" in outcome.stderr


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (b"import numpy", True),
        (b"import os, numpy as np", True),
        (b"  from numpy.linalg import inv", True),
        (b"from sortedcontainers import SortedDict", True),
        (b"print('numpy')", False),
        (b"# import numpy", False),
        (b"import numpyro", False),
    ],
)
def test_only_programs_that_mention_a_library_get_the_larger_server(source: bytes, wanted: bool) -> None:
    assert mentions_library(source) is wanted
