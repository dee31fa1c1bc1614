"""A table of programs of every verdict kind, close to their limits on both sides: does load change a verdict?

A line of the table holds what must not depend on load: the verdict, how the program ended and a digest of its
output. CPU and wall times and memory are measured, not part of it. Programs of `exact` burn a share of their limit by
their own CPU clock; those of `work` do a fixed amount of work, which caches shared with others make slower.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox import Limits, Outcome, Program, Sandbox, Verdict, languages

CPU_SECONDS = 0.5
MEMORY = 256 * 2**20
OUTPUT = 2**20
LIMITS = Limits(cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY, output_bytes=OUTPUT)
BIG = Limits(cpu_seconds=10.0, memory_bytes=2**29, output_bytes=2**26)
PATIENT = Limits(cpu_seconds=CPU_SECONDS, wall_seconds=60.0)
IMPATIENT = Limits(cpu_seconds=CPU_SECONDS, wall_seconds=2.0)
# A page that is touched first costs CPU time, and how much is up to the machine: it took over 0.5 s for 256 MiB.
ROOMY = Limits(cpu_seconds=20 * CPU_SECONDS, memory_bytes=MEMORY, output_bytes=OUTPUT)

SHARES = {0.5: Verdict.OK, 0.9: Verdict.OK, 1.3: Verdict.TLE, 2.0: Verdict.TLE}
# Work that lives in a cache shared with others: it took up to 1.6 times its quiet CPU time on a busy machine.
WALK_SHARES = {0.5: Verdict.OK, 2.5: Verdict.TLE}
MEMORY_SHARES = {0.5: Verdict.OK, 0.9: Verdict.OK, 1.5: Verdict.MLE}

_PYTHON_THREADS = """
import threading, time
def burn():
    while time.process_time() < {seconds}: sum(range(1000))
