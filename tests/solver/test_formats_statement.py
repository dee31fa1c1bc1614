"""Examples and checking rules read out of prose."""

import pytest

from sandbox import CheckerSpec
from solver.formats.calls import examples_of_function, parameters_of
from solver.formats.literals import call_arguments, literal, literal_end
from solver.formats.statement import checker_in_statement, examples_in_statement
from solver.problem import Example


def pairs(statement: str) -> list[tuple[str, str]]:
    return [(example.input, example.output) for example in examples_in_statement(statement)]


def calls(text: str, name: str = "f", parameters: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(example.input, example.output) for example in examples_of_function(text, name, parameters)]


FORMAT_SECTIONS = "Input\n\nThe first line holds n.\n\nOutput\n\nPrint n.\n\n"
TWO = [("1\n2 3\n", "5\n"), ("4\n", "9\n")]


JUDGES = {
    "CodeContests": FORMAT_SECTIONS + "Examples\n\nInput\n\n\n1\n2 3\n\n\nOutput\n\n\n5\n\n\n"
    "Input\n\n\n4\n\n\nOutput\n\n\n9\n\nNote\n\nEasy.",
    "APPS": "-----Input-----\nn\n\n-----Output-----\nm\n\n-----Examples-----\nInput\n1\n2 3\n\nOutput\n5\n\n"
    "Input\n4\n\nOutput\n9\n\n\n\n-----Note-----\nEasy.",
    "CodeChef": FORMAT_SECTIONS + "Example\nInput:\n1\n2 3\n\nOutput:\n5\n\n"
    "Input:\n4\n\nOutput:\n9\n\nExplanation\nEasy.",
    "AtCoder": FORMAT_SECTIONS + "Sample Input 1\n\n1\n2 3\n\nSample Output 1\n\n5\n\n"
    "Sample Input 2\n\n4\n\nSample Output 2\n\n9\n",
    "APPS sample": "-----Sample Input-----\n1\n2 3\n-----Sample Output-----\n5\n"
    "-----Sample Input-----\n4\n-----Sample Output-----\n9\n-----Constraints-----\n- n > 0",
    "Markdown": "## Input\n\nn\n\n## Output\n\nm\n\n## Example 1\n\n### Input\n1\n2 3\n\n### Output\n5\n\n"
    "## Example 2\n\n**Input:**\n4\n\n**Output:**\n9\n",
    "AIZU": "Sample Input\n\n1\n2 3\n\nOutput for the Sample Input\n\n5\n\n"
    "Sample Input\n\n4\n\nOutput for the Sample Input\n\n9\n",
    "CRLF": "Example\r\nInput\r\n1\r\n2 3\r\n\r\nOutput\r\n5\r\n\r\nInput\r\n4\r\nOutput\r\n9\r\n",
}


@pytest.mark.parametrize("statement", JUDGES.values(), ids=JUDGES.keys())
def test_the_example_blocks_of_each_judge_are_found(statement: str) -> None:
    assert pairs(statement) == TWO


def test_the_sections_that_describe_the_format_are_no_examples() -> None:
    assert pairs(FORMAT_SECTIONS) == []


def test_blank_lines_inside_a_block_belong_to_it() -> None:
    assert pairs("Example\nInput\n\n1\n\n2\n\nOutput\n0\n\n3 4\n\n") == [("1\n\n2\n", "0\n\n3 4\n")]


def test_indentation_and_trailing_spaces_of_a_block_are_kept() -> None:
    assert pairs("Example\nInput\n  x \nOutput\n   *\n  ***\n") == [("  x \n", "   *\n  ***\n")]


def test_an_example_without_an_output_is_none() -> None:
    assert pairs("Examples\nInput\n1\n\nInput\n2\n\nOutput\n\n") == []


def test_an_example_with_an_empty_input_is_one() -> None:
    assert pairs("Example\nInput\n\nOutput\nhello\n") == [("", "hello\n")]


def test_lines_of_dashes_are_content() -> None:
    assert pairs("-----Example-----\nInput\n--\nOutput\n-----\n") == [("--\n", "-----\n")]


