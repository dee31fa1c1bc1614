"""What a person sees of a report."""

import io

from rich.console import Console

from solver.report import render

LONG = "x = " + " + ".join(f"f({i})" for i in range(60)) + "  # [bold]not markup[/bold] :smile:\n"
REPORT = {
    "problem": "p [red]",
    "why": None,
    "detail": None,
    "stop_reason": "samples",
    "counts": {
        "samples": 1,
        "unique": 1,
        "compiled": 1,
        "passing": 1,
        "duplicate_rate": 0.0,
        "executions": 3,
        "examples": 2,
    },
    "tokens": {"completion": 9},
    "clusters": {"count": 1},
    "submissions": [
        {
            "rank": 1,
            "file": "submissions/01.py",
            "language": "python",
            "examples_passed": 2,
            "cluster": 0,
            "cluster_size": 1,
            "confidence": 0.5,
            "plan": "direct",
            "temperature": 0.8,
            "source": LONG,
        }
    ],
}


def rendered(terminal: bool) -> str:
    stream = io.StringIO()
    render(REPORT, Console(file=stream, width=80, force_terminal=terminal, color_system=None))
    return stream.getvalue()


def test_a_piped_program_is_printed_whole_and_as_it_is() -> None:
    assert LONG in rendered(terminal=False)


def test_a_program_wider_than_the_terminal_is_wrapped_and_not_cut() -> None:
    shown = "".join(rendered(terminal=True).split())
    assert "".join(LONG.split()) in shown


def test_a_problem_name_is_not_read_as_markup() -> None:
    assert "p [red]" in rendered(terminal=False)
