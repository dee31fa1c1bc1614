"""Programs share a key when only their comments, white space or docstrings differ, and in no other case."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.extract import extract
from solver.normalise import normalise, program_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1\n", "x=1 # one\n\n\n"),
        ("if x:\n  y()\n", "if x :\n\ty( )\n"),
        ("def f():\n    'Docs.'\n    return 1\n", "def f():\n    return 1\n"),
        ("'''Docs.'''\nprint(1)\n", "print(1)\n"),
        ("def f():\n    'Docs.'\n", "def f():\n    pass\n"),
        ("print('a')\n", 'print("a")\n'),
        ("print('\\x41')", "print('A')"),
        ("x = (1)\n", "x = 1\n"),
        ("a; b\n", "a\nb\n"),
        ("x = 1_000", "x = 1000"),
        ("f(a,\n  b)\n", "f(a, b)\r\n"),
    ],
)
def test_python_layout_does_not_matter(one: str, other: str) -> None:
    assert program_key(one, "python") == program_key(other, "python")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("print('a b')", "print('ab')"),
        ("print('a  b')", "print('a b')"),
        ("print('# x')", "print('')"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = '1'", "x = b'1'"),
        ("x = 0.0", "x = -0.0"),
        ("for i in x:\n    a()\n    b()\n", "for i in x:\n    a()\nb()\n"),
        ("if a:\n  if b:\n    c()\n  else:\n    d()\n", "if a:\n  if b:\n    c()\nelse:\n  d()\n"),
        ("a - -b", "a - b"),
        ("a - (b - c)", "(a - b) - c"),
        ("x = a", "x = b"),
        ("def f(a): return a", "def f(b): return b"),
        ("def f():\n    'Docs.'\nprint(f.__doc__)\n", "def f():\n    'Other.'\nprint(f.__doc__)\n"),
        ("r'\\n'+x", "'\\n'+x"),
        ("f'{a!r}'+x", "f'{a!s}'+x"),
        ("f'{a:1}'+x", "f'{a}'+x"),
        ("x = (1,)", "x = (1)"),
        ("x = [1]", "x = (1,)"),
        ("print('\ud800')", "print('\ud801')"),
    ],
)
def test_python_programs_that_may_differ_stay_apart(one: str, other: str) -> None:
    assert program_key(one, "python") != program_key(other, "python")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int main(){return 0;}", "int main( )\n{\n  return 0; // done\n}\n"),
        ("int a;/* x\n # y */int b;", "int a; int b;"),
        ("int a; // x \\\n still a comment\nint b;", "int a;\nint b;"),
        ("#include <vector>\nint a;", "  #include   <vector>  // v\r\n\nint a;"),
        ("#define F(x) \\\n  (x)\nint a;", "#define F(x) (x)\nint a;"),
        ("a = b+c;", "a=b + c ;"),
        ('s = "a" "b";', 's="a"\n"b";'),
    ],
)
def test_cpp_layout_does_not_matter(one: str, other: str) -> None:
    assert program_key(one, "cpp") == program_key(other, "cpp")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('s = "a b";', 's = "ab";'),
        ('s = "a  b";', 's = "a b";'),
        ('s = "// x";', 's = "";'),
        ('s = "/* x */";', 's = " ";'),
        ('s = "\\"  //";', 's = "\\" //";'),
        ("c = '\"'; // '\"'\n", "c = '\"'; d;"),
        ("c = ' ';", "c = '';"),
        ("a + +b;", "a ++b;"),
        ("a+ ++b;", "a++ +b;"),
        ("a - -b;", "a --b;"),
        ("a > > b;", "a >> b;"),
        ("a & &b;", "a && b;"),
        ("x = a / *p;", "x = a;"),
        ("int a;", "inta;"),
        ("return 1;", "return1;"),
        ("1.0;", "1;"),
        ("1'000;", "1 '000';"),
        ("0x1e+2;", "0x1e +2;"),
        ("#define F (x)\n", "#define F(x)\n"),
        ("#define A 1\nint b;", "#define A 1 int b;"),
        ("#define A\n1;", "#define A 1;"),
        ("#define S(x) #x\nS(a + b)", "#define S(x) #x\nS(a+b)"),
        ("#define S(x) \\\n  #x\nS(a + b)", "#define S(x) \\\n  #x\nS(a+b)"),
        ("x = __LINE__;", "\nx = __LINE__;"),
        ('R"(a b)";', 'R"(ab)";'),
        ('R"(a // b\n)";', 'R"(a\n)";'),
        ('R"x()" // )x";', 'R"x()" )x";'),
        ('R"(\\)"; // c"', 'R"(\\)"; c"'),
        ("ab\\\nc;", "ab c;"),
        ('LR"( )";', 'LR"()";'),
        ("x = 1;", "y = 1;"),
    ],
)
def test_cpp_programs_that_may_differ_stay_apart(one: str, other: str) -> None:
    assert program_key(one, "cpp") != program_key(other, "cpp")


def test_the_same_text_in_two_languages_has_two_keys() -> None:
    assert program_key("", "python") != program_key("", "cpp")


@pytest.mark.parametrize(
    "source",
    ["def f(:", "(" * 5000, "-" * 60000 + "1", "a" + ".b" * 30000, "x\0", "1" * 5000, "1" + "+1" * 3000],
    ids=lambda text: ascii(text[:6]),
)
def test_python_that_cannot_be_read_has_a_key_of_its_own(source: str) -> None:
    assert program_key(source, "python") == program_key(source, "python") != program_key(source + " 1", "python")


@pytest.mark.parametrize("source", ["/*", '"', "'", 'R"(', 'R"(' * 20000, "'" * 60001], ids=lambda text: text[:4])
def test_cpp_that_does_not_end_stands_for_itself(source: str) -> None:
    assert normalise(f"int  a; {source}", "cpp") == f"int  a; {source}"


CPP_PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "b1",
            "+",
            "++",
            "-",
            "->",
            "<",
            "<<",
            "=",
            "1",
            "1.5e+3",
            '"x y"',
            "'c'",
            'R"(d  e)"',
            "#",
            "##",
            "(",
            " ",
            "  ",
            "\n",
            "\\\n",
            "// c\n",
            "/* d */",
            "\n#define Q ",
            "\t",
            "/",
            "*",
        ]
    )
).map("".join)


@settings(deadline=None)
@given(CPP_PIECES)
def test_normalised_cpp_is_its_own_normal_form(source: str) -> None:
    once = normalise(source, "cpp")
    assert normalise(once, "cpp") == once


@settings(deadline=None)
@given(CPP_PIECES)
def test_blank_lines_and_comments_at_the_ends_never_matter_unless_the_line_number_does(source: str) -> None:
    if normalise(source, "cpp") != source:
        assert normalise(f"\n// c\n{source}\n/* d */\n", "cpp") == normalise(source, "cpp")


def test_recorded_samples_of_one_problem_hardly_repeat_after_extraction(shared_data: Path) -> None:
    keys, programs = set(), 0
    with gzip.open(shared_data / "samples" / "stdin_qwen1.5b.jsonl.gz", "rt", encoding="utf-8") as lines:
        for sample in json.loads(next(iter(lines)))["samples"]:
            found = extract(sample["text"], finish_reason=sample["finish_reason"], wanted_language="python")
            if found.source is not None and found.language is not None:
                programs += 1
                keys.add(program_key(found.source, found.language))
    assert programs >= 60
    assert 1 < len(keys) <= programs
