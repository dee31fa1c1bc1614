"""What the ablation takes away, and what it says about it."""

import numpy as np

from clustering.evidence import FIRST_OUTPUT, CandidateFacts, Evidence, InputFacts
from clustering.policies.features import GROUPS
from eval.ablation import ablate, origins, without_origin
from eval.pools import Labelled


def labelled(name: str, sizes: tuple[int, int], origin: str = "structure:edge") -> Labelled:
    """Two behaviours, the first of them right; they differ on the first input only."""
    n = len(sizes)
    evidence = Evidence(
        problem=name,
        candidates=[CandidateFacts(f"{name}/{i}", i, weight) for i, weight in enumerate(sizes)],
        passes=np.ones(n, dtype=bool),
        example_share=np.ones(n),
        outcomes=np.array([[FIRST_OUTPUT + i, FIRST_OUTPUT] for i in range(n)], dtype=np.int32),
        inputs=[InputFacts("1", origin), InputFacts("2", "call:random")],
        outputs=[{FIRST_OUTPUT + i: str(i) for i in range(n)}, {FIRST_OUTPUT: "0"}],
    )
    return Labelled(evidence, evidence, np.array([True, False]), ((0, 0),) * n, samples=sum(sizes))


POOL = [labelled(f"p{number}", (5, 2)) for number in range(6)]


def test_an_origin_is_named_by_its_source_alone() -> None:
    assert origins(POOL) == ["call", "structure"]


def test_without_an_origin_what_only_its_inputs_tell_apart_is_one_behaviour() -> None:
    less = without_origin(POOL[0], "structure")
    assert [item.origin for item in less.plain.inputs] == ["call:random"]
    assert len(np.unique(less.plain.outcomes, axis=0)) == 1
    assert (less.right == POOL[0].right).all()


def test_there_is_a_row_for_each_signal_taken_away_and_alone_and_for_each_origin() -> None:
    rows = ablate(POOL, [1], use_examples=False)
    kinds = [row["kind"] for row in rows]
    assert kinds.count("all") == 1
    assert kinds.count("without signal") == kinds.count("only signal") == len(GROUPS)
    assert [row["name"] for row in rows if row["kind"] == "without inputs"] == ["call", "structure"]
    assert rows[0]["all_minus_this"]["1"]["value"] == 0.0


def test_a_difference_is_that_of_the_two_shares() -> None:
    for row in ablate([*POOL, labelled("odd", (1, 4))], [1], use_examples=False):
        everything = 6 / 7 if row["kind"] == "all" else row["solved"]["1"] + row["all_minus_this"]["1"]["value"]
        assert abs(everything - 6 / 7) < 1e-9
