"""Every attack is contained, in every setting; every layer is what stops one; and the check itself can fail."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Limits, Verdict
from sandbox.selfcheck import Attack, Checker, Scene, all_attacks, run_selfcheck, settings
from sandbox.selfcheck.attack import denies, ends, held
from sandbox.selfcheck.layers import PROOFS, prove_layers

from .conftest import Bench

QUICK = all_attacks(quick=True)


class Stage:
    def __init__(self, bench: Bench, scene: Scene) -> None:
        self.bench, self.scene = bench, scene
        self.checker = Checker(bench.sandbox, scene)
        bench.loop.run_until_complete(self.checker.warm_up())

    def faults(self, attack: Attack) -> tuple[str, ...]:
        finding = self.bench.loop.run_until_complete(self.checker.check(attack))
        if finding.skipped:
            pytest.skip(finding.skipped)
        return finding.faults


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Bench() as bench, Scene() as scene:
        yield Stage(bench, scene)


@pytest.mark.parametrize("attack", QUICK, ids=lambda attack: attack.name)
def test_contained_and_the_next_program_is_judged_right(stage: Stage, attack: Attack) -> None:
    assert stage.faults(attack) == ()


@pytest.mark.slow
@pytest.mark.parametrize("attack", [a for a in all_attacks() if a.slow], ids=lambda attack: attack.name)
def test_contained_however_long_it_takes(stage: Stage, attack: Attack) -> None:
    assert stage.faults(attack) == ()


@pytest.mark.parametrize("setting", ["user", "no-userns"])
def test_contained_as_an_ordinary_user(setting: str) -> None:
    found = _selfcheck("--as", setting, "--quick")
    assert found["escaped"] == {}
    assert found["attacks"] > 80
    assert found["layers"]["landlock"][0] or found["layers"]["mount"][0]
    assert setting == "user" or not found["layers"]["user"][0]


def _selfcheck(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.selfcheck", "--json", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode == 2 and "install" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_without_a_layer_something_gets_through_that_it_stops() -> None:
    report = asyncio.run(prove_layers())
    assert [(proven.proof.without, proven.fault) for proven in report.failed] == []
    assert len([proven for proven in report.proofs if not proven.skipped]) >= 3


def test_every_layer_has_a_proof_and_most_need_no_other_switched_off() -> None:
    alone = {proof.layer for proof in PROOFS if not proof.also}
    assert {"landlock", "seccomp", "rlimits", "cgroup", "mount", "pid", "net", "uts", "user", "uid"} <= alone
    assert {proof.layer for proof in PROOFS} - alone == {"ipc", "no_new_privs"}  # second locks


def test_the_attacks_are_many_and_each_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in all_attacks()]
    assert len(names) == len(set(names)) >= 80
    assert [a.name for a in all_attacks("files/*")] == [n for n in names if n.startswith("files/")]


HOLES = {
    "an attack that gets what it wants": held("x/open", "", "held(refused(lambda: open(os.__file__)))"),
    "a system call that is not refused": denies("x/call", "", "getpid", "kill, 0, 0"),
    "a verdict that is not the expected one": ends("x/verdict", "", "print(1)", "RTE"),
    "a text of the host in the output": ends("x/leak", "", "print('@ABSTRACT@')", "OK"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_the_check_notices(stage: Stage, hole: str) -> None:
    assert len(stage.faults(HOLES[hole])) > 0


def test_the_check_notices_what_is_done_to_the_host(stage: Stage) -> None:
    stage.scene.damage()
    assert stage.scene.damage() == []
    bait = stage.scene.fill("@BAIT@")
    subprocess.run(["touch", f"{bait}/x"], check=True)
    assert len(stage.scene.damage()) == 1
    subprocess.run(["rm", f"{bait}/x"], check=True)
    stage.scene.damage()


def test_a_run_over_some_attacks_reports_each() -> None:
    chosen = all_attacks("clocks/s*")
    seen = []
    report = asyncio.run(run_selfcheck(chosen, on_finding=seen.append))
    assert [finding.attack for finding in report.findings] == chosen
    assert seen == report.findings
    assert report.escaped == []


def test_nonsense_on_the_command_line_is_exit_code_2() -> None:
    for wrong in (["--only", "no-such-attack"], ["--as", "emperor"]):
        command = [sys.executable, "-m", "sandbox.selfcheck", *wrong]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_a_setting_that_cannot_be_had_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(settings.SettingUnavailable, match="not started as root"), settings.command("root", []):
        pass


DEEP = """
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size(512 * 2**20)
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
def main(): print(depth(100_000))
t = threading.Thread(target=main); t.start(); t.join()
"""


def test_threads_with_a_large_stack_for_deep_recursion_are_no_attack(bench: Bench) -> None:
    outcome = bench.python(DEEP, limits=Limits(cpu_seconds=10.0, memory_bytes=256 * 2**20))
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"100000\n"), outcome.stderr


def test_asyncio_is_no_attack(bench: Bench) -> None:
    source = "import asyncio\nasync def main(): await asyncio.sleep(0); print('hi')\nasyncio.run(main())"
    assert bench.python(source).output == b"hi\n"
