"""Each language runs, fails and is limited like the others; sources know which language they are in."""

from __future__ import annotations

import pytest

from sandbox import Limits, Outcome, Program, ToolchainMissing, Verdict, language_of, languages

from .conftest import Bench

LIMITS = Limits(cpu_seconds=5.0, memory_bytes=256 * 2**20)

SUMS = {
    "c": '#include <stdio.h>\nint main() { long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a + b); }',
    "cpp17": "#include <iostream>\nint main() { long a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }",
    "pypy": "print(sum(map(int, input().split())))",
    "java": (
        "import java.util.*;\npublic class Sum { public static void main(String[] a) { Scanner s = new "
        "Scanner(System.in); System.out.println(s.nextLong() + s.nextLong()); } }"
    ),
}
FAILING = {
    "c": "#include <stdlib.h>\nint main() { exit(3); }",
    "cpp17": "int main() { return 3; }",
    "pypy": "import sys; sys.exit(3)",
    "java": "class Main { public static void main(String[] a) { System.exit(3); } }",
}
ENDLESS = {
    "c": "int main() { for (volatile int i = 0;; ++i); }",
    "cpp17": "int main() { for (volatile int i = 0;; ++i); }",
    "pypy": "while True: pass",
    "java": "class Main { public static void main(String[] a) { while (true); } }",
}
HUNGRY = {
    "c": (
        "#include <stdlib.h>\n#include <string.h>\n"
        "int main() { for (;;) { char *p = malloc(1 << 24); memset(p, 1, 1 << 24); } }"
    ),
    "cpp17": "#include <vector>\nint main() { std::vector<std::vector<char>> v; for (;;) v.emplace_back(1 << 24, 1); }",
    "pypy": "held = []\nwhile True: held.append(bytearray(1 << 24))",
    "java": (
        "import java.util.*; class Main { public static void main(String[] a) { List<byte[]> held = new "
        "ArrayList<>(); while (true) held.add(new byte[1 << 24]); } }"
    ),
}
OTHERS = tuple(SUMS)


def run(bench: Bench, language: str, source: str, stdin: bytes = b"", limits: Limits = LIMITS) -> Outcome:
    if not (found := languages()[language].available()):
        pytest.skip(f"{language}: {found.detail}")
    return bench.run(Program(language, source), stdin, limits)


@pytest.mark.parametrize("language", OTHERS)
def test_output_of_a_normal_program_comes_back(bench: Bench, language: str) -> None:
    outcome = run(bench, language, SUMS[language], b"2 40\n")
    assert (outcome.verdict, outcome.output, outcome.stderr) == (Verdict.OK, b"42\n", "")


@pytest.mark.parametrize("language", OTHERS)
def test_an_exit_code_is_a_runtime_error(bench: Bench, language: str) -> None:
    outcome = run(bench, language, FAILING[language])
    assert (outcome.verdict, outcome.exit_code) == (Verdict.RTE, 3)


@pytest.mark.parametrize("language", OTHERS)
def test_busy_beyond_the_cpu_limit_is_tle(bench: Bench, language: str) -> None:
    limits = Limits(cpu_seconds=0.5, wall_seconds=60)
    assert run(bench, language, ENDLESS[language], limits=limits).verdict is Verdict.TLE


@pytest.mark.parametrize("language", [name for name in OTHERS if name != "c"])
def test_too_much_memory_is_mle(bench: Bench, language: str) -> None:
    assert run(bench, language, HUNGRY[language]).verdict is Verdict.MLE


def test_in_c_an_allocation_that_fails_is_the_programs_to_check(bench: Bench) -> None:
    assert run(bench, "c", HUNGRY["c"]).verdict in (Verdict.MLE, Verdict.RTE)


@pytest.mark.parametrize("language", ["c", "cpp17", "java"])
def test_what_does_not_compile_is_a_compile_error_that_says_where(bench: Bench, language: str) -> None:
    outcome = run(bench, language, "int main( {")
    assert outcome.verdict is Verdict.CE
    assert "ain." in outcome.stderr
    assert ":1" in outcome.stderr


def test_c_links_the_mathematical_library(bench: Bench) -> None:
    source = (
        '#include <math.h>\n#include <stdio.h>\nint main() { double x; scanf("%lf", &x); printf("%.3f", sqrt(x)); }'
    )
    assert run(bench, "c", source, b"2").output == b"1.414"


def test_a_pypy_program_with_a_broken_syntax_fails_and_says_so(bench: Bench) -> None:
    outcome = run(bench, "pypy", "print(")
    assert outcome.verdict is Verdict.RTE
    assert "SyntaxError" in outcome.stderr


@pytest.mark.parametrize("language", ["pypy", "java"])
def test_an_interpreter_shows_its_program_nothing_of_the_machine(bench: Bench, language: str) -> None:
    source = {
        "pypy": "import os\nfor path in ('/etc/passwd', '/root', '/home'):\n    try:\n        print(os.stat(path) and "
        "(os.listdir(path) if path != '/etc/passwd' else open(path).read()))\n    except OSError:\n        print('-')",
        "java": "import java.io.*; class Main { public static void main(String[] a) { for (String p : new String[] "
        '{"/etc/passwd", "/root", "/home"}) { File f = new File(p); System.out.println(f.canRead() && '
        '(f.isFile() || f.list() != null) ? "open" : "-"); } } }',
    }[language]
    assert run(bench, language, source).output == b"-\n-\n-\n"


