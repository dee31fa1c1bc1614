"""A precompiled header never changes what a program means: which programs it may serve, and what they come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import Limits, Program, Verdict, headers, names

from .conftest import Bench

ALL = "#include <bits/stdc++.h>\n"


@pytest.mark.parametrize(
    "source",
    [
        "int main() {}",
        "#define int long long\n#include <vector>\nint main() {}",
        '#pragma GCC optimize("O3")\n' + ALL,
        "#include <vector>\n#define private public\n#include <map>\nint main() {}",
        "#include <vector>\nint main() {\n#  include <cmath>\n}",
        '#include "mine.h"\nint main() {}',
        "#include <vector> // x \\\n#include <map>\nint main() {}",
        "using X = int;\n" + ALL,
        "#include <iostream>\nint main() { return 1 + 5h; }",
    ],
    ids=[
        "no include",
        "macro before",
        "pragma before",
        "macro between",
        "include inside",
        "not of the system",
        "spliced line",
        "code before",
        "literal with a suffix",
    ],
)
def test_anything_that_could_bear_on_the_includes_is_left_alone(source: str) -> None:
    assert headers.includes(source) is None


def test_the_includes_of_a_plain_program_are_found() -> None:
    found = headers.includes(
        "// a\n\n#include <vector>\n/* b\n */ # include<map> // c\nint main() { return left; } // right"
    )
    assert found is not None
    assert found.headers == ("map", "vector")
    assert "left" in found.identifiers
    assert "right" not in found.identifiers


def test_after_the_whole_library_further_includes_do_not_matter() -> None:
    found = headers.includes(ALL + "#define ll long long\n#include <ext/rope>\nint main() {}")
    assert found is not None
    assert found.everything


def test_declared_names_are_macros_and_what_is_outside_of_bodies() -> None:
    text = (
        '# 1 "file"\n#define MACRO(parameter) replacement\n'
        "namespace std { struct thing { int member; }; enum e { one }; "
        "inline int f(int) { int local; return 'q'; } extern \"C\" { int g(void); } "
        'double operator"" suffix(long double); }'
    )
    found = headers.declared(text)
    assert {"MACRO", "thing", "one", "f", "g"} <= found
    assert not {"parameter", "replacement", "member", "local", "q", "suffix"} & found


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("#include <vector>\nint main() { std::vector<int> v; }", True),
        ("#include <vector>\nint gcd(int a, int b) { return a + b; }\nint main() { return gcd(1, 2); }", False),
        (ALL + "int main() { std::map<int, int> m; }", True),
        (ALL + "int thread;", False),
    ],
)
def test_a_name_by_which_core_and_includes_differ_decides(source: str, served: bool) -> None:
    core, own = frozenset({"std", "vector", "map", "gcd"}), frozenset({"std", "vector"})
    found = headers.includes(source)
    assert found is not None
    own = own | core | {"thread"} if found.everything else own
    assert headers.served(found, core, own) is served


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Without <numeric> there is no std::midpoint to prefer to this one.
        (
            "#include <iostream>\nusing namespace std;\ndouble midpoint(double a, double b) { return (a + b) / 2; }\n"
            "int main() { cout << midpoint(1, 2); }",
            b"1.5",
        ),
        (
            '#include <cstdio>\nusing namespace std;\nint count = 3, y1 = 4;\nint main() { printf("%d", count + y1); }',
            b"7",
        ),
        (ALL + 'using namespace std;\nint main() { thread t([] { puts("t"); }); t.join(); }', b"t\n"),
        (ALL + 'int main() { std::cout << std::regex_match("aab", std::regex("a+b")); }', b"1"),
        (
            "#define cout cerr\n#include <cstdio>\n#undef cout\n#include <iostream>\nint main() { std::cout << 7; }",
            b"7",
        ),
    ],
    ids=["an overload less", "names of other headers", "beyond the core", "regex", "macro before"],
)
def test_a_program_means_what_it_means_without(cpp_bench: Bench, source: str, expected: bytes) -> None:
    outcome = cpp_bench.cpp(source)
    assert (outcome.verdict, outcome.output) == (Verdict.OK, expected)


def test_a_name_that_the_whole_library_takes_is_still_an_error(cpp_bench: Bench) -> None:
    outcome = cpp_bench.cpp(ALL + "using namespace std;\nint future;\nint main() { future = 1; }")
    assert outcome.verdict is Verdict.CE
    assert "ambiguous" in outcome.stderr


def test_both_levels_agree(cpp_bench: Bench) -> None:
    program = Program("cpp", ALL + "int main() { long long n; std::cin >> n; std::cout << n * n; }")
    sandbox, run = cpp_bench.sandbox, cpp_bench.loop.run_until_complete
    outcomes = [run(sandbox.run(program, b"12", Limits(), optimise=level)) for level in ("fast", "full")]
    assert [(outcome.verdict, outcome.output) for outcome in outcomes] == [(Verdict.OK, b"144")] * 2


def test_without_a_place_to_keep_headers_programs_compile_as_they_stand(
    cpp_bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("CODESIEVE_CACHE", str(blocked))
    with Bench() as bench:
        assert bench.cpp(ALL + 'int main() { puts("plain"); }').output == b"plain\n"


def test_a_damaged_precompiled_header_costs_time_and_nothing_else(
    cpp_bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path))
    with Bench() as bench:
        assert bench.cpp(ALL + 'int main() { puts("made"); }').output == b"made\n"
    (made,) = tmp_path.glob("headers/*/core.h.gch")
    made.write_bytes(made.read_bytes()[:1000])
    with Bench() as bench:
        assert bench.cpp(ALL + 'int main() { puts("still"); }').output == b"still\n"


def test_an_error_in_the_text_is_told_as_the_plain_compiler_tells_it(
    cpp_bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = ALL + "using namespace std;\nint main() { vector<int> v; v.append(3); sort(v); return w; }"
    served = cpp_bench.cpp(source)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("CODESIEVE_CACHE", str(blocked))
    with Bench() as bench:
        plain = bench.cpp(source)
    assert served.verdict is plain.verdict is Verdict.CE
    errors = [[line for line in outcome.stderr.splitlines() if " error: " in line] for outcome in (served, plain)]
    assert errors[0] == errors[1] != []


def test_what_a_list_of_includes_declares_is_not_believed_when_cut_off(tmp_path: Path) -> None:
    declared = frozenset({"vector", "sort", "map"})
    names.save(tmp_path, ALL, declared)
    assert names.load(tmp_path, ALL) == declared
    (kept,) = tmp_path.glob("*.names")
    kept.write_text(kept.read_text()[:-2])
    half = names.load(tmp_path, ALL)
    kept.write_text("")
    assert names.load(tmp_path, ALL) is None
    assert half is None


def test_hostile_lists_of_includes_do_not_fill_the_cache(tmp_path: Path) -> None:
    for number in range(100):
        names.save(tmp_path, f"#include <{number}>\n", frozenset({"a"}))
    assert len(list(tmp_path.iterdir())) <= 64
