"""Runs with a command line, with files of their own, and with files that come back."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Limits, Outcome, Program, Verdict

from .conftest import QUICK, Bench

VALIDATOR = """
import sys
judge_input, answer, feedback = sys.argv[1:]
with open(feedback + "/judgemessage.txt", "w") as message:
    message.write("compared with " + judge_input)
sys.exit(42 if sys.stdin.read() == open(answer).read() else 43)
"""
FILES = {"test.in": b"input", "test.ans": b"yes\n"}


@pytest.fixture(scope="module")
def without_tmpfs() -> Iterator[Bench]:
    with Bench(_without=("mount",)) as bench:
        yield bench


@pytest.fixture(params=["tmpfs", "plain directory"])
def any_bench(request: pytest.FixtureRequest) -> Bench:
    bench: Bench = request.getfixturevalue("bench" if request.param == "tmpfs" else "without_tmpfs")
    return bench


def python(bench: Bench, source: str, stdin: bytes = b"", limits: Limits = QUICK, **extra: Any) -> Outcome:
    return bench.run(Program("python", source), stdin, limits, **extra)


@pytest.mark.parametrize(("answer", "code"), [(b"yes\n", 42), (b"no\n", 43)])
def test_a_kattis_validator_sees_its_files_and_leaves_feedback(any_bench: Bench, answer: bytes, code: int) -> None:
    outcome = python(
        any_bench,
        VALIDATOR,
        answer,
        arguments=["test.in", "test.ans", "feedback"],
        files=FILES,
        collect=["feedback/judgemessage.txt", "feedback/score.txt"],
    )
    assert (outcome.exit_code, outcome.stderr) == (code, "")
    assert dict(outcome.files) == {"feedback/judgemessage.txt": b"compared with test.in"}


def test_a_compiled_program_gets_its_arguments_and_files(cpp_bench: Bench) -> None:
    source = """
    #include <fstream>
    #include <iostream>
    int main(int count, char **arguments) {
        std::ifstream file(arguments[1]);
        std::ofstream("left.txt") << file.rdbuf() << count << arguments[2];
        return 42;
    }"""
    files = {"given/a": b"content "}
    outcome = cpp_bench.run(Program("cpp", source), arguments=["given/a", "é x"], files=files, collect=["left.txt"])
    assert outcome.exit_code == 42
    assert dict(outcome.files) == {"left.txt": "content 3é x".encode()}


def test_a_given_file_that_is_asked_for_comes_back_as_the_program_left_it(any_bench: Bench) -> None:
    source = "open('a', 'a').write('+')\nopen('b', 'r').read()"
    outcome = python(any_bench, source, files={"a": b"1", "b": b"2"}, collect=["b", "a"])
    assert dict(outcome.files) == {"a": b"1+", "b": b"2"}


def test_the_next_run_finds_nothing_of_the_last(any_bench: Bench) -> None:
    python(any_bench, "", arguments=["secret"], files={"d/secret": b"x"}, collect=["left"])
    outcome = python(any_bench, "import os, sys\nprint(os.listdir('.'), sys.argv, sys.orig_argv[1:])")
    assert outcome.output == b"[] ['main.py'] ['main.py']\n"


def test_a_program_is_given_no_descriptor_of_its_files(bench: Bench) -> None:
    source = "import os\nfor fd in range(3, 64):\n try: print(fd, os.fstat(fd))\n except OSError: pass"
    assert python(bench, source, files={"a": b"1"}, collect=["a"]).output == b""


@pytest.mark.parametrize(
    "attack",
    [
        "os.mkfifo('d/a')",
        "os.mkdir('d/a')",
        "os.symlink('/etc/passwd', 'd/a')",
        "os.rmdir('d'); os.symlink('/etc', 'd')",
        "os.rmdir('d'); open('d', 'w').close()",
        "os.link('/etc/passwd', 'd/a')",
    ],
)
def test_only_regular_files_come_back(bench: Bench, attack: str) -> None:
    outcome = python(bench, f"import os\n{attack}", collect=["d/a"])
    assert dict(outcome.files) == {}
    bench.assert_unharmed()


def test_a_file_that_was_made_unreadable_comes_back(bench: Bench) -> None:
    source = "import os\nopen('d/a', 'w').write('x')\nos.chmod('d/a', 0)\nos.chmod('d', 0)"
    assert python(bench, source, collect=["d/a"]).files in ({"d/a": b"x"}, {})
    bench.assert_unharmed()


def test_files_that_come_back_count_as_output(bench: Bench) -> None:
    limits = Limits(output_bytes=1000)
    source = "for name in 'ab': open(name, 'w').write('x' * 600)"
    assert python(bench, source, limits=limits, collect=["a"]).files == {"a": b"x" * 600}
    outcome = python(bench, source, limits=limits, collect=["a", "b"])
    assert (outcome.verdict, dict(outcome.files)) == (Verdict.OLE, {})


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", "a/../b", ".", "a/b/c", "a\0", "a\n", "x" * 101])
def test_names_that_lead_elsewhere_are_refused(bench: Bench, name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        python(bench, "", files={name: b""})
    with pytest.raises(ValueError, match="file name"):
        python(bench, "", collect=[name])


def test_what_cannot_be_passed_on_is_refused(bench: Bench) -> None:
    for extra, reason in (
        ({"arguments": ["a\0b"]}, "NUL"),
        ({"arguments": ["x" * 20_000]}, "bytes of arguments"),
        ({"files": {"a": b"", "a/b": b""}}, "twice"),
        ({"collect": [str(i) for i in range(65)]}, "more than 64 files"),
    ):
        with pytest.raises(ValueError, match=reason):
            python(bench, "", **extra)
    with pytest.raises(ValueError, match="twice"):
        bench.run(Program("python", "", mode="file", input_file="in", output_file="out"), files={"in": b""})