def test_an_explanation_ends_an_output() -> None:
    assert pairs("Example\nInput:\n1\nOutput:\n2\n\nExplanation: 1 + 1 = 2\n") == [("1\n", "2\n")]


@pytest.mark.parametrize(
    ("sentence", "tolerance"),
    [
        ("Your absolute or relative error must not exceed 10^{-6}.", 1e-6),
        ("Answers with relative error at most $10^{ - 4}$ are accepted.", 1e-4),
        ("with an absolute error of at most 10^-9", 1e-9),
        ("an accuracy of 10^{−5} or better", 1e-5),
        ("the absolute error must be less than 0.001", 1e-3),
        ("within absolute or relative error 1e-6", 1e-6),
    ],
)
def test_a_tolerance_in_the_statement_is_the_checkers(sentence: str, tolerance: float) -> None:
    checker = checker_in_statement(sentence, [Example(input="1", output="0.5")])
    assert checker == CheckerSpec(kind="floats", abs_tolerance=tolerance, rel_tolerance=tolerance)


def test_powers_of_ten_in_constraints_are_no_tolerance() -> None:
    checker = checker_in_statement("-10^9 <= a <= 10^{9}. Print the error code.", [Example(input="1", output="0.5")])
    assert checker == CheckerSpec()


def test_whole_answers_are_compared_exactly_whatever_the_prose_says() -> None:
    statement = "Distances are precise up to an error of 10^{-6}. Print the count."
    assert checker_in_statement(statement, [Example(input="1", output="5")]).kind == "tokens"


@pytest.mark.parametrize(
    "sentence",
    ["You can print each letter in any case (upper or lower).", "Print YES or NO in any register.", "in either case"],
)
def test_letter_case_is_free_where_the_statement_says_so(sentence: str) -> None:
    assert not checker_in_statement(sentence, []).case_sensitive


def test_letter_case_counts_by_default() -> None:
    assert checker_in_statement("In any event print YES; in case of a tie print NO.", []).case_sensitive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(1, 2) == 3", ("1, 2", "3")),
        ("f(1, 2) => 3", ("1, 2", "3")),
        ("f([1,2])==>[2]", ("[1, 2]", "[2]")),
        ("f(1) -> 'a'", ("1", "'a'")),
        ("f(1) ➞ True", ("1", "True")),
        ("f(1) = 2", ("1", "2")),
        ("f(1) returns 2", ("1", "2")),
        ("f(1) should return 2.", ("1", "2")),
        ("f(\"a.b\") # => 'Yes'", ("'a.b'", "'Yes'")),
        ("f(1) => true", ("1", "True")),
        ("f(1) => 2 # because", ("1", "2")),
        ("f(1) => 'No' (it is odd)", ("1", "'No'")),
        ("f(2, 19) ->19 - 5 - 6 = 8", ("2, 19", "8")),
        ("* f([]) => []", ("[]", "[]")),
        ("f([\n  [1],\n  [2]\n], 1) == [(0, 1)]", ("[[1], [2]], 1", "[(0, 1)]")),
        (">>> f(1)\n2", ("1", "2")),
        (">>> f(1)\n2\nand so on", ("1", "2")),
        (">>> f(1) # easy\n[1,\n 2]", ("1", "[1, 2]")),
        (">>> f(1) == 2", ("1", "2")),
        ("Input: x = 5, y = [null]\nOutput: [1,2]\nExplanation: none", ("5, [None]", "[1, 2]")),
        ("Input: 5\nOutput: 6", ("5", "6")),
        ("  Input:\n    grid : [[1]]\n    k : 2\n  Output: 6", ("[[1]], 2", "6")),
        ('For s = "ab", k = 2 the output should be ("ab", True)', ("'ab', 2", "('ab', True)")),
        ("assert g([1]) => 2", ("[1]", "2")),
    ],
)
def test_a_call_and_its_value_are_an_example(text: str, expected: tuple[str, str]) -> None:
    assert calls(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "f(x) == 1",
        "f(1) == x",
        "f(1) => ('Venus')",
        "f(1) => 2 apples",
        "f(1) => 1 + 1",
        "f(open('secret')) == 1",
        ">>> round(f(1), 2)\n0.5",
        ">>> f(1)\n>>> f(2)",
        "The value f(1) is small",
        'f("unfinished) == 1',
        "Input: five\nOutput: 5",
        "For n = 5, it is easy.",
        "self.f(1) == 2",
        "assert g(1) == 1\nassert h(1) == 1",
    ],
)
def test_what_is_not_literal_on_both_sides_is_left_alone(text: str) -> None:
    assert calls(text) == []


