"""Each verdict of a Python program, and the small things a contest program takes for granted."""

import os
import subprocess
import sys

import pytest

from sandbox import Limits, Program, Verdict

from .conftest import Bench


def test_output_of_a_normal_program_comes_back(bench: Bench) -> None:
    outcome = bench.python("n = int(input())\nprint(n + 1)", b"41\n")
    assert (outcome.verdict, outcome.output, outcome.exit_code) == (Verdict.OK, b"42\n", 0)


def test_runs_as_main(bench: Bench) -> None:
    assert bench.python("if __name__ == '__main__':\n    print('ran')").output == b"ran\n"


@pytest.mark.parametrize("statement", ["exit()", "quit(0)", "import sys; sys.exit()", "raise SystemExit(0)"])
def test_a_normal_exit_is_no_error(bench: Bench, statement: str) -> None:
    outcome = bench.python(f"print('before')\n{statement}\nprint('after')")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"before\n")


@pytest.mark.parametrize(
    ("source", "code", "signal"),
    [
        ("1 / 0", 1, None),
        ("import sys; sys.exit(3)", 3, None),
        ("import sys; sys.exit('why')", 1, None),
        ("def f(): f()\nf()", 1, None),
        ("import os; os.abort()", None, 6),
        ("import os; os.kill(os.getpid(), 9)", None, 9),
        ("input()", 1, None),
    ],
)
def test_a_failing_program_is_a_runtime_error(bench: Bench, source: str, code: int | None, signal: int | None) -> None:
    outcome = bench.python(source)
    assert (outcome.verdict, outcome.exit_code, outcome.signal) == (Verdict.RTE, code, signal)


def test_the_traceback_names_the_programs_line_and_nothing_of_ours(bench: Bench) -> None:
    stderr = bench.python("x = 1\nx / 0").stderr
    assert "line 2" in stderr
    assert "ZeroDivisionError" in stderr
    assert "zygote" not in stderr


@pytest.mark.parametrize("source", ["def", "print('\udc80')", "x = '\0'", "return 1", "(" * 1000])
def test_what_does_not_compile_is_a_compile_error(bench: Bench, source: str) -> None:
    outcome = bench.python(source)
    assert outcome.verdict is Verdict.CE
    assert outcome.stderr


def test_a_syntax_error_raised_at_run_time_is_a_runtime_error(bench: Bench) -> None:
    assert bench.python("eval('1 +')").verdict is Verdict.RTE


def test_busy_beyond_the_cpu_limit_is_tle(bench: Bench) -> None:
    outcome = bench.python("while True: pass", limits=Limits(cpu_seconds=0.2, wall_seconds=30))
    assert outcome.verdict is Verdict.TLE
    assert 0.2 < outcome.cpu_seconds < 2.0


def test_threads_share_one_cpu_limit(bench: Bench) -> None:
    source = (
        "import hashlib, threading\n"
        "def burn():\n    while True: hashlib.sha256(bytes(10**6))\n"
        "for _ in range(4): threading.Thread(target=burn).start()"
    )
    assert bench.python(source, limits=Limits(cpu_seconds=0.3, wall_seconds=30)).verdict is Verdict.TLE


def test_a_sleeper_meets_the_wall_backstop(bench: Bench) -> None:
    outcome = bench.python("import time; time.sleep(60)", limits=Limits(wall_seconds=0.3))
    assert outcome.verdict is Verdict.TLE
    assert outcome.cpu_seconds < 0.2


@pytest.mark.parametrize(
    "source",
    [
        "x = []\nwhile True: x.append(bytearray(2**20))",
        "x = bytearray(2**40)",
        "import mmap\nx = []\nwhile True:\n    x.append(mmap.mmap(-1, 2**22)); x[-1].write(b'x' * 2**22)",
        "x = b'x' * 200 * 2**20; print(len(x))",
    ],
    ids=["grows", "asks for a terabyte", "shared mapping", "just too much, for a moment"],
)
def test_too_much_memory_is_mle(bench: Bench, source: str) -> None:
    assert bench.python(source).verdict is Verdict.MLE


def test_memory_within_the_limit_is_fine(bench: Bench) -> None:
    outcome = bench.python("x = b'x' * 100 * 2**20; print(len(x) >> 20)")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"100\n")
    assert 100 * 2**20 <= outcome.peak_memory_bytes <= 128 * 2**20


def test_address_space_that_is_only_reserved_does_not_count(bench: Bench) -> None:
    source = (
        "import threading, sys\nthreading.stack_size(2**28)\nsys.setrecursionlimit(10**6)\n"
        "def depth(n): return n and 1 + depth(n - 1)\n"
        "threading.Thread(target=lambda: print(depth(50000))).start()"
    )
    assert bench.python(source).output == b"50000\n"


def test_an_overflown_stack_is_a_runtime_error(bench: Bench) -> None:
    source = "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __add__(self, o): return self + o\nA() + A()"
    outcome = bench.python(source)
    assert (outcome.verdict, outcome.signal) == (Verdict.RTE, 11)


def test_output_up_to_the_limit_is_fine_and_one_byte_more_is_ole(bench: Bench) -> None:
    limits = Limits(output_bytes=100_000)
    fits = bench.python("import sys; sys.stdout.write('x' * 100000)", limits=limits)
    spills = bench.python("import sys; sys.stdout.write('x' * 100001)", limits=limits)
    assert (fits.verdict, len(fits.output)) == (Verdict.OK, 100_000)
    assert (spills.verdict, spills.output) == (Verdict.OLE, b"")


