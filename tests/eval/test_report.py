"""The page of a benchmark run: complete, bounded, and safe whatever programs and statements hold."""

from __future__ import annotations

import gc
import json
import re
import weakref
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eval.bench.problem_run import ProblemRun, load_runs
from eval.metrics import summarise
from eval.metrics.false_positives import Rejudged
from eval.report import write, write_report
from solver.errors import UserError

from .benches import Asked, Drawn, key_of, make_bench

RIGHT = Drawn("print(input())", ("A", "B"), right=True)
WRONG = Drawn("print(1)", ("A", "A"))
CRASHES = Drawn("print(1 / 0)", ("A", "RTE"))
FAILS = Drawn("print(0)")
SILENT = Drawn(None)
HOSTILE = (
    "</pre></script><script>alert(1)</script><img src=x onerror='alert(2)'>\"><b title=\"{{ 7 * 7 }}]]><!-- &lt; $x$"
)

VOID = {"meta", "br", "input", "img", "link", "hr"}


class Page(HTMLParser):
    """The page as a browser's parser sees it: elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.badly_nested: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.badly_nested.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def values(self, name: str) -> list[str]:
        return [value or "" for attribute, value in self.attributes if attribute == name]


def figures_of(root: Path) -> dict[str, Any]:
    """As they come from the disk."""
    results: dict[str, Any] = json.loads(
        json.dumps(summarise(load_runs(root), ks=(1, 10), ns=(1, 2, 4), draws=2, resamples=50))
    )
    return results


def render(root: Path, out: Path, results: dict[str, Any] | None = None, **more: Any) -> Page:
    write_report(results or figures_of(root), load_runs(root), out, **more)
    return Page(out.read_text("utf-8"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lost = [Drawn(f"print({n})  # wrong", (chr(65 + n % 8), f"{n}")) for n in range(24) for _ in range(3)]
    alone = Drawn("print(input())", ("Y", "Z"), right=True)
    return make_bench(
        tmp_path_factory.mktemp("bench"),
        [
            Asked(
                "easy", [RIGHT, RIGHT, WRONG, CRASHES, FAILS, SILENT], about={"difficulty": "A", "tags": ("dp", "math")}
            ),
            Asked("hard", [FAILS, FAILS, SILENT], about={"difficulty": "F", "doubtful": "the statement says any"}),
            Asked("missed", [*lost, alone], about={"difficulty": "A"}),
        ],
    )


@pytest.fixture(scope="module")
def results(bench: Path) -> dict[str, Any]:
    return figures_of(bench)


@pytest.fixture(scope="module")
def page(bench: Path, results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Page:
    return render(bench, tmp_path_factory.mktemp("page") / "r.html", results, skipped={"no hidden tests": 2})


def section_of(page: Page, name: str) -> str:
    """The source of one problem's part."""
    parts = re.split(r'<details class="problem', page.source)
    return next(part for part in parts[1:] if f">{name} " in part or f">{name}<" in part)


def section(page: Page, name: str) -> str:
    """The text of one problem."""
    return Page(section_of(page, name)).text


def test_the_page_is_well_formed(page: Page) -> None:
    assert not page.badly_nested
    assert not page.open
    ids = page.values("id")
    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_on_the_page(page: Page) -> None:
    targets = [link.removeprefix("#") for link in page.values("href") + page.values("xlink:href")]
    assert {"p1", "p2", "p3"} <= set(targets)
    assert set(targets) <= set(page.values("id"))


def test_it_needs_no_network_and_runs_no_script(page: Page) -> None:
    addresses = set(re.findall(r"https?://[^\"' )]+", page.source))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in page.values("content")[0]
    assert not {"script", "iframe", "object", "embed", "link", "img", "form"} & set(page.tags)
    assert "@import" not in page.source
    assert "url(" not in re.sub(r"url\(#", "", page.source)


def test_hostile_text_stays_text_wherever_it_stands(tmp_path: Path) -> None:
    program = Drawn(f"# {HOSTILE}\nprint(1)", ("A", "B"), right=True)
    root = make_bench(
        tmp_path / "bench",
        [
            Asked(
                f"n {HOSTILE}",
                [program, Drawn(f"# other {HOSTILE}", ("A", "C"))],
                inputs=(f"1 {HOSTILE}", f"2 {HOSTILE}"),
                statement=HOSTILE,
                about=dict.fromkeys(("source", "difficulty", "date", "doubtful"), HOSTILE) | {"tags": (HOSTILE,)},
            ),
            Asked("other", [RIGHT]),
        ],
    )
    page = render(root, tmp_path / "r.html", title=HOSTILE, about={HOSTILE: HOSTILE}, skipped={HOSTILE: 1})
    assert not page.badly_nested
    assert not {"script", "img", "b title"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in page.values("title")[0]
    assert page.text.count(HOSTILE) >= 8


def test_what_hides_in_a_text_is_shown(tmp_path: Path) -> None:
    trojan = Drawn("a = '\u202e\u2066# safe\u2069' # \x1b[31m\x00", ("A", "B"))
    page = render(make_bench(tmp_path / "b", [Asked("p", [trojan])]), tmp_path / "r.html")
    assert "⟨U+202E⟩⟨U+2066⟩# safe" in page.text
    assert "⟨U+001B⟩[31m⟨U+0000⟩" in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\x00]", page.source)


