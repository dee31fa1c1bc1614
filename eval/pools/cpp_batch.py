"""All C++ completions of one prompt: what their calls return, and whether they pass the hidden tests.

Calls and tests are different programs in different runs, so what a test expects is never in the process whose outputs
become evidence. Programs are compiled by dozens (see `cpp_program`); a compiler's error is blamed on the completion
whose lines it names, and where that cannot be told the group is halved until it can.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.pools.cpp_calls import LIMITS, UNKNOWN, encoded_calls, make_calls
from eval.pools.cpp_program import Joined, calling, checking, stays_inside
from eval.pools.cpp_types import Inexpressible, read_signature
from eval.pools.python_calls import Calls
from sandbox import Level, Limits, Outcome, Program, Verdict
from sandbox.batch import Runner

GROUP = 64
TEST_LIMITS = Limits(cpu_seconds=3.0, memory_bytes=2**30)
_ERROR = re.compile(r"^main\.cpp:(\d+):\d+: (?:fatal )?error: ", re.MULTILINE)
_MENTIONED = re.compile(r"^main\.cpp:(\d+):\d+: .*required from", re.MULTILINE)

Text = Callable[[Sequence[str]], Joined]


@dataclass(frozen=True, slots=True)
class _Built:
    program: Program
    members: list[int]


async def call_and_test(
    sources: Sequence[str], prompt: str, calls: Sequence[str], suffix: str, sandbox: Runner, *, language: str = "cpp"
) -> list[tuple[Calls, str]]:
    """For each source (prompt and completion), its calls as `call_cpp` makes them and the verdict of the hidden tests.

    The verdict is AC, WA (an assertion), RTE, TLE, MLE, OLE, CE or IE. Raises what `Sandbox.run` raises.
    """
    job = _Job(sources, prompt, calls, suffix, sandbox, language)
    inside = [i for i, s in enumerate(sources) if s.startswith(prompt) and stays_inside(s.removeprefix(prompt))]
    alone = sorted(set(range(len(sources))) - set(inside))
    groups = [inside[at : at + GROUP] for at in range(0, len(inside), GROUP)] + [[index] for index in alone]
    room = asyncio.Semaphore(2 * sandbox.workers)

    async def one(group: list[int]) -> None:
        async with room:
            await job.do(group)

    await asyncio.gather(*map(one, groups))
    return [(job.calls[index], job.verdicts[index]) for index in range(len(sources))]


class _Job:
    def __init__(
        self, sources: Sequence[str], prompt: str, calls: Sequence[str], suffix: str, sandbox: Runner, language: str
    ) -> None:
        self.sources, self.prompt, self.suffix = sources, prompt, suffix
        self.sandbox, self.language = sandbox, language
        self.count = len(calls)
        self.calls: dict[int, Calls] = {}
        self.verdicts: dict[int, str] = {}
        try:
            self.signature = read_signature(prompt)
        except Inexpressible:
            self.given: list[bytes | None] = [None] * len(calls)
        else:
            self.given = encoded_calls(calls, self.signature)

    async def do(self, group: list[int]) -> None:
        if any(data is not None for data in self.given):
            built = await self._build(group, lambda some: calling(some, self.prompt, self.signature), "fast")
            await asyncio.gather(*(self._call(one, which) for one in built for which in range(len(one.members))))
        else:
            self.calls.update(dict.fromkeys(group, Calls((UNKNOWN,) * self.count, 0.0)))
        left = [index for index in group if index not in self.verdicts]
        if left and checking(self.sources[:1], self.prompt, self.suffix) is None:
            await asyncio.gather(*map(self._test_as_it_stands, left))
        elif left:
            built = await self._build(left, self._tests, "full")
            await asyncio.gather(*(self._test(one, which) for one in built for which in range(len(one.members))))

    def _tests(self, sources: Sequence[str]) -> Joined:
        joined = checking(sources, self.prompt, self.suffix)
        assert joined is not None
        return joined

    async def _build(self, group: list[int], text: Text, level: Level) -> list[_Built]:
        """Programs that compile; those whose completions do not are CE, for calls and tests."""
        built: list[_Built] = []
        waiting = [group]
        while waiting:
            members = waiting.pop()
            joined = text([self.sources[index] for index in members])
            program = Program(self.language, joined.text)
            outcome = await self.sandbox.run(program, b"%d 0 " % len(members), LIMITS, optimise=level)
            if outcome.verdict is not Verdict.CE:
                built.append(_Built(program, members))
                continue
            guilty, suspected = _blamed(outcome.stderr, joined.lines)
            if len(members) == 1:
                guilty = {0}
            for which in guilty:
                self.verdicts[members[which]] = "CE"
                self.calls.setdefault(members[which], Calls(("CE",) * self.count, 0.0))
            rest = [index for which, index in enumerate(members) if which not in guilty | suspected]
            waiting += [[members[which]] for which in suspected - guilty]
            halves = [rest] if guilty or suspected else [rest[: len(rest) // 2], rest[len(rest) // 2 :]]
            waiting += filter(None, halves)
        return built

    async def _call(self, built: _Built, which: int) -> None:
        self.calls[built.members[which]] = await make_calls(built.program, which, self.given, self.sandbox)

    async def _test(self, built: _Built, which: int) -> None:
        word = secrets.token_hex(8).encode()
        outcome = await self.sandbox.run(built.program, b"%d %b" % (which, word), TEST_LIMITS, optimise="full")
        verdict = _verdict(outcome)
        # A program that ends the process before the tests have ended has not passed them.
        self.verdicts[built.members[which]] = "RTE" if verdict == "AC" and word not in outcome.output else verdict

    async def _test_as_it_stands(self, index: int) -> None:
        program = Program(self.language, self.sources[index] + self.suffix)
        outcome = await self.sandbox.run(program, b"", TEST_LIMITS, optimise="full")
        self.verdicts[index] = _verdict(outcome)


def _verdict(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.OK:
        return "AC"
    if outcome.verdict is Verdict.RTE and ": Assertion `" in outcome.stderr:
        return "WA"
    return str(outcome.verdict)


def _blamed(message: str, lines: Sequence[tuple[int, int]]) -> tuple[set[int], set[int]]:
    """Whose lines an error is in, and whose lines only led to one in the library."""
    return _owners(_ERROR, message, lines), _owners(_MENTIONED, message, lines)


def _owners(pattern: re.Pattern[str], message: str, lines: Sequence[tuple[int, int]]) -> set[int]:
    numbers = [int(match[1]) for match in pattern.finditer(message)]
    return {which for which, (first, behind) in enumerate(lines) if any(first <= number < behind for number in numbers)}