def test_the_terms_of_a_recurrence_are_no_examples_of_the_function() -> None:
    text = "tri(1) = 3\ntri(n) = 1 + n / 2, if n is even.\ntri(4) = 3\n\nExamples:\ntri(3) = [1, 3, 2, 8]\n"
    assert calls(text, "tri") == [("3", "[1, 3, 2, 8]")]


def test_examples_come_in_the_order_of_the_text_and_once() -> None:
    text = "Input: 9\nOutput: 1\n\nf(2) == 3\nf(1) == 2\nf(2) == 3\n"
    assert calls(text) == [("9", "1"), ("2", "3"), ("1", "2")]


def test_named_arguments_are_kept_when_the_signature_has_them_and_passed_by_position_when_not() -> None:
    text = "Input: a = 1, b = 2\nOutput: 3"
    assert calls(text, parameters=("a", "b")) == [("a = 1, b = 2", "3")]
    assert calls(text, parameters=("x", "y")) == [("1, 2", "3")]


def test_more_arguments_than_parameters_cannot_be_an_example() -> None:
    assert calls("Input: a = 1, b = 2\nOutput: 3", parameters=("x",)) == []


def test_hostile_statements_end_soon() -> None:
    for text in (
        "f(" * 100_000,
        "f([" * 100_000,
        "f('" * 90_000,
        "f(1) -> " + "1 + " * 100_000,
        "For a = [\n" * 20_000,
    ):
        assert calls(text) == []
    assert pairs("Input\n" * 100_000 + "-" * 1_000_000) == []


def test_parameters_are_read_from_unfinished_code() -> None:
    code = "class Solution:\n    def go(self, a: List[int], b: Dict[str, int] = {}) -> int:\n        "
    assert parameters_of(code, "Solution().go") == ["a", "b"]
    assert parameters_of("def f(", "f") == []
    assert parameters_of("def f(1): pass", "f") == []
    assert parameters_of("", "f") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1,2]", "[1, 2]"),
        ("null", "None"),
        ('{"a": [true, false]}', "{'a': [True, False]}"),
        ('"true"', "'true'"),
        ("-1.50", "-1.5"),
        ("{3, 1}", "{3, 1}"),
        ("set()", "set()"),
        ("-Infinity", "-inf"),
        ("[nan]", "[nan]"),
        ("1+2j", "1 + 2j"),
        ("x", None),
        ("1 + 1", None),
        ("[1][0]", None),
        ("f(1)", None),
        ("{**{}}", None),
        ("[*[1]]", None),
        ("...", None),
        ("f'{1}'", None),
        ("lambda: 1", None),
        ("", None),
        ("1\0", None),
        ("[" * 5000, None),
        ("-" * 5000 + "1", None),
        ("9" * 5000, None),
        ("[" + "1," * 2**20 + "]", None),
    ],
)
def test_literals_are_normalised_and_nothing_else_passes(text: str, expected: str | None) -> None:
    assert literal(text) == expected


@pytest.mark.parametrize("text", ["1) or g(2", "1)(2", "**{}", "*[1]", "x", "a=b", "1 2", "a=1, 2", "a=1, a=2"])
def test_argument_text_cannot_break_out_of_its_call(text: str) -> None:
    assert call_arguments(text) is None


def test_no_arguments_are_arguments() -> None:
    assert call_arguments("") == []


def test_a_literal_ends_where_its_brackets_do() -> None:
    assert literal_end("[')', (1, 2)] rest") == 13
    assert literal_end(r"'it\'s' rest") == 7
    assert literal_end("-12.5, rest") == 5
    assert literal_end("(]") is None
    assert literal_end("rest") is None
