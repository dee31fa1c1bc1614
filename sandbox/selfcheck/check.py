"""Runs attacks one after another, and after each looks at the host and at two innocent programs."""

from __future__ import annotations

import dataclasses
import fnmatch
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.isolation import IsolationReport
from sandbox.languages import languages
from sandbox.pool import Sandbox
from sandbox.selfcheck import attacks
from sandbox.selfcheck.attack import CALM, HELD, Attack
from sandbox.selfcheck.scene import Scene
from sandbox.types import Outcome, Program, Verdict
from sandbox.zygote import kernel

_ANSWER = b"42 []\n"
_PYTHON = Program(
    "python", "import os\nprint(sum(map(int, input().split())), os.listdir('.'))\nopen('mine', 'a').close()"
)
_PYTHON_READ_ONLY = Program("python", "import os\nprint(sum(map(int, input().split())), os.listdir('.'))")
_CPP = Program(
    "cpp",
    '#include <cstdio>\nint main() { int a, b; if (scanf("%d%d", &a, &b) == 2) printf("%d []\\n", a + b); }',
)
_LIBRARIES = Program("python", "import numpy")  # starts what is only started when needed
# Accepts a program that says what it should; the program cannot tell it to in any other way.
_INTERACTOR = Program("python", "import sys\nsys.exit(42 if sys.stdin.readline() == 'held\\n' else 43)")
_LATE_SECONDS = 60.0
_SLACK_BYTES = 640 * 2**20  # of address space; a cgroup is stricter


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one attack. faults: what it got, empty when it was contained. skipped: why it was not run."""

    attack: Attack
    faults: tuple[str, ...] = ()
    skipped: str = ""
    verdict: str = ""
    seconds: float = 0.0

    @property
    def contained(self) -> bool:
        """Whether it got nothing."""
        return not self.faults


@dataclass(slots=True)
class Report:
    """All findings in one setting."""

    isolation: IsolationReport
    findings: list[Finding] = field(default_factory=list)

    @property
    def ran(self) -> list[Finding]:
        """The attacks that were run."""
        return [finding for finding in self.findings if not finding.skipped]

    @property
    def escaped(self) -> list[Finding]:
        """The attacks that got something."""
        return [finding for finding in self.findings if not finding.contained]


def all_attacks(only: str = "*", *, quick: bool = False) -> list[Attack]:
    """The attacks whose name matches the pattern (`files/*`, `*bomb*`), without the slow ones if `quick`."""
    pattern = only if any(sign in only for sign in "*?[") else f"*{only}*"
    return [a for a in attacks.ATTACKS if fnmatch.fnmatchcase(a.name, pattern) and not (quick and a.slow)]


async def run_selfcheck(
    chosen: Iterable[Attack] | None = None,
    *,
    on_finding: Callable[[Finding], None] = lambda finding: None,
) -> Report:
    """Attacks a sandbox of its own; every attack if none is chosen. Raises SandboxUnavailable, OSError."""
    async with Sandbox(1) as sandbox:
        with Scene() as scene:
            checker = Checker(sandbox, scene)
            await checker.warm_up()
            report = Report(sandbox.isolation)
            for attack in all_attacks() if chosen is None else chosen:
                finding = await checker.check(attack)
                report.findings.append(finding)
                on_finding(finding)
    return report


class Checker:
    """Attacks one sandbox with a single worker, so that the next program meets what the attack left."""

    def __init__(self, sandbox: Sandbox, scene: Scene, *, processes: bool = True) -> None:
        """processes: whether to look for processes left behind, which needs this process to itself."""
        self._sandbox = sandbox
        self._scene = scene
        self._look_at_processes = processes
        self._has_cpp = shutil.which("g++") is not None
        self._has_libraries = False
        self._processes: set[int] = set()

    async def warm_up(self) -> None:
        """Runs the innocent programs once, so that everything there will be is there."""
        faults = await self._innocent_faults()
        self._has_libraries = (await self._sandbox.run(_LIBRARIES, b"", CALM)).verdict is Verdict.OK
        await self._sandbox.interact(_PYTHON, _INTERACTOR, limits=CALM, interactor_limits=CALM)
        if faults:
            raise OSError(f"innocent programs do not work here: {'; '.join(faults)}")
        self._processes = descendants(self._scene.victim)

    async def check(self, attack: Attack) -> Finding:
        """Runs one attack. Faults of the sandbox (IE) are faults, too."""
        if reason := self._why_not(attack):
            return Finding(attack, skipped=reason)
        began = time.monotonic()
        faults = []
        if attack.first:
            planted = await self._run(attack, attack.first)
            faults += [f"the planting program: {planted.verdict} {planted.stderr[-200:]}"] * (
                planted.verdict in (Verdict.IE, Verdict.CE)
            )
        outcome = await self._run(attack, attack.source)
        faults += [*_faults(attack, outcome), *self._scene.leaks(outcome), *await self._innocent_faults()]
        faults += self._scene.damage()
        if self._look_at_processes and (now := descendants(self._scene.victim)) != self._processes:
            faults.append(
                f"processes {sorted(self._processes - now)} are gone, {sorted(now - self._processes)} are new"
            )
            self._processes = now
        return Finding(attack, tuple(faults), verdict=str(outcome.verdict), seconds=time.monotonic() - began)

    def _why_not(self, attack: Attack) -> str:
        if attack.machine and attack.machine != kernel.MACHINE:
            return f"only on {attack.machine}"
        available = languages()[attack.language].available()
        if not available:
            return available.detail
        if attack.family == "libraries" and not self._has_libraries:
            return "programs here have no numpy"
        missing = [name for name in attack.needs if not self._sandbox.isolation.active(name)]
        return f"not promised without the layer {', '.join(missing)}" if missing else ""

    async def _run(self, attack: Attack, source: str) -> Outcome:
        mode = "function" if attack.entry_point else "file" if attack.output_file else "stdio"
        program = Program(
            attack.language,
            self._scene.fill(source),
            mode=mode,  # type: ignore[arg-type]
            entry_point=attack.entry_point,
            output_file=attack.output_file,
        )
        if not attack.interactive:
            return await self._sandbox.run(program, attack.stdin, attack.limits)
        talk = await self._sandbox.interact(program, _INTERACTOR, limits=attack.limits, interactor_limits=CALM)
        return dataclasses.replace(talk.program, verdict=Verdict.IE) if talk.verdict is Verdict.IE else talk.program

    async def _innocent_faults(self) -> list[str]:
        creates = self._sandbox.isolation.active("mount")
        programs = [_PYTHON if creates else _PYTHON_READ_ONLY, *([_CPP] if self._has_cpp else [])]
        faults = []
        for program in programs:
            outcome = await self._sandbox.run(program, b"2 40\n", CALM)
            if (outcome.verdict, outcome.output) != (Verdict.OK, _ANSWER):
                said = f"{outcome.verdict} {outcome.output[:60]!r} {outcome.stderr[-300:]!r}"
                faults.append(f"the next innocent {program.language} program got {said}")
        return faults


def _faults(attack: Attack, outcome: Outcome) -> list[str]:
    faults = []
    said = f"{outcome.output[:200]!r} {outcome.stderr[-300:]!r}"
    if outcome.verdict is Verdict.IE:
        faults.append(f"the sandbox failed: {outcome.stderr[-300:]}")
    elif attack.ends and outcome.verdict not in attack.ends:
        faults.append(f"ended as {outcome.verdict}, not as {' or '.join(sorted(attack.ends))}: {said}")
    elif not attack.ends and (outcome.verdict, outcome.output) != (Verdict.OK, HELD):
        faults.append(f"{outcome.verdict}: {said}")
    text = outcome.output.decode("utf-8", "replace")
    faults += [f"the output says {word!r}" for word in attack.forbidden if word in text]
    if outcome.verdict is Verdict.CE:  # the compiler has limits of its own
        return faults
    if outcome.wall_seconds > attack.limits.longest_seconds + _LATE_SECONDS:
        faults.append(f"it was stopped after {outcome.wall_seconds:.0f} s only")
    if outcome.peak_memory_bytes > attack.limits.memory_bytes + _SLACK_BYTES:
        faults.append(f"it had {outcome.peak_memory_bytes >> 20} MB")
    return faults


def descendants(without: int) -> set[int]:
    """The processes below this one, but for the one of that id."""
    found: set[int] = set()
    waiting = ["self"]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                pids = {int(pid) for pid in children.read_text().split()} - {without} - found
            except OSError:
                continue
            found |= pids
            waiting += map(str, pids)
    return found
