"""Interactive problems: a program and an interactor run at once, each hearing what the other says."""

import asyncio
from typing import Any

import pytest

from sandbox import Interaction, Limits, Outcome, Program, Verdict

from .conftest import QUICK, Bench

GUESS = """
low, high = 1, 1000
while low < high:
    middle = (low + high) // 2
    print(middle, flush=True)
    if input() == "larger": low = middle + 1
    else: high = middle
print("!", low, flush=True)
"""
JUDGE = """
import sys
secret = int(open(sys.argv[1]).read())
for line in sys.stdin:
    if line.startswith("!"):
        open(sys.argv[3] + "/judgemessage.txt", "w").write(line)
        sys.exit(42 if int(line[1:]) == secret else 43)
    print("larger" if secret > int(line) else "not larger", flush=True)
sys.exit(43)
"""
GUESS_CPP = """
#include <iostream>
#include <string>
int main() {
    int low = 1, high = 1000;
    while (low < high) {
        int middle = (low + high) / 2;
        std::cout << middle << std::endl;
        std::string answer, rest;
        std::cin >> answer;
        std::getline(std::cin, rest);
        if (answer == "larger") low = middle + 1; else high = middle;
    }
    std::cout << "! " << low << std::endl;
}"""
JUDGE_CPP = """
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
int main(int, char **arguments) {
    int secret;
    std::ifstream(arguments[1]) >> secret;
    for (std::string word; std::cin >> word;) {
        if (word == "!") {
            int last;
            std::cin >> last;
            std::ofstream(std::string(arguments[3]) + "/judgemessage.txt") << "! " << last << "\\n";
            return last == secret ? 42 : 43;
        }
        std::cout << (secret > std::atoi(word.c_str()) ? "larger" : "not larger") << std::endl;
    }
    return 43;
}"""
KATTIS: dict[str, Any] = {
    "interactor_arguments": ["in", "ans", "feedback"],
    "interactor_files": {"in": b"417", "ans": b""},
    "collect": ["feedback/judgemessage.txt"],
}


def interact(
    bench: Bench, program: str | Program, interactor: str | Program, limits: Limits = QUICK, **extra: Any
) -> Interaction:
    sides = [side if isinstance(side, Program) else Program("python", side) for side in (program, interactor)]
    return bench.loop.run_until_complete(
        bench.sandbox.interact(*sides, limits=limits, interactor_limits=extra.pop("interactor_limits", QUICK), **extra)
    )


def accepts(result: Interaction) -> None:
    assert result.verdict is Verdict.AC, result
    assert result.program.verdict is Verdict.OK
    assert dict(result.interactor.files) == {"feedback/judgemessage.txt": b"! 417\n"}


def test_python_with_python(bench: Bench) -> None:
    result = interact(bench, GUESS, JUDGE, **KATTIS)
    accepts(result)
    assert result.program.output.startswith(b"500\n250\n")
    assert result.interactor.output.startswith(b"not larger\nlarger\n")
    bench.assert_unharmed()


@pytest.mark.parametrize("native", ["program", "interactor", "both"])
def test_compiled_programs_on_either_side(cpp_bench: Bench, native: str) -> None:
    program = GUESS if native == "interactor" else Program("cpp", GUESS_CPP)
    interactor = JUDGE if native == "program" else Program("cpp", JUDGE_CPP)
    accepts(interact(cpp_bench, program, interactor, **KATTIS))
    cpp_bench.assert_unharmed()


def test_without_namespaces_and_tmpfs() -> None:
    with Bench(_without={"mount", "pid", "user"}) as bench:
        accepts(interact(bench, GUESS, JUDGE, **KATTIS))
        result = interact(bench, "input()", "input()")
        assert (result.deadlock, result.verdict) == (True, Verdict.TLE)
        bench.assert_unharmed()


ENDS = "import sys; sys.exit({})".format
AFTER_ONE_LINE = "import sys\nsys.stdin.readline()\nsys.exit({})".format

