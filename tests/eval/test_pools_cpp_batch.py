"""Completions that are compiled together: none may change what becomes of another one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from eval.pools.cpp_batch import call_and_test
from eval.pools.cpp_calls import call_cpp
from eval.pools.cpp_program import checking, stays_inside
from sandbox import Limits, Outcome, Program, Sandbox, languages
from sandbox.languages import Level

needs_compiler = pytest.mark.skipif(not languages()["cpp"].available(), reason="needs g++")
PROMPT = "#include<assert.h>\n#include<bits/stdc++.h>\n// Adds one.\nlong f(long n) {\n"
SUFFIX = """}
int main() {
    auto candidate = f;
    assert(candidate((4711)) == (4712));
    assert(candidate((0)) == (1));
}
"""
RIGHT = "    return n + 1;"
BREAKS_OUT = "    return n + 1; } struct Evil { Evil() { std::_Exit(0); } } evil; void g() {"
COMPLETIONS = {
    RIGHT: "AC",
    "    return n - 1;": "WA",
    "    return m + 1;": "CE",
    "    return n + 1": "CE",
    "    throw 1;": "RTE",
    "    std::exit(0);": "RTE",
    "    return *(volatile long*)0;": "RTE",
    "    for (volatile long i = 0;; i++) {}": "TLE",
    "    static long calls = 0; return n + 1 + calls++ * 0;": "AC",
    "    using namespace std; vector<long> v{n}; sort(v.begin(), v.end()); return v[0] + 1; // ok": "AC",
    "    std::sort(n, n); return 1;": "CE",
    "#define n m\n    return n + 1;": "CE",
    "    return n + 1; }": "CE",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as opened:
        yield opened


@pytest.mark.parametrize(
    "completion",
    [
        BREAKS_OUT,
        "    return 1; }",
        "    if (n) {",
        "#include <map>\n    return 1;",
        "    return 1; // \\",
        "    return 1; // \\\n    }",
        '    asm(".section .init_array");',
        '    __asm__ volatile("");',
        "    auto g = []() __attribute__((constructor)) {};",
        "    [[gnu::unused]] long a;",
        "    return 1; %>",
        "    return codesieve_0::f(n);",
        "    return 1; /* open",
        '    return "open;',
        "    return __LINE__;",
    ],
)
def test_what_could_reach_out_of_its_function_is_compiled_alone(completion: str) -> None:
    assert not stays_inside(completion)


@pytest.mark.parametrize(
    "completion", [RIGHT, '    std::string s = "}{ #define"; return 1;', "    auto g = [&](long a) { return a; };", ""]
)
def test_the_inside_of_a_body_goes_with_others(completion: str) -> None:
    assert stays_inside(completion)


def test_tests_of_another_kind_are_left_as_they_are() -> None:
    assert checking([PROMPT + RIGHT], PROMPT, "}\nint main() { return f(1) == 2 ? 0 : 1; }") is None


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_together_they_get_what_each_gets_alone(sandbox: Sandbox) -> None:
    sources = [PROMPT + completion for completion in COMPLETIONS]
    together = await call_and_test(sources, PROMPT, ["1", "2", "-5"], SUFFIX, sandbox)
    assert [verdict for _, verdict in together] == list(COMPLETIONS.values())
    for source, (calls, _) in zip(sources, together, strict=True):
        assert calls.results == (await call_cpp(source, PROMPT, ["1", "2", "-5"], sandbox)).results, source


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_code_at_namespace_scope_hurts_nobody_else(sandbox: Sandbox) -> None:
    sources = [PROMPT + RIGHT, PROMPT + BREAKS_OUT, PROMPT + "    return 1 + n;"]
    judged = await call_and_test(sources, PROMPT, ["1"], SUFFIX, sandbox)
    assert [verdict for _, verdict in judged] == ["AC", "RTE", "AC"]
    assert [calls.results for calls, _ in judged] == [("=2",), ("RTE",), ("=2",)]


class Recorder:
    """A sandbox that remembers what it was given."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.workers = sandbox, 1
        self.seen: list[tuple[str, bytes, bytes]] = []

    async def run(self, program: Program, stdin: bytes, limits: Limits, *, optimise: Level) -> Outcome:
        outcome = await self.sandbox.run(program, stdin, limits, optimise=optimise)
        self.seen.append((program.source, stdin, outcome.output))
        return outcome


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_expected_values_are_in_no_process_whose_outputs_become_evidence(sandbox: Sandbox) -> None:
    recorder = Recorder(sandbox)
    judged = await call_and_test([PROMPT + RIGHT, PROMPT + BREAKS_OUT], PROMPT, ["1"], SUFFIX, recorder)
    assert judged[0][0].results == ("=2",)
    calling = [entry for entry in recorder.seen if "codesieve_calls" in entry[0]]
    tested = [entry for entry in recorder.seen if "codesieve_calls" not in entry[0]]
    assert calling
    assert all("4711" in source for source, _, _ in tested)
    assert not any("4711" in source or b"4711" in given + said for source, given, said in calling)


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_a_signature_that_cannot_be_called_is_still_judged(sandbox: Sandbox) -> None:
    prompt = "#include<assert.h>\n#include<bits/stdc++.h>\nlong f(long* n) {\n"
    suffix = "}\nint main() {\n    auto candidate = f;\n    assert(candidate((nullptr)) == (1));\n}\n"
    judged = await call_and_test([prompt + "return !n;", prompt + "return 0;"], prompt, ["1"], suffix, sandbox)
    assert [(calls.results, verdict) for calls, verdict in judged] == [(("IE",), "AC"), (("IE",), "WA")]