def test_each_problem_is_told_down_to_its_programs(page: Page) -> None:
    easy = section(page, "easy")
    assert "solved by submission 1" in easy
    assert "2 of 6 samples right" in easy
    assert "6 sampled → 4 unique → 4 compiled → 3 passing → 3 clusters → 3 submitted → 1 right" in easy
    assert "print(input())" in easy
    assert "print(1 / 0)" in easy
    assert "Print the number." in easy
    assert "dp, math" in easy
    assert "no right sample" in section(page, "hard")
    assert "the statement says any" in section(page, "hard")


def test_a_wrong_program_is_shown_with_the_test_it_fails(page: Page) -> None:
    assert "✗ WA on hidden test 3 of 3" in " ".join(page.text.split())


def test_the_prompt_shown_is_the_one_behind_the_first_submission(page: Page) -> None:
    assert "Prompt behind the first submission" in section(page, "easy")
    assert "Solve this competitive programming problem." in section(page, "easy")


def test_a_guess_is_not_shown_with_a_chance(page: Page) -> None:
    assert "✗ WA on an example" in section(page, "hard")
    assert "P(correct)" not in section(page, "hard")


def test_the_deciding_inputs_tell_the_clusters_apart(page: Page) -> None:
    easy = section_of(page, "easy")
    table = easy[easy.index("Inputs that tell") : easy.index("What the model was asked")]
    assert "1 of 2 inputs" in table
    assert re.findall(r'<span class="(letter|fault)">(\w+)<', table) == [
        ("letter", "A"),
        ("letter", "B"),
        ("fault", "RTE"),
    ]


def test_fates_are_counted_as_the_losses_are(results: dict[str, Any], page: Page) -> None:
    lost = results["losses"]["by_k"][-1]
    marked = [classes for classes in page.values("class") if classes in ("solved", "selection", "filter", "uncovered")]
    marks = marked[: results["problems"]]
    assert marks.count("solved") == lost["solved"]
    assert marks.count("selection") == lost["selection_lost"] == 1


def test_headline_figures_come_with_intervals(results: dict[str, Any], page: Page) -> None:
    solved = results["solved"][-1]
    assert f"{100 * solved['value']:.1f} %" in page.text
    assert f"{100 * solved['low']:.1f} to {100 * solved['high']:.1f}" in page.text
    assert "2 problems of the data set not run: 2 × no hidden tests" in re.sub(r"\s+", " ", page.text)


def test_plots_take_the_colours_of_the_page(page: Page) -> None:
    drawn = "".join(re.findall(r"<svg.*?</svg>", page.source, re.DOTALL))
    assert page.tags.count("svg") == 5
    assert "var(--series-1)" in drawn
    assert not re.search(r"(?:fill|stroke): #", drawn)


def test_without_a_problem_there_is_still_a_page(tmp_path: Path) -> None:
    page = render(make_bench(tmp_path / "b", []), tmp_path / "r.html")
    assert not page.badly_nested
    assert "0 problems" in page.text


def test_without_a_program_there_is_still_a_page(tmp_path: Path) -> None:
    page = render(make_bench(tmp_path / "b", [Asked("p", [SILENT])]), tmp_path / "r.html")
    assert "none of 1 answers held a program" in page.text


def test_the_same_records_give_the_same_page(bench: Path, results: dict[str, Any], page: Page, tmp_path: Path) -> None:
    again = render(bench, tmp_path / "b.html", results, skipped={"no hidden tests": 2})
    assert again.source == page.source


def test_the_page_does_not_grow_with_the_length_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Drawn("x = 1\n" * 50_000, ("A", "B"), right=True)
    root = make_bench(tmp_path / "b", [Asked(f"p{n}", [long], statement="word " * 50_000) for n in range(3)])
    results = figures_of(root)
    page = render(root, tmp_path / "r.html", results)
    assert "294,999 more characters" in page.text
    assert len(page.source) < 200_000
    monkeypatch.setattr(write, "TEXT_CHARACTERS", 3 * 300)
    tight = render(root, tmp_path / "r.html", results)
    assert tight.text.count("x = 1") <= 3 * 51
    assert all(f"p{n}" in tight.text for n in range(3))


def test_one_run_is_held_at_a_time(bench: Path, results: dict[str, Any], tmp_path: Path) -> None:
    evidences: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def watched() -> Iterator[ProblemRun]:
        for run in load_runs(bench):
            gc.collect()
            alive.append(sum(one() is not None for one in evidences))
            evidences.append(weakref.ref(run.evidence.outcomes))
            yield run

    write_report(results, watched(), tmp_path / "r.html")
    assert len(alive) == 3
    assert max(alive) <= 1


def test_a_run_that_cannot_be_read_leaves_the_earlier_page(
    bench: Path, results: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    out.write_text("earlier")

    def broken() -> Iterator[ProblemRun]:
        yield next(load_runs(bench))
        raise UserError("damaged")

    with pytest.raises(UserError, match="damaged"):
        write_report(results, broken(), out)
    assert out.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_figures_of_another_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another version"):
        write_report({"format": "codesieve-metrics/0"}, [], tmp_path / "r.html")


def test_a_page_that_cannot_be_written_is_one_clear_line(results: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_report(results, [], tmp_path / "nowhere" / "r.html")


def test_accepted_submissions_that_fail_extra_tests_are_told(bench: Path, tmp_path: Path) -> None:
    rejudged = Rejudged("easy", 7, 2, {key_of("print(input())"): "WA"}, {})
    found = summarise(load_runs(bench), ks=(1, 10), ns=(1,), draws=1, resamples=50, extra={"easy": rejudged})
    page = render(bench, tmp_path / "r.html", found)
    assert "100.0 % (100.0 to 100.0) of 1 accepted submissions fail at least one of 7 extra tests" in page.text
