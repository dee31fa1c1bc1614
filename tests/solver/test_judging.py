"""The model's opinion of programs: P(correct) from one token, and a tournament in both orders."""

import asyncio
import re
from math import log

import pytest

from solver.choice import choose
from solver.config import make_config
from solver.errors import UserError
from solver.judging import judge_scores, store_scores, stored_scores, tournament_scores
from solver.problem import Problem
from solver.samplers import Sample
from solver.store import Store

PROBLEM = Problem(name="p", statement="Print the sum.")


class Opinionated:
    """A sampler that answers by `opinion(prompt) -> (text, probability or None)`."""

    model, replays = "opinionated", False

    def __init__(self, opinion):
        self.opinion, self.prompts = opinion, []

    async def open(self):
        return self

    async def stream(self, requests):
        for request in requests:
            prompt = request.messages[0]["content"]
            self.prompts.append(prompt)
            assert (request.max_tokens, request.temperature) == (1, 0.0)
            text, chance = self.opinion(prompt)
            logprob = None if chance is None else log(chance)
            yield Sample(
                request.index, 0, text, "m", request.plan, "python", 0.0, request.seed, 1, 1, logprob, "length"
            )

    async def close(self):
        pass


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "run.sqlite") as opened:
        yield opened


def judge(store, programs, opinion):
    sampler = Opinionated(opinion)
    return asyncio.run(judge_scores(PROBLEM, programs, sampler.open, store)), sampler


def compare(store, programs, opinion, seed=0):
    sampler = Opinionated(opinion)
    return asyncio.run(tournament_scores(PROBLEM, programs, sampler.open, store, seed)), sampler


@pytest.mark.parametrize(
    ("answer", "score"),
    [(("Yes", 0.8), 0.8), (("No", 0.9), 0.1), ((" yes.", None), 1.0), (("**No**", None), 0.0), (("Maybe", 0.7), 0.5)],
)
def test_the_answer_and_its_probability_make_the_score(store, answer, score):
    scores, _ = judge(store, {"k": "print(1)"}, lambda prompt: answer)
    assert scores == {"k": pytest.approx(score)}


def test_the_model_sees_statement_and_program(store):
    _, sampler = judge(store, {"k": "print(41 + 1)"}, lambda prompt: ("Yes", 0.5))
    assert PROBLEM.statement in sampler.prompts[0]
    assert "print(41 + 1)" in sampler.prompts[0]


def better(prompt):
    """Prefers the program with the larger number, surely."""
    first, second = map(int, re.findall(r"print\((\d+)\)", prompt))
    return ("A" if first > second else "B", 1.0)


def test_who_wins_every_game_comes_first(store):
    scores, sampler = compare(store, {"a": "print(1)", "b": "print(3)", "c": "print(2)"}, better)
    assert scores == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert len(sampler.prompts) == 6


def test_a_model_that_always_says_a_prefers_nobody(store):
    scores, _ = compare(store, {"a": "print(1)", "b": "print(2)", "c": "print(3)"}, lambda prompt: ("A", 0.9))
    assert list(scores.values()) == pytest.approx([0.5] * 3)


def test_many_programs_do_not_all_meet(store):
    scores, sampler = compare(store, {str(i): f"print({i})" for i in range(20)}, better)
    assert len(sampler.prompts) == 20 * 6
    assert scores["19"] == 1.0
    assert scores["0"] == 0.0


def test_a_lone_program_has_no_opponent(store):
    scores, sampler = compare(store, {"a": "print(1)"}, better)
    assert (scores, sampler.prompts) == ({"a": 0.5}, [])


def test_nothing_is_asked_twice(store):
    programs = {"a": "print(1)", "b": "print(2)"}
    first, _ = judge(store, programs, lambda prompt: ("Yes", 0.7))
    again, sampler = judge(store, programs | {"c": "print(3)"}, lambda prompt: ("No", 1.0))
    assert len(sampler.prompts) == 1
    assert again == first | {"c": 0.0}


def test_no_program_is_no_question(store):
    assert judge(store, {}, better)[0] == {} == stored_scores(store, "judge")


def test_scores_are_kept(store):
    store_scores(store, "judge", {"a": 0.25})
    assert stored_scores(store, "judge") == {"a": 0.25}


def test_an_opinion_policy_needs_opinions():
    with pytest.raises(UserError, match="--opinions"):
        make_config(policy="judge")
    assert make_config(policy="judge", opinions=4).opinions == 4


def test_an_empty_store_gives_no_choice(store):
    assert choose(store, 0, 10, "judge", 0).submissions == []