@pytest.mark.parametrize("language", ["pypy", "java"])
def test_an_interpreted_program_starts_no_other(bench: Bench, language: str) -> None:
    source = {
        "pypy": "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo out'])",
        "java": "class Main { public static void main(String[] a) throws Exception { "
        'new ProcessBuilder("/bin/sh", "-c", "echo out").inheritIO().start().waitFor(); } }',
    }[language]
    outcome = run(bench, language, source)
    assert (outcome.verdict, outcome.output) == (Verdict.RTE, b"")
    bench.assert_unharmed()


def test_an_interpreted_program_gets_arguments_and_files(bench: Bench) -> None:
    if not languages()["pypy"].available():
        pytest.skip("pypy: not on PATH")
    source = "import sys\nprint(sys.argv[1], open('a.txt').read())"
    running = bench.sandbox.run(Program("pypy", source), b"", LIMITS, arguments=["x"], files={"a.txt": b"y"})
    assert bench.loop.run_until_complete(running).output == b"x y\n"


def test_file_mode_works_for_an_interpreted_program(bench: Bench) -> None:
    if not languages()["pypy"].available():
        pytest.skip("pypy: not on PATH")
    source = "open('a.out', 'w').write(open('a.in').read() + '!')"
    program = Program("pypy", source, mode="file", input_file="a.in", output_file="a.out")
    assert bench.run(program, b"hi", LIMITS).output == b"hi!"


@pytest.mark.parametrize(
    "source",
    [
        "package deep.er; public class Solve { static class Main { } public static void main(String[] a) { BODY } }",
        "class Helper { void main() { } }\nclass Entry { public static void main(String... a) { BODY } }",
        '// class No { static void main(\npublic final class Yes { static String s = "class X {"; '
        "static public void main(final String[] a) { BODY } }",
        "interface Shape { }\nenum Kind { A }\npublic class Last { public static void main(String[] a) { BODY } }",
        "record Point(int x) { }\nclass Start { public static void main(String[] a) { BODY } }",
    ],
    ids=["package", "helper first", "comments and strings", "interface and enum first", "record first"],
)
def test_the_main_class_of_java_is_found(bench: Bench, source: str) -> None:
    outcome = run(bench, "java", source.replace("BODY", 'System.out.print("main");'))
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"main")


def test_java_without_a_main_method_is_a_runtime_error(bench: Bench) -> None:
    assert run(bench, "java", "class Main { }").verdict is Verdict.RTE


def test_a_deep_recursion_in_java_is_a_runtime_error_and_not_mle(bench: Bench) -> None:
    source = "class Main { static int f(int n) { return f(n + 1) + 1; } public static void main(String[] a) { f(0); } }"
    outcome = run(bench, "java", source)
    assert (outcome.verdict, outcome.exit_code) == (Verdict.RTE, 1)
    assert "at Main.f(Main.java:1)" in outcome.stderr  # the end of a long trace


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("a/sol.cc", "", "cpp"),
        ("sol.cxx", "", "cpp"),
        ("sol.CPP", "", "cpp"),
        ("sol.C", "", "cpp"),
        ("sol.c", "", "c"),
        ("Sol.java", "", "java"),
        ("sol.py", "print('hi')", "python"),
        ("sol.py3", "print 3", "python"),
        ("sol.py2", "print(3)", "python2"),
        ("sol.py", "#!/usr/bin/env python2\nprint(3)", "python2"),
        ("sol.py", "#!/usr/bin/python3\nprint(3)", "python"),
        ("sol.py", "print 3", "python2"),
        ("sol.py", "if x: print 'a', 'b'", "python2"),
        ("sol.py", "n = int(raw_input())", "python2"),
        ("sol.py", "for i in xrange(3): pass", "python2"),
        ("sol.py", "try:\n  f()\nexcept E, e:\n  pass", "python2"),
        ("sol.py", "from builtins import range as xrange\nxrange(3)", "python"),
        ("sol.py", "try:\n  raw_input\nexcept NameError:\n  raw_input = input\nraw_input()", "python"),
        ("sol.py", "s = 'print 3'\n# print 3\nprint (s)\nprint = f\nx = 01.5 if 00 else 0o17", "python"),
        ("sol.py", '"""\nprint 3\n"""', "python"),
        ("notes.txt", "", None),
        ("Makefile", "", None),
    ],
)
def test_a_source_knows_its_language(path: str, source: str, expected: str | None) -> None:
    assert language_of(path, source) == expected


def test_python_2_is_refused_and_not_judged(bench: Bench) -> None:
    with pytest.raises(ToolchainMissing, match="Python 2 programs are not supported"):
        bench.run(Program("python2", "print 3"))
