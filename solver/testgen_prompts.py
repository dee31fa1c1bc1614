"""What the model is asked for inputs: generators and validators (GenCluster, arXiv 2510.14232), tests (CodeT, arXiv
2207.10397)."""

from __future__ import annotations

from solver.problem import Problem

_SIZES = (
    "Keep the input small: a few numbers or letters.",
    "Make edge cases likely: smallest sizes, equal values, extreme values.",
    "Make the input fairly large, but at most 2000 characters.",
    "Choose sizes and values so that wrong solutions are likely to fail.",
)

_MAX_SHOWN_CHARS = 500
_ONE_BLOCK = "Answer with one Python code block and nothing else."


def generator_prompt(problem: Problem, index: int) -> str:
    """For a program that prints one random input; the wish differs with `index`.

    An example input stands at the end of the question: asked without it, a 1.5B model wrote generators that print
    answers or leave out the first line.
    """
    shown = next((e.input.strip("\n") for e in problem.examples if len(e.input) <= _MAX_SHOWN_CHARS), "")
    like = f" What it prints must look like this input, from the first line on, with other values:\n```\n{shown}\n```\n"
    if problem.mode == "function":
        shape = f"one line: the arguments of a valid call of `{_name(problem)}` as Python literals separated by commas."
    else:
        shape = "one new random test input in exactly the input format, and never an answer."
    return (
        f"{_head(problem)}\n\nDo not solve the problem. Write a Python 3 program that prints {shape}"
        f"{like if shown else ' '}It reads nothing and uses the `random` module. {_SIZES[index % len(_SIZES)]} "
        f"{_ONE_BLOCK}"
    )


def validator_prompt(problem: Problem) -> str:
    """For a program that says whether an input obeys the rules."""
    return (
        f"{_head(problem)}\n\nDo not solve the problem. Write a Python 3 program that reads a test input from standard "
        "input and checks that it has exactly the input format and obeys every constraint of the statement. It prints "
        f"VALID or INVALID. {_ONE_BLOCK}"
    )


def test_prompt(problem: Problem) -> str:
    """For inputs with the outputs that the model expects."""
    if problem.mode == "function":
        return (
            f"{_head(problem)}\n\nDo not solve the problem. Write ten different tests of `{_name(problem)}`, each one "
            f"line of the form `assert {_name(problem)}(arguments) == expected` with Python literals. Answer with one "
            "Python code block and nothing else."
        )
    return (
        f"{_head(problem)}\n\nDo not solve the problem. Write four small test cases that are not in the statement. For "
        "each write `Input:` and a code block with the whole input, then `Output:` and a code block with the output."
    )


def difference_prompt(problem: Problem, first: str, second: str) -> str:
    """For an input on which two programs differ (S*, arXiv 2502.14382)."""
    what = (
        f"the arguments of one valid call of `{_name(problem)}` as Python literals separated by commas"
        if problem.mode == "function"
        else "one valid test input, exactly in the input format"
    )
    return (
        f"{_head(problem)}\n\nTwo programs claim to solve it.\n\nProgram A:\n```\n{first.strip()}\n```\n\n"
        f"Program B:\n```\n{second.strip()}\n```\n\nThey differ on some inputs. Write {what} "
        "on which they give different outputs. Answer with it in one code block and nothing else."
    )


def _head(problem: Problem) -> str:
    parts = ["Read this programming problem.", problem.statement.strip()]
    if problem.mode == "function" and problem.starter_code.strip() not in problem.statement:
        parts.append(f"```python\n{problem.starter_code.rstrip()}\n```")
    return "\n\n".join(parts)


def _name(problem: Problem) -> str:
    return problem.entry_point.rpartition(".")[2]