VERDICTS = {
    "accepted": ("print(1)", AFTER_ONE_LINE(42), Verdict.AC),
    "rejected": ("print(1)", AFTER_ONE_LINE(43), Verdict.WA),
    "a crash first": ("1 / 0", AFTER_ONE_LINE(43), Verdict.RTE),
    "a crash first, which the interactor takes for an answer": ("1 / 0", AFTER_ONE_LINE(42), Verdict.RTE),
    "a crash for want of a reply from an interactor that rejects": (
        "print(1)\ninput()",
        AFTER_ONE_LINE(43),
        Verdict.WA,
    ),
    "a crash for want of a reply from an interactor that accepts": (
        "print(1, flush=True)\ninput()",
        AFTER_ONE_LINE(42),
        Verdict.AC,
    ),
    "too slow": ("while True: pass", AFTER_ONE_LINE(42), Verdict.TLE),
    "too slow after it was accepted": ("print(1, flush=True)\nwhile True: pass", AFTER_ONE_LINE(42), Verdict.TLE),
    "endless after it was rejected": ("print(1, flush=True)\nwhile True: pass", AFTER_ONE_LINE(43), Verdict.WA),
    "an interactor that crashes": ("print(1)\ninput()", "input()\n1 / 0", Verdict.IE),
    "an interactor that is too slow": ("input()", "while True: pass", Verdict.IE),
    "an interactor that talks without end": (
        "import sys\nsys.stdin.read()",
        "while True: print('x' * 999)",
        Verdict.IE,
    ),
    "a program that does not compile": ("print(", AFTER_ONE_LINE(43), Verdict.CE),
    "an interactor that does not compile": ("print(1)", "print(", Verdict.IE),
    "a program that ends without a word": ("", AFTER_ONE_LINE(43), Verdict.WA),
    "a program that takes too much memory": ("x = bytearray(2**30)", AFTER_ONE_LINE(43), Verdict.MLE),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts_follow_kattis(bench: Bench, case: str) -> None:
    program, interactor, verdict = VERDICTS[case]
    short = Limits(0.5, 128 * 2**20, 2**20)
    result = interact(bench, program, interactor, short, interactor_limits=Limits(1.0, 128 * 2**20, 2**20))
    assert result.verdict is verdict, result
    bench.assert_unharmed()


def test_two_that_wait_for_each_other_are_ended_long_before_the_wall_limit(bench: Bench) -> None:
    limits = Limits(wall_seconds=120.0)
    result = interact(bench, "print('?', flush=True)\ninput()", "input(); input()", limits)
    assert (result.deadlock, result.verdict) == (True, Verdict.TLE)
    assert result.program.wall_seconds < 60
    bench.assert_unharmed()


def test_two_that_both_write_and_never_read_are_ended(bench: Bench) -> None:
    endless = "while True: print('x' * 1000)"
    result = interact(bench, endless, endless, Limits(output_bytes=2**30), interactor_limits=Limits(output_bytes=2**30))
    assert (result.deadlock, result.verdict) == (True, Verdict.TLE)


def test_waiting_for_a_slow_interactor_is_no_deadlock_and_no_time_used(bench: Bench) -> None:
    slow = "import time\nwhile time.process_time() < 2: pass\nprint(1)\nraise SystemExit(42)"
    result = interact(bench, "input()", slow, Limits(0.5), interactor_limits=Limits(5.0))
    assert result.verdict is Verdict.AC, result
    assert result.program.cpu_seconds < 0.5


def test_what_a_program_says_after_the_interactor_has_ended_harms_nobody(bench: Bench) -> None:
    program = "import sys, time\nprint(1, flush=True)\nsys.stdin.read()\nfor _ in range(50): print('x' * 10_000)"
    result = interact(bench, program, AFTER_ONE_LINE(42))
    assert (result.program.verdict, result.first, result.verdict) == (Verdict.OK, "interactor", Verdict.AC)


def test_the_end_of_one_is_the_end_of_input_of_the_other(bench: Bench) -> None:
    count = "import sys\nsys.exit(42 if len(sys.stdin.read()) == 300_000 else 43)"
    assert interact(bench, "print('x' * 299_999)", count).verdict is Verdict.AC
    closes = "import os, time\nos.write(1, b'x' * 300_000)\nos.close(1)\nprint(end='')\nimport sys\nsys.stdin.read()"
    assert interact(bench, closes, count).verdict is Verdict.AC


def test_what_a_program_may_say_is_limited(bench: Bench) -> None:
    result = interact(
        bench, "while True: print('x' * 1000)", "import sys\nsys.stdin.read()", Limits(output_bytes=2**16)
    )
    assert result.verdict is Verdict.OLE
    bench.assert_unharmed()


ATTACKS = {
    "kill the other": "import os\nfor pid in {*range(2, 50), -1} - {os.getpid()}:\n"
    " try: os.kill(pid, 9)\n except OSError: pass\nprint(1)",
    "read the interactor's files": "import os\nprint(os.path.exists('in') or os.path.exists('../in'))",
    "find another descriptor": "import os\nopen_fds = []\nfor fd in range(1024):\n"
    " try: os.fstat(fd); open_fds.append(fd)\n except OSError: pass\nprint(open_fds != [0, 1, 2])",
    "signal by the pipe": "import fcntl\n"
    "try: fcntl.fcntl(1, fcntl.F_SETOWN, 1); print(True)\nexcept OSError: print(False)",
    "make the pipe fail": "import fcntl, os\nfcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)\n"
    "fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK)\nprint(False)",
    "read what it said itself": "import os\nos.write(1, b'False\\n')\ntry: os.read(1, 1); os.write(1, b'True')\n"
    "except OSError: pass",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_neither_reaches_the_other_but_by_the_pipe(bench: Bench, attack: str) -> None:
    judge = "import sys\nheard = sys.stdin.read().split()\nsys.exit(42 if heard in (['False'], ['1']) else 43)"
    result = interact(bench, ATTACKS[attack], judge, **KATTIS)
    assert result.verdict is Verdict.AC, result
    bench.assert_unharmed()


def test_a_cancelled_interaction_leaves_a_working_sandbox(bench: Bench) -> None:
    endless = Program("python", "while True: pass")

    async def give_up() -> None:
        async with asyncio.timeout(0.3):
            await bench.sandbox.interact(endless, endless, limits=QUICK, interactor_limits=QUICK)

    with pytest.raises(TimeoutError):
        bench.loop.run_until_complete(give_up())
    bench.assert_unharmed()


def test_only_programs_with_standard_streams_interact(bench: Bench) -> None:
    with pytest.raises(ValueError, match="stdio"):
        interact(bench, Program("python", "", mode="function", entry_point="f"), "")


def test_an_internal_error_is_no_verdict_on_the_program() -> None:
    assert Interaction(Outcome(Verdict.IE), Outcome(Verdict.OK), "program").verdict is Verdict.IE
    assert Interaction(Outcome(Verdict.OK), Outcome(Verdict.IE), "program").verdict is Verdict.IE
