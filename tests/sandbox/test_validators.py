"""Checkers that are programs: Kattis output validators and testlib checkers, hostile ones included."""

from __future__ import annotations

import pytest

from sandbox import CheckerFailed, CheckerSpec, Limits, Ruling, make_checker

from .conftest import Bench

QUICK = Limits(cpu_seconds=2.0, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=8.0)


def rule(
    bench: Bench, spec: CheckerSpec, output: bytes = b"", input: bytes = b"", answer: bytes = b"", *flags: str
) -> Ruling:
    checker = make_checker(spec, bench.sandbox, QUICK)
    return bench.loop.run_until_complete(checker.rule(input, answer, output, flags))


def python(source: str, **fields: object) -> CheckerSpec:
    return CheckerSpec.model_validate({"kind": "kattis", "language": "python", "source": source, **fields})


def cpp(source: str, kind: str = "kattis", **fields: object) -> CheckerSpec:
    return CheckerSpec.model_validate({"kind": kind, "language": "cpp", "source": source, **fields})


SUM = """
import sys
with open(sys.argv[1]) as given, open(sys.argv[2]) as answer, open(sys.argv[3] + "judgemessage.txt", "w") as message:
    want = sum(map(int, given.read().split()))
    got = sys.stdin.read().split()
    print(f"want {want} got {got} answer {answer.read().strip()} flags {sys.argv[4:]}", file=message)
sys.exit(42 if got == [str(want)] else 43)
"""


def test_a_validator_gets_input_answer_output_and_flags_and_its_message_comes_back(bench: Bench) -> None:
    ruling = rule(bench, python(SUM, flags=["a"]), b"5\n", b"2 3\n", b"ignored", "b", "c d")
    assert ruling == Ruling(True, "want 5 got ['5'] answer ignored flags ['a', 'b', 'c d']")


def test_43_is_a_wrong_answer_with_the_validators_reason(bench: Bench) -> None:
    ruling = rule(bench, python(SUM), b"6", b"2 3")
    assert not ruling.accepted
    assert ruling.message.startswith("want 5 got ['6']")


@pytest.mark.parametrize("code", [0, 1, 2, 41, 44, 77, 255])
def test_any_other_exit_code_is_the_validators_fault_not_the_programs(bench: Bench, code: int) -> None:
    with pytest.raises(CheckerFailed):
        rule(bench, python(f"import sys; sys.exit({code})"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("while True: pass", "TLE"),
        ("x = [0] * 10**9", "MLE"),
        ("print('x' * 10**7); raise SystemExit(42)", "OLE"),
        ("def", "does not compile"),
        ("assert 0, 'the judge input is broken'", "the judge input is broken"),
        ("open('feedback/score.txt', 'w').write('many'); raise SystemExit(42)", "'many' in feedback/score.txt"),
    ],
)
def test_a_validator_that_breaks_says_nothing_about_the_program(bench: Bench, source: str, reason: str) -> None:
    with pytest.raises(CheckerFailed) as caught:
        rule(bench, python(source))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    bench.assert_unharmed()


def test_a_validator_may_give_a_score(bench: Bench) -> None:
    source = "import sys; open(sys.argv[3] + 'score.txt', 'w').write('12.5'); sys.exit(42)"
    assert rule(bench, python(source)) == Ruling(True, "", 12.5)


def test_a_validator_that_leaves_before_it_has_read_megabytes_still_rules(bench: Bench) -> None:
    assert not rule(bench, python("import sys; sys.exit(43)"), b"x" * 2**23).accepted


def test_a_validator_sees_nothing_of_the_one_before(bench: Bench) -> None:
    nosy = "import os, sys; sys.exit(42 if sorted(os.listdir('feedback')) == [] else 43)"
    for _ in range(2):
        assert rule(bench, python("open('feedback/note', 'w').write('hello'); raise SystemExit(43)")).accepted is False
        assert rule(bench, python(nosy)).accepted


def test_a_python_validator_may_be_of_several_modules(bench: Bench) -> None:
    files = {"rules.py": "def good(text):\n    return text == 'yes'\n"}
    spec = python("import sys, rules\nsys.exit(42 if rules.good(input()) else 43)", files=files)
    assert rule(bench, spec, b"yes").accepted
    assert not rule(bench, spec, b"no").accepted


def test_a_cpp_validator_may_be_of_several_sources_and_headers(cpp_bench: Bench) -> None:
    files = {
        "lib/judge.h": "#pragma once\n#include <string>\nint judged(const std::string &);\n",
        "judged.cc": '#include "lib/judge.h"\nint judged(const std::string &s) { return s == "yes" ? 42 : 43; }\n',
    }
    main = '#include "lib/judge.h"\n#include <iostream>\nint main() { std::string s; std::cin >> s; return judged(s); }'
    assert rule(cpp_bench, cpp(main, files=files), b"yes").accepted
    assert not rule(cpp_bench, cpp(main, files=files), b"no").accepted


def test_a_cpp_validator_without_its_header_is_our_fault(cpp_bench: Bench) -> None:
    with pytest.raises(CheckerFailed, match=r"does not compile.*missing\.h"):
        rule(cpp_bench, cpp('#include "missing.h"\nint main() { return 42; }'))


TESTLIB = """
#include "testlib.h"
int main(int argc, char **argv) {
    Files files(argc, argv);
    if (files.output == "crash") return 3;
    if (files.output == "format") return 2;
    if (files.output == "short") return 8;
    std::cerr << files.input << "|" << files.output << "|" << files.answer << std::endl;
    return files.output == files.answer ? 0 : 1;
}
"""
STAND_IN = """
#include <fstream>
#include <iostream>
#include <string>
struct Files {
    std::string input, output, answer;
    Files(int argc, char **argv) {
        if (argc != 4) exit(3);
        std::ifstream(argv[1]) >> input;
        std::ifstream(argv[2]) >> output;
        std::ifstream(argv[3]) >> answer;
    }
};
"""


def test_a_testlib_checker_gets_input_output_and_answer_as_files(cpp_bench: Bench) -> None:
    spec = cpp(TESTLIB, "testlib", files={"testlib.h": STAND_IN})
    assert rule(cpp_bench, spec, b"x", b"in", b"x") == Ruling(True, "in|x|x")
    assert rule(cpp_bench, spec, b"y", b"in", b"x") == Ruling(False, "in|y|x")


@pytest.mark.parametrize("output", [b"format", b"short"])
def test_a_testlib_presentation_error_is_a_wrong_answer(cpp_bench: Bench, output: bytes) -> None:
    spec = cpp(TESTLIB, "testlib", files={"testlib.h": STAND_IN})
    assert not rule(cpp_bench, spec, output, b"in", b"x").accepted


def test_a_testlib_fail_is_our_fault(cpp_bench: Bench) -> None:
    with pytest.raises(CheckerFailed, match="exit code 3"):
        rule(cpp_bench, cpp(TESTLIB, "testlib", files={"testlib.h": STAND_IN}), b"crash")


@pytest.mark.parametrize("name", ["../evil.h", "/etc/passwd", "a/b/c.h", "feedback", ""])
def test_a_file_that_would_lie_elsewhere_or_in_the_way_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(CheckerFailed):
        rule(bench, python("raise SystemExit(42)", files={name: "x"}))