threads = [threading.Thread(target=burn) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
_PYTHON_WORK = "x = 0\nfor i in range({amount}): x = (x * 31 + i) % 1000003\nprint(x > 0)"
_PYTHON_RECURSION = """
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size(2**27)
def f(n): return n and 1 + f(n - 1)
thread = threading.Thread(target=lambda: print(f(50000)))
thread.start()
thread.join()
"""
# One program for all, so that it is compiled once. `walk` goes through 32 MB in an order that no prefetcher
# foresees (a full-period congruential generator): the worst that a shared cache can do to a program.
_CPP = """
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
static void burn(double seconds) { while (clock() < seconds * CLOCKS_PER_SEC); }
static int depth(int n) {
    volatile char used[100];
    used[n & 63] = 1;
    return n ? depth(n - 1) + used[n & 63] : 0;
}
static void walk(long steps) {
    const unsigned n = 1u << 23;
    std::vector<unsigned> next(n);
    for (unsigned i = 0; i < n; i++) next[i] = (i * 1664525u + 1013904223u) % n;
    unsigned at = 0;
    while (steps-- > 0) at = next[at];
    puts(at < n ? "True" : "False");
}
static void echo() {
    static char block[1 << 16];
    size_t n;
    while ((n = fread(block, 1, sizeof block, stdin))) fwrite(block, 1, n, stdout);
}
int main(int, char**) {
    char name[16];
    double number;
    if (scanf("%15s %lf%*c", name, &number) != 2) return 99;
    std::string what = name;
    if (what == "burn") burn(number);
    if (what == "walk") walk(long(number));
    if (what == "memory") printf("%zu", std::vector<char>(size_t(number), 1).size());
    if (what == "output") fputs(std::string(size_t(number), 'x').c_str(), stdout);
    if (what == "exit") return int(number);
    if (what == "signal") raise(int(number));
    if (what == "depth") printf("%d", depth(int(number)));
    if (what == "sleep") sleep(unsigned(number));
    if (what == "close") { puts("early"); fclose(stdout); }
    if (what == "echo") echo();
    if (what == "threads") {
        std::thread one(burn, number), other(burn, number);
        one.join();
        other.join();
    }
}
"""
_WALK_STEPS = 2_000_000
_PYTHON_STEPS = 2_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One program of the table and what must come of it."""

    name: str
    program: Program
    verdict: Verdict
    stdin: bytes = b""
    limits: Limits = LIMITS


def cases(work: dict[str, float]) -> list[Case]:
    """The table's programs. work: what `calibrate` found; languages that are not installed are left out."""
    found = [*_burners(), *_workers(work), *_memory(), *_outputs(), *_endings(), *_streams()]
    return [case for case in found if languages()[case.program.language].available()]


async def calibrate(sandbox: Sandbox) -> dict[str, float]:
    """How many steps take the CPU limit, by the quickest of nine runs. Call it on a quiet machine."""
    found: dict[str, float] = {}
    for language, steps in (("python", _PYTHON_STEPS), ("cpp", _WALK_STEPS)):
        if not languages()[language].available():
            continue
        spent = []
        for amount in (0, steps):
            case = _work("", language, amount, Verdict.OK)
            spent.append(min([(await sandbox.run(case.program, case.stdin, BIG)).cpu_seconds for _ in range(9)]))
        found[language] = steps * (CPU_SECONDS - spent[0]) / (spent[1] - spent[0])
    return found


async def run_table(table: Sequence[Case], sandbox: Sandbox) -> list[Outcome]:
    """Runs all at once, as many at a time as the sandbox has workers; outcomes in the table's order."""
    return await asyncio.gather(*(sandbox.run(case.program, case.stdin, case.limits) for case in table))


def line(case: Case, outcome: Outcome) -> str:
    """What must not depend on load, as one line."""
    ended = ""
    if outcome.verdict in (Verdict.OK, Verdict.RTE):
        ended = f"signal {outcome.signal}" if outcome.signal else f"exit {outcome.exit_code}"
    digest = outcome.output_digest[:16] if outcome.verdict in (Verdict.OK, Verdict.RTE) else "-"
    wrong = "" if outcome.verdict is case.verdict else f"  WRONG, expected {case.verdict}"
    return f"{case.name:<32} {outcome.verdict:<4} {ended:<10} {digest}{wrong}"


@contextlib.contextmanager
def crowd(processes: int) -> Iterator[None]:
    """That many busy processes of our own niceness; every other one goes through 32 MB of memory all the time."""
    spin, walk = "while True: pass", "b = bytearray(2**25)\nwhile True: b[::64] = bytes(2**19)"
    running = [subprocess.Popen([sys.executable, "-c", walk if i % 2 else spin]) for i in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def _python(name: str, source: str, verdict: Verdict, stdin: bytes = b"", limits: Limits = LIMITS) -> Case:
    return Case(f"python {name}", Program("python", source), verdict, stdin, limits)


def _cpp(name: str, command: str, verdict: Verdict, stdin: bytes = b"", limits: Limits = LIMITS) -> Case:
    return Case(f"cpp {name}", Program("cpp", _CPP), verdict, command.encode() + b"\n" + stdin, limits)


def _burners() -> Iterator[Case]:
    for share, verdict in SHARES.items():
        seconds = round(CPU_SECONDS * share, 3)
        yield _python(f"exact {share}", f"import time\nwhile time.process_time() < {seconds}: pass", verdict)
        yield _python(f"threads {share}", _PYTHON_THREADS.format(seconds=seconds), verdict)
        yield _cpp(f"exact {share}", f"burn {seconds}", verdict)
        yield _cpp(f"threads {share}", f"threads {seconds}", verdict)
    yield _python("endless", "while True: pass", Verdict.TLE)
    yield _python("sleeps", "import time; time.sleep(60)", Verdict.TLE, limits=IMPATIENT)
    yield _cpp("sleeps", "sleep 60", Verdict.TLE, limits=IMPATIENT)
    yield _python("naps", "import time; time.sleep(1)", Verdict.OK, limits=PATIENT)
    deadlock = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"
    yield _python("deadlock", deadlock, Verdict.TLE, limits=IMPATIENT)


def _workers(work: dict[str, float]) -> Iterator[Case]:
    for language, steps in work.items():
        for share, verdict in (WALK_SHARES if language == "cpp" else SHARES).items():
            yield _work(f"work {share}", language, steps * share, verdict)


def _work(name: str, language: str, steps: float, verdict: Verdict) -> Case:
    if language == "cpp":
        return _cpp(name, f"walk {round(steps)}", verdict)
    return _python(name, _PYTHON_WORK.format(amount=round(steps)), verdict)


def _memory() -> Iterator[Case]:
    for share, verdict in MEMORY_SHARES.items():
        count = round(MEMORY * share)
        yield _python(f"memory {share}", f"b = b'x' * {count}\nprint(len(b))", verdict, limits=ROOMY)
        yield _cpp(f"memory {share}", f"memory {count}", verdict, limits=ROOMY)
    endless = "held = []\nwhile True: held.append(bytearray(b'x' * 2**20))"
    yield _python("memory endless", endless, Verdict.MLE, limits=ROOMY)


def _outputs() -> Iterator[Case]:
    for extra in (-1, 0, 1):
        verdict = Verdict.OLE if extra > 0 else Verdict.OK
        yield _python(f"output {extra:+d}", f"import sys; sys.stdout.write('x' * {OUTPUT + extra})", verdict)
        yield _cpp(f"output {extra:+d}", f"output {OUTPUT + extra}", verdict)
    yield _python("output endless", "while True: print('x' * 10**5)", Verdict.OLE)
    yield _python("error output endless", "import os\nwhile True: os.write(2, b'x' * 10**5)", Verdict.OLE)


def _endings() -> Iterator[Case]:
    for code in (0, 1, 3, 255):
        verdict = Verdict.RTE if code else Verdict.OK
        yield _python(f"exit {code}", f"import os; os._exit({code})", verdict)
        yield _cpp(f"exit {code}", f"exit {code}", verdict)
    for number in (6, 8, 9, 11, 15):
        yield _python(f"signal {number}", f"import os; os.kill(os.getpid(), {number})", Verdict.RTE)
        yield _cpp(f"signal {number}", f"signal {number}", Verdict.RTE)
    yield _python("exception", "print('so far')\n1 / 0", Verdict.RTE)
    yield _python("syntax error", "print(", Verdict.CE)
    yield Case("cpp compile error", Program("cpp", "int main() { return x; }"), Verdict.CE)
    yield _python("recursion 50000", _PYTHON_RECURSION, Verdict.OK)
    yield _python("recursion endless", "def f(n): return f(n + 1)\nf(0)", Verdict.RTE)
    yield _cpp("recursion 10^6", "depth 1000000", Verdict.OK)
    yield _cpp("recursion endless", "depth -1", Verdict.RTE)


def _streams() -> Iterator[Case]:
    big = bytes(range(256)) * 2**18
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    yield _python("echoes 64 MB", echo, Verdict.OK, big, BIG)
    yield _cpp("echoes 64 MB", "echo 0", Verdict.OK, big, BIG)
    yield _python("ignores 64 MB", "print(1)", Verdict.OK, big, BIG)
    closing = "import os\nprint('early', flush=True)\nos.close(1)\nos.close(0)"
    yield _python("closes its output", closing, Verdict.OK, b"x" * 2**20)
    yield _cpp("closes its output", "close 0", Verdict.OK)
    text = "import sys; sys.stdout.write(sys.stdin.read())"
    yield _python("invalid UTF-8", text, Verdict.OK, b"\xff\xfe\x80 \xc3\x28 \xed\xa0\x80\n")
    yield _python("NUL bytes", text, Verdict.OK, b"a\0b\0\0\n" * 1000)
    yield _python("huge integers", "print(int(input()) * 3)", Verdict.OK, b"7" * 20_000 + b"\n")
    yield _python("empty input", "input()", Verdict.RTE)
