"""Each verdict of a C++ program, and what its compiler may not do."""

import asyncio
from pathlib import Path

import pytest

from sandbox import Limits, Program, ToolchainMissing, Verdict

from .conftest import Bench

SUM = "#include <bits/stdc++.h>\nint main() { long long a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }"


def test_output_of_a_normal_program_comes_back(cpp_bench: Bench) -> None:
    outcome = cpp_bench.cpp(SUM, b"2 40")
    assert (outcome.verdict, outcome.output, outcome.exit_code) == (Verdict.OK, b"42\n", 0)


@pytest.mark.parametrize(
    ("body", "code", "signal"),
    [("return 3;", 3, None), ("__builtin_trap();", None, 4), ("*(volatile int *)0 = 1;", None, 11)],
)
def test_a_failing_program_is_a_runtime_error(
    cpp_bench: Bench, body: str, code: int | None, signal: int | None
) -> None:
    outcome = cpp_bench.cpp(f"int main() {{ {body} }}")
    assert (outcome.verdict, outcome.exit_code, outcome.signal) == (Verdict.RTE, code, signal)


def test_an_overflown_stack_is_a_runtime_error_and_not_mle(cpp_bench: Bench) -> None:
    source = (
        "int f(int n) { volatile int a[1000]; a[n % 1000] = n; return f(n + 1) + a[7]; } int main() { return f(0); }"
    )
    outcome = cpp_bench.cpp(source)
    assert (outcome.verdict, outcome.signal) == (Verdict.RTE, 11)


def test_recursion_far_beyond_eight_megabytes_is_fine(cpp_bench: Bench) -> None:
    source = (
        "#include <cstdio>\nint f(int n) { volatile int a[20]; a[3] = n; return n ? f(n - 1) + a[3] % 2 : 0; }\n"
        'int main() { printf("%d", f(300000)); }'
    )
    assert cpp_bench.cpp(source).output == b"150000"


@pytest.mark.parametrize(
    "body",
    [
        "std::vector<std::vector<char>> v; while (true) v.emplace_back(1 << 20, 1);",
        "std::vector<char> v(1ull << 40, 1); std::cout << v[5];",
        "std::vector<char> v(200 << 20, 1); std::cout << v[5];",
    ],
    ids=["grows", "asks for a terabyte", "just too much, for a moment"],
)
def test_too_much_memory_is_mle(cpp_bench: Bench, body: str) -> None:
    outcome = cpp_bench.cpp(f"#include <iostream>\n#include <vector>\nint main() {{ {body} }}")
    assert outcome.verdict is Verdict.MLE


def test_busy_beyond_the_cpu_limit_is_tle(cpp_bench: Bench) -> None:
    limits = Limits(cpu_seconds=0.2, wall_seconds=30)
    assert cpp_bench.cpp("int main() { for (volatile int i = 0;; ++i); }", limits=limits).verdict is Verdict.TLE


def test_endless_output_is_ole(cpp_bench: Bench) -> None:
    assert cpp_bench.cpp('#include <cstdio>\nint main() { for (;;) puts("x"); }').verdict is Verdict.OLE


def test_threads_run(cpp_bench: Bench) -> None:
    source = '#include <thread>\n#include <cstdio>\nint main() { std::thread t([] { puts("hi"); }); t.join(); }'
    assert cpp_bench.cpp(source).output == b"hi\n"


def test_file_mode_reads_and_writes_its_files(cpp_bench: Bench) -> None:
    source = '#include <fstream>\nint main() { int a; std::ifstream("a.in") >> a; std::ofstream("a.out") << a + 1; }'
    program = Program("cpp", source, mode="file", input_file="a.in", output_file="a.out")
    assert cpp_bench.run(program, b"41").output == b"42"


def test_what_does_not_compile_is_a_compile_error_with_a_short_message(cpp_bench: Bench) -> None:
    outcome = cpp_bench.cpp("int main() { return x; }" + "y;" * 5000)
    assert outcome.verdict is Verdict.CE
    assert "main.cpp:1" in outcome.stderr
    assert len(outcome.stderr) <= 2048


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/ld.so.cache.d", "/dev/random", "/proc/self/environ", "/root"])
def test_the_compiler_reads_nothing_of_the_machine(cpp_bench: Bench, path: str) -> None:
    outcome = cpp_bench.cpp(f'#include "{path}"\nint main() {{}}')
    assert outcome.verdict is Verdict.CE
    assert "root:x" not in outcome.stderr
    cpp_bench.assert_unharmed()


def test_the_assembler_reads_nothing_of_the_machine(cpp_bench: Bench) -> None:
    source = 'asm(".incbin \\"/etc/passwd\\""); int main() {}'
    assert cpp_bench.cpp(source).verdict is Verdict.CE


def test_a_program_too_big_to_store_is_a_compile_error(cpp_bench: Bench) -> None:
    outcome = cpp_bench.cpp("char x[1u << 31] = {1}; int main() { return x[5]; }")
    assert outcome.verdict is Verdict.CE
    cpp_bench.assert_unharmed()


def test_function_mode_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="function mode"):
        bench.run(Program("cpp", "int f() { return 1; }", mode="function", entry_point="f"))


def test_concurrent_runs_of_a_new_program_all_get_their_answer(cpp_bench: Bench) -> None:
    async def many() -> list[bytes]:
        program = Program("cpp", SUM + "// fresh")
        runs = (cpp_bench.sandbox.run(program, b"1 %d" % i, Limits()) for i in range(8))
        return [outcome.output for outcome in await asyncio.gather(*runs)]

    assert cpp_bench.loop.run_until_complete(many()) == [b"%d\n" % (i + 1) for i in range(8)]


def test_a_missing_compiler_is_said_in_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolchainMissing, match=r"^cannot run cpp programs: no g\+\+ on PATH.*$"):
        bench.cpp("int main() {}")


def test_an_unknown_language_is_said_in_one_line(bench: Bench) -> None:
    with pytest.raises(ToolchainMissing, match="unknown language 'cobol'"):
        bench.run(Program("cobol", "STOP RUN."))


def test_a_compiler_that_cannot_work_here_is_not_blamed_on_the_program(
    cpp_bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    compiler = tmp_path / "bin" / "g++"
    compiler.parent.mkdir(mode=0o755)
    compiler.write_text("#!/bin/sh\n[ $1 = -dumpversion ] && echo 12 || exit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(compiler.parent), prepend=":")
    with Bench() as bench, pytest.raises(ToolchainMissing, match="does not work inside the sandbox"):
        bench.cpp(SUM)
    cpp_bench.assert_unharmed()