def test_endless_stderr_is_ole_too(bench: Bench) -> None:
    outcome = bench.python("import sys\nwhile True: sys.stderr.write('x' * 1000)")
    assert outcome.verdict is Verdict.OLE


def test_stderr_keeps_its_last_two_kib(bench: Bench) -> None:
    stderr = bench.python("import sys; sys.stderr.write('a' * 5000 + 'end')").stderr
    assert len(stderr) == 2048
    assert stderr.endswith("end")


def test_every_byte_passes_through_text_streams(bench: Bench) -> None:
    data = bytes(range(256)).replace(b"\r", b"") * 3
    assert bench.python("import sys; sys.stdout.write(sys.stdin.read())", data).output == data


def test_sixty_four_megabytes_in_and_out(bench: Bench) -> None:
    data = os.urandom(2**20) * 64
    limits = Limits(cpu_seconds=10, output_bytes=2**26, memory_bytes=2**28)
    outcome = bench.python("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())", data, limits)
    assert outcome.verdict is Verdict.OK
    assert outcome.output == data


def test_threads_left_running_are_waited_for(bench: Bench) -> None:
    source = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()"
    assert bench.python(source).output == b"late\n"


def test_atexit_functions_run(bench: Bench) -> None:
    assert bench.python("import atexit; atexit.register(print, 'bye')").output == b"bye\n"


@pytest.mark.parametrize(
    "source",
    [
        "f = open('a.out', 'w'); f.write('x')",
        "class W:\n    def __init__(self): self.f = open('a.out', 'w')\nw = W(); w.f.write('x')",
        "import sys\nf = open('a.out', 'w'); f.write('x'); sys.exit()",
    ],
)
def test_files_left_open_are_written_out_at_the_end(bench: Bench, source: str) -> None:
    assert bench.run(Program("python", source, mode="file", output_file="a.out")).output == b"x"


@pytest.mark.parametrize(
    "source",
    [
        "import io, sys\nold, sys.stdout = sys.stdout, io.StringIO(); old.write('x')",
        "import os\nf = os.fdopen(1, 'w'); f.write('x')",
        "import sys\nclass Out:\n    def write(self, text): self.text = text\n"
        "    def flush(self):\n        import os\n        os.write(1, self.text.encode())\n"
        "sys.stdout = Out(); sys.stdout.write('x')",
    ],
    ids=["replaced stdout", "second stdout", "stdout without closed"],
)
def test_streams_of_the_programs_own_are_written_out_at_the_end(bench: Bench, source: str) -> None:
    outcome = bench.python(source)
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"x")


def test_huge_integers_can_be_printed(bench: Bench) -> None:
    assert bench.python("print(len(str(10 ** 10000)))").output == b"10001\n"


def test_the_default_recursion_limit_leaves_a_program_its_usual_depth(bench: Bench) -> None:
    assert bench.python("def f(n): return n and 1 + f(n - 1)\nprint(f(990))").output == b"990\n"


def test_the_standard_library_can_be_imported(bench: Bench) -> None:
    source = (
        "import asyncio, concurrent.futures, csv, decimal, difflib, hashlib, itertools, json, zlib\n"
        "asyncio.run(asyncio.sleep(0))\n"
        "with concurrent.futures.ThreadPoolExecutor(4) as pool: print(sum(pool.map(abs, range(10))))"
    )
    outcome = bench.python(source)
    assert (outcome.stderr, outcome.output) == ("", b"45\n")


def test_sets_and_random_numbers_come_out_the_same_every_time(bench: Bench) -> None:
    source = "import random\nprint({'alpha', 'beta', 'gamma', 'delta'}, random.random())"
    first = bench.python(source)
    with Bench() as other:
        assert other.python(source).output == first.output


def test_file_mode_reads_and_writes_its_files(bench: Bench) -> None:
    program = Program(
        "python",
        "open('sum.out', 'w').write(str(sum(map(int, open('sum.in')))))",
        mode="file",
        input_file="sum.in",
        output_file="sum.out",
    )
    outcome = bench.run(program, b"40\n2\n")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"42")


def test_in_file_mode_standard_input_is_empty(bench: Bench) -> None:
    program = Program("python", "print(repr(open(0).read()))", mode="file", input_file="a.in")
    assert bench.run(program, b"data").output == b"''\n"


def test_an_output_file_never_written_is_an_empty_output(bench: Bench) -> None:
    program = Program("python", "pass", mode="file", input_file="a.in", output_file="a.out")
    outcome = bench.run(program, b"data")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"")


@pytest.mark.parametrize("name", ["../x", "/etc/x", ".", "..", "a\0b", "x" * 300])
def test_a_file_name_that_is_a_path_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        bench.run(Program("python", "pass", mode="file", input_file=name))


@pytest.mark.parametrize("limits", [Limits(cpu_seconds=0), Limits(cpu_seconds=float("nan")), Limits(memory_bytes=-1)])
def test_limits_without_sense_are_refused(bench: Bench, limits: Limits) -> None:
    with pytest.raises(ValueError, match="positive"):
        bench.python("pass", limits=limits)


def test_cpu_time_verdicts_do_not_depend_on_load(bench: Bench) -> None:
    fine = "x = 0\nimport time\nwhile time.process_time() < 0.25: x += 1\nprint('done')"
    limits = Limits(cpu_seconds=0.8)
    crowd = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        verdicts = [bench.python(fine, limits=limits).verdict for _ in range(2)]
        verdicts.append(bench.python("while True: pass", limits=limits).verdict)
    finally:
        for process in crowd:
            process.kill()
            process.wait()
    assert verdicts == [Verdict.OK, Verdict.OK, Verdict.TLE]
