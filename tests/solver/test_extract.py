"""The program in a chat answer: whole programs come out as they were written, cut-off ones never do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.extract import MAX_SOURCE_BYTES, Extraction, Reason, extract

ECHO = "n = int(input())\nprint(n)\n"
DOUBLE = "import sys\nfor line in sys.stdin:\n    print(2 * int(line))\n"
CPP = '#include <iostream>\nint main() {\n    int n;\n    std::cin >> n;\n    std::cout << n << "}";\n}\n'
STARTER = "class Solution:\n    def add(self, a: int, b: int) -> int:\n        "
STUB = 'from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    """ Sum of xs.\n    """\n'


def take(text: str, finish_reason: str = "stop", language: str = "python") -> Extraction:
    return extract(text, finish_reason=finish_reason, wanted_language=language)


def take_function(text: str, finish_reason: str = "stop", entry: str = "total", starter: str = STUB) -> Extraction:
    return extract(
        text,
        finish_reason=finish_reason,
        wanted_language="python",
        mode="function",
        entry_point=entry,
        starter_code=starter,
    )


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{ECHO}```",
        f"```py\n{ECHO}```\nThis reads n and prints it.",
        f"Sure!\n\n```python3\n{ECHO}\n```",
        f"~~~ Python\n{ECHO}~~~",
        f"````python\n{ECHO}````",
        f"```\n{ECHO}```",
        f"Here you are: ```python\n{ECHO}```",
        "1. Read:\n\n   ```python\n   n = int(input())\n   print(n)\n   ```\n",
        "```python\n    n = int(input())\n    print(n)\n```",
        "```python\nn = int(input())\nprint(n)```",
        "```python\r\nn = int(input())\r\nprint(n)\r\n```",
        f"```python\n{ECHO}",
        ECHO,
        f"\ufeff{ECHO}",
        f"The program:\n\n{ECHO}\nIt isn't long.",
        f"<think>\n```python\nprint(input() + 'wrong')\n```\n</think>\n```python\n{ECHO}```",
        f"so we print n\n</think>\n```python\n{ECHO}```",
        f"```text\n{ECHO}```",
        f'```python title="a.py"\n{ECHO}```',
        f"```python {{.line-numbers}}\n{ECHO}```",
    ],
)
def test_the_program_comes_out_without_its_wrapping(answer: str) -> None:
    assert take(answer) == Extraction(ECHO, "python", Reason.OK)


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{ECHO}```\nInput:\n```\n3\n```\nOutput:\n```\n3\n```",
        f"```bash\npython a.py < in.txt\n```\n```python\n{ECHO}```\n```text\nprint(input())\n```",
        f"```python\ndef f(n):\n    return n\n```\nWhole program:\n```python\n{ECHO}```",
        f"```python\n{ECHO}```\nUsage:\n```python\nprint(1)\n```",
        f"```python\nprint(2 * int(input()))\n```\nThat is wrong. Better:\n```python\n{ECHO}```",
        f"```python\n{ECHO}```python\nprint(1)\n```",
        f"```java\nclass Main {{}}\n```\n```python\n{ECHO}```",
        f"```cpp\n{CPP}```\n```python\n{ECHO}```",
    ],
)
def test_the_last_whole_program_is_chosen(answer: str) -> None:
    assert take(answer).source == ECHO


def test_the_wanted_language_wins_over_a_later_program_in_the_other() -> None:
    answer = f"```python\n{ECHO}```\n```cpp\n{CPP}```"
    assert take(answer).language == "python"
    assert take(answer, language="cpp") == Extraction(CPP, "cpp", Reason.OK)


@pytest.mark.parametrize(
    "answer", [f"```cpp\n{CPP}```", f"```python\n{CPP}```", f"```\n{CPP}```", CPP, f"Hi!\n\n{CPP}\nBye."]
)
def test_a_program_in_the_other_language_is_taken_for_what_it_is(answer: str) -> None:
    assert take(answer) == Extraction(CPP, "cpp", Reason.OK)


def test_python_in_a_cpp_block_is_python() -> None:
    assert take(f"```cpp\n{ECHO}```", language="cpp") == Extraction(ECHO, "python", Reason.OK)


def test_functions_of_an_earlier_block_join_the_program_that_calls_them() -> None:
    answer = "```python\ndef twice(n):\n    return 2 * n\n```\nthen\n```python\nprint(twice(int(input())))\n```"
    source = take(answer).source
    assert source == "def twice(n):\n    return 2 * n\n\nprint(twice(int(input())))\n"


def test_an_example_call_is_not_glued_to_a_program_that_runs_by_itself() -> None:
    program = "def f(n):\n    return n\nprint(f(int(input())))\n"
    assert take(f"```python\n{program}```\nTry it:\n```python\nprint(f(3))\n```").source == program


def test_a_fence_inside_a_docstring_does_not_end_the_program() -> None:
    program = 'def f():\n    """\n```\nexample\n```\n    """\n    return input()\nprint(f())\n'
    assert take(f"```python\n{program}```\nDone.").source == program


def test_html_entities_are_left_alone() -> None:
    assert take("```python\nprint('&lt;' + input())\n```").source == "print('&lt;' + input())\n"


@pytest.mark.parametrize("finish_reason", ["length", "abort", "content_filter"])
@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{ECHO}",
        f"```python\n{ECHO}for i in range(n):\n    pri",
        f"```cpp\n{CPP}",
        ECHO,
        "First I think about",
        "```",
        "<think>\nLet me see" + ECHO,
    ],
)
def test_a_cut_off_program_is_dropped_even_when_it_parses(answer: str, finish_reason: str) -> None:
    assert take(answer, finish_reason) == Extraction(None, None, Reason.TRUNCATED)


def test_prose_cut_off_after_a_complete_program_does_no_harm() -> None:
    assert take(f"```python\n{ECHO}```\nThis program rea", "length").source == ECHO


def test_a_complete_program_before_a_cut_off_block_is_kept() -> None:
    assert take(f"```python\n{ECHO}```\nFaster:\n```python\n{DOUBLE}", "length").source == ECHO


def test_endless_thinking_is_truncated_whatever_the_reason_to_stop() -> None:
    assert take(f"<think>\n```python\n{ECHO}```").reason is Reason.TRUNCATED


def test_an_unclosed_cpp_block_is_taken_only_when_its_braces_match() -> None:
    assert take(f"```cpp\n{CPP}").source == CPP
    assert take(f"```cpp\n{CPP[:-2]}").source is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n\t", Reason.EMPTY),
        ("<think>yes</think>", Reason.EMPTY),
        ("I cannot solve this.", Reason.NO_CODE),
        ("Sorry", Reason.NO_CODE),
        ("```\n1 2 3\n```", Reason.NO_CODE),
        ("```\n42\n```", Reason.NO_CODE),
        ("```python\n# only a comment\n```", Reason.NO_CODE),
        ("```java\nclass Main {}\n```", Reason.UNSUPPORTED_LANGUAGE),
        ("```python\nprint input()\n```", Reason.PYTHON2),
        ("```python\ntry:\n    pass\nexcept ValueError, e:\n    pass\n```", Reason.PYTHON2),
        ("```python\ndef f(:\n```", Reason.SYNTAX_ERROR),
        ("```python\nprint(input())\0\n```", Reason.BAD_TEXT),
        ("```python\nprint(input(), '\ud800')\n```", Reason.BAD_TEXT),
        ("```python\nprint(input())\n" + "#" * MAX_SOURCE_BYTES + "\n```", Reason.TOO_LONG),
        ("```python\nprint(input())\n# " + "é" * (MAX_SOURCE_BYTES // 2) + "\n```", Reason.TOO_LONG),
        ("a" * 2**20, Reason.TOO_LONG),
    ],
)
def test_each_loss_has_its_reason(answer: str, reason: Reason) -> None:
    assert take(answer) == Extraction(None, None, reason)


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 60000,
        "-" * 60000 + "1",
        "a" + ".b" * 30000,
        "1" + "+1" * 30000,
        "[" * 150 + "]" * 150,
        "lambda:" * 9000 + "1",
        "x=" * 20000 + "1",
        "```python\n" * 20000,
        "```\n" * 60000,
        "~~~\n```\n" * 30000,
        'R"(' * 20000,
        "/*" * 30000,
        "if 1:\n" * 9000,
        "x = 1\n)\n" * 8000,
        "<think>" * 30000,
        "</think>" * 30000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_hostile_answers_end_in_a_reason(hostile: str) -> None:
    for text in (hostile, f"```python\n{hostile}\n```", f"```cpp\n#include <a>\n{hostile}"):
        assert take(text).reason in Reason
        assert take_function(text).reason in Reason


@settings(deadline=None)
@given(st.text(), st.sampled_from(["stop", "length"]))
def test_whatever_the_answer_a_taken_program_is_encodable_and_short(answer: str, finish_reason: str) -> None:
    for wrapped in (answer, f"```python\n{answer}\n```"):
        extraction = take(wrapped, finish_reason)
        assert (extraction.source is None) == (extraction.reason is not Reason.OK) == (extraction.language is None)
        assert extraction.source is None or len(extraction.source.encode()) <= MAX_SOURCE_BYTES


# --- function mode --------------------------------------------------------------------------------------------------


def call(extraction: Extraction, expression: str) -> object:
    assert extraction.source is not None, extraction.reason
    names: dict[str, object] = {"List": list}
    exec(extraction.source, names)
    return eval(expression, names)


@pytest.mark.parametrize(
    "answer",
    [
        "```python\ndef total(xs):\n    return sum(xs)\n```",
        "```python\ndef total(xs):\n    return sum(xs)\n```\nUsage:\n```python\nprint(total([1]))\n```",
        "```python\ndef total(xs: List[int]) -> int:\n    return sum(xs)\n```",
        "```python\nreturn sum(xs)\n```",
        "```python\n    return sum(xs)\n```",
        "    return sum(xs)\n",
        "    return sum(xs)\n\n\nprint(total([1, 2",
        "    return sum(xs)\n\ndef unfinished(",
        "    return help_me(xs)\n\ndef help_me(xs):\n    return sum(xs)\n",
        "def total(xs):\n    return sum(xs)\n",
        "total = sum\n",
        "```python\ndef h(xs):\n    return sum(xs)\ntotal = h\n```\n```python\ndef other():\n    pass\n```",
    ],
)
def test_the_entry_point_is_defined_whatever_part_of_it_was_answered(answer: str) -> None:
    assert call(take_function(answer), "total([1, 2, 3])") == 6


@pytest.mark.parametrize(
    "answer",
    [
        "```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```",
        "```python\nreturn a + b\n```",
        "return a + b",
        "        return a + b",
        "```python\n        c = a\n        return c + b\n```",
    ],
)
def test_a_method_is_completed_from_the_starter_code(answer: str) -> None:
    assert call(take_function(answer, entry="Solution().add", starter=STARTER), "Solution().add(1, 2)") == 3


def test_helpers_of_the_starter_code_come_along_when_the_answer_leans_on_them() -> None:
    starter = 'def half(n):\n    return n // 2\n\n\ndef total(xs):\n    """ Half the sum. """\n'
    answer = "```python\ndef total(xs):\n    return half(sum(xs))\n```"
    assert call(take_function(answer, starter=starter), "total([4, 4])") == 4


def test_a_base_models_cut_off_continuation_keeps_only_what_is_certainly_complete() -> None:
    extraction = take_function("    return sum(xs)\n\ndef other():\n    retu", "length")
    assert call(extraction, "total([1, 2])") == 3
    assert extraction.source is not None
    assert "other" not in extraction.source
    assert take_function("    if xs:\n        return sum(xs)\n", "length").reason is Reason.TRUNCATED


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("```python\nprint(int(input()))\n```", Reason.OK),
        ("```python\ndef another(xs):\n    return 1\n```", Reason.NO_CODE),
        ("```python\nxs[:] = sorted(xs)\n```", Reason.OK),
        ("    pass\n", Reason.NO_CODE),
        ("Sorry", Reason.NO_CODE),
        ("    # nothing\n", Reason.NO_CODE),
        (f"```cpp\n{CPP}```", Reason.UNSUPPORTED_LANGUAGE),
    ],
)
def test_function_mode_takes_bodies_but_no_prose_and_no_cpp(answer: str, reason: Reason) -> None:
    assert take_function(answer).reason is reason
