"""Writes the page: figures first, then every problem, one at a time, so that memory does not grow with their number.

Programs, statements, names and outputs are hostile text. Three things stand between them and the reader: control and
direction characters are made visible, Jinja2 escapes everything that is not our own SVG, and the page's own content
security policy forbids scripts, frames, forms and every load from anywhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from eval.bench.problem_run import ProblemRun
from eval.report.figures import figures, percent
from eval.report.problem_view import FATES, STAGES, Fate, view
from eval.report.texts import visible
from solver.config import RunConfig
from solver.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markupsafe import Markup

TEXT_CHARACTERS = 24_000_000
"""How much text of problems and programs a page holds at most, however many problems there are."""
SYMBOLS: dict[Fate, str] = {"solved": "✓", "selection": "≠", "filter": "⊘", "uncovered": "–"}
_CHUNK = 1 << 20
_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Mark:
    """A problem on the overview."""

    number: int
    name: str
    fate: Fate


def write_report(
    results: dict[str, Any],
    runs: Iterable[ProblemRun],
    out: Path,
    *,
    title: str = "Benchmark run",
    about: Mapping[str, str] | None = None,
    skipped: Mapping[str, int] | None = None,
) -> None:
    """results: what `eval.metrics.summarise` made of these runs. about: what else is to be said of the whole, label →
    text. skipped: reason → problems of the data set that were not run. The file appears at once, when it is whole.

    Raises UserError without the libraries that draw and write it, or when it cannot be written.
    """
    environment = _environment()
    problem, page = environment.get_template("problem.html"), environment.get_template("page.html")
    shown = figures(results)
    characters = TEXT_CHARACTERS // max(1, shown.problems)
    marks: list[Mark] = []
    settings: dict[str, str] = {}
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as details:
            for run in runs:
                settings = settings or settings_of(run.config)
                marks.append(_write_problem(run, characters, problem, details))
            details.seek(0)
            content = page.generate(
                title=visible(title),
                about={visible(label): visible(text) for label, text in {**settings, **(about or {})}.items()},
                skipped={visible(reason): count for reason, count in (skipped or {}).items()},
                f=shown,
                marks=marks,
                fates=_fates(marks),
                details=_chunks(details),
            )
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(content)
        temporary.replace(out)
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)


def settings_of(config: RunConfig) -> dict[str, str]:
    """What shapes the runs, where it is not the default or is always worth saying."""
    default = RunConfig()
    told = {
        "model": config.model if config.recorded is None else f"recorded samples, {config.recorded.name}",
        "samples a problem": f"{config.samples:,}",
        "temperature": " to ".join(map(str, config.temperature)),
        "languages": ", ".join(config.languages),
        "seed": str(config.seed),
    }
    fields = ("plans", "inputs", "model_inputs", "opinions", "distinguish", "agreement", "max_tokens", "time_factor")
    for name in fields:
        value = getattr(config, name)
        if value != getattr(default, name):
            told[name.replace("_", " ")] = ", ".join(value) if isinstance(value, tuple) else str(value)
    return told


def _write_problem(run: ProblemRun, characters: int, template: Template, file: IO[str]) -> Mark:
    shown = view(run, characters)
    file.writelines(template.generate(p=shown))
    return Mark(shown.number, shown.name, shown.fate)


def _fates(marks: list[Mark]) -> list[tuple[Fate, str, int]]:
    return [(fate, words, sum(mark.fate == fate for mark in marks)) for fate, words in FATES.items()]


def _chunks(file: IO[str]) -> Iterator[Markup]:
    """What the problem template has escaped already."""
    from markupsafe import Markup

    while chunk := file.read(_CHUNK):
        yield Markup(chunk)


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise UserError("the report is written by Jinja2; pip install 'codesieve[plots]'") from None
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["symbols"] = SYMBOLS
    environment.globals["words"] = FATES
    environment.globals["stages"] = list(STAGES)
    environment.globals["style"] = Markup((_TEMPLATES / "style.css").read_text("utf-8"))
    environment.filters["percent"] = percent
    environment.filters["decimals"] = lambda value, digits: f"{value:.{digits}f}"
    environment.filters["compact"] = compact
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["plural"] = lambda count, word: word if count == 1 else f"{word}s"
    return environment


def compact(value: float) -> str:
    """`950`, `12.3k`, `4.56M`: three digits."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}" if value / size < 1000 else f"{value / size:,.0f}{suffix}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
