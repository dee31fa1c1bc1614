"""Evidence without the programs that failed leads to the same choice as with them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from clustering.policies import POLICIES, rank
from clustering.validity import input_worths
from sandbox import Verdict
from solver.choice import choice_evidence
from solver.run_evidence import run_evidence
from solver.samplers import Sample
from solver.store import Claim, Execution, RunInput, Store, StoredProgram

EXAMPLES, GENERATED = 2, 4
SETTLED = 280


def fill(store: Store, seed: int, passing_share: float) -> None:
    """Three hundred samples of about a hundred programs; some passing ones were not run on every input."""
    inputs = [RunInput(n, "example", f"example {n + 1}", str(n)) for n in range(EXAMPLES)]
    inputs += [RunInput(EXAMPLES + n, "generated", f"g{n % 2}", f"{n}!", 0.5 + n / 10) for n in range(GENERATED)]
    store.set_inputs(inputs, [Claim(EXAMPLES, "x", "t0", 3), Claim(EXAMPLES + 1, "y", "t1", 1)])
    rng = random.Random(seed)
    for idx in range(300):
        number = rng.randrange(100)
        key = f"{number * 7919 % 100:02d}" * 32
        plan = rng.choice(["direct", "plan", "a,b"]) if number < 90 else "rare"
        sample = Sample(idx, 0, "", "m", plan, "python", 0.8, 0, 1, 1, -rng.random(), "stop")
        if store.add_sample(idx, sample, "ok", StoredProgram(key, idx, "python", f"# {number}")):
            for input_id, verdict, token in runs(rng, passing_share):
                store.add_execution(Execution(key, input_id, verdict, token, rng.random(), 0, 0, 0, None, ""))


def runs(rng: random.Random, passing_share: float) -> list[tuple[int, Verdict, str | None]]:
    if rng.random() >= passing_share:
        passed = rng.randrange(EXAMPLES)
        failed = rng.choice([Verdict.WA, Verdict.RTE, Verdict.CE, Verdict.IE])
        return [*((n, Verdict.AC, "e") for n in range(passed)), (passed, failed, None if failed is Verdict.IE else "f")]
    ran = GENERATED if rng.random() < 0.9 else rng.randrange(GENERATED)
    tokens = [rng.choice(["t0", "t0", "t1", "RTE"]) for _ in range(ran)]
    return [
        *((n, Verdict.AC, "e") for n in range(EXAMPLES)),
        *((EXAMPLES + n, Verdict.RTE if t == "RTE" else Verdict.OK, t) for n, t in enumerate(tokens)),
    ]


@pytest.fixture(params=[(1, 0.3), (2, 0.05), (3, 1.0)], ids=lambda p: f"passing {p[1]}")
def store(request: pytest.FixtureRequest, tmp_path: Path):
    with Store(tmp_path / "s") as opened:
        fill(opened, *request.param)
        yield opened


@pytest.mark.parametrize("policy", POLICIES)
def test_the_choice_does_not_depend_on_whether_failures_are_listed(store: Store, policy: str) -> None:
    few, all_ = (choice_evidence(store, SETTLED, everyone=everyone) for everyone in (False, True))
    assert all_.unlisted == 0
    assert len(few.candidates) + few.unlisted == len(all_.candidates)
    assert rank(few, policy, 10, seed=3) == rank(all_, policy, 10, seed=3)


def test_neither_does_what_an_input_was_worth(store: Store) -> None:
    few, all_ = (input_worths(run_evidence(store, "p", SETTLED, everyone=everyone)) for everyone in (False, True))
    assert few == all_


def test_where_nothing_passes_there_is_nobody_to_list_and_inputs_keep_their_own_validity(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        fill(store, 4, 0.0)
        few, all_ = (run_evidence(store, "p", SETTLED, everyone=everyone) for everyone in (False, True))
    assert (len(few.candidates), few.unlisted) == (0, len(all_.candidates))
    assert input_worths(few) == input_worths(all_)


def test_evidence_without_failures_refuses_to_forget_the_examples(store: Store) -> None:
    evidence = choice_evidence(store, SETTLED)
    if evidence.unlisted:
        with pytest.raises(ValueError, match="not listed"):
            evidence.without_filter()
