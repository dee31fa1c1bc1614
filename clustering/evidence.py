"""All that selection may know of one problem's candidates: the record that every policy reads.

It is made by running programs, on examples and on generated inputs and tests, and from the sampler's own facts. It
holds nothing of hidden tests, canonical solutions or their verdicts, and no way to reach them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sandbox.types import Verdict

MISSING = -1
"""No observation: not run, or an internal error of ours."""
FAULT_IDS = {
    Verdict.RTE: 0,
    Verdict.TLE: 1,
    Verdict.MLE: 2,
    Verdict.OLE: 3,
    Verdict.CE: 4,
}
TEST_INPUT = "model:test"
"""Origin of inputs that come from tests which a model wrote."""
FIRST_OUTPUT = 8
"""Value ids from here on are outputs; below are faults."""


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """One unique program. key: its digest. order: index of its first sample. weight: samples that gave it (≥ 1).

    mean_logprob: mean log-probability per token of its best sample, None when the sampler does not tell.
    plans: the prompt plans behind its samples. source: the program's text.
    """

    key: str
    order: int
    weight: int
    source: str = ""
    language: str = "python"
    mean_logprob: float | None = None
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One generated input. origin: where it came from (`structure:edge`, `call:random`, `model:generator`, …).

    validity: belief, 0 to 1, that it obeys the problem's rules.
    """

    text: str
    origin: str
    validity: float = 1.0


@dataclass(frozen=True, slots=True)
class TestFacts:
    """A model-written test. expected: the output that the model claims, as text. copies: how often it was written."""

    text: str
    expected: str
    copies: int = 1

    __test__ = False  # not a pytest class


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of n candidates.

    passes: shape (n,), bool; whether a candidate passes all examples (all True when none are used).
    example_share: shape (n,), float; share of examples passed.
    outcomes: shape (n, inputs), int32; per input, equal ids mean equal outputs; MISSING, a FAULT_IDS value, or an
    output id ≥ FIRST_OUTPUT that is meaningful within its column only.
    outputs: column → output id → the output's text (normalised, possibly cut), where kept.
    tests: shape (n, tests), int8; 1 passed, 0 failed, MISSING not known.
    cpu_seconds: shape (n,), float; the most CPU time over all runs, nan when never run.
    unlisted: further candidates, which fail an example and of which no more is known; unlisted_plans: plans that they,
    or the candidates, came from.
    """

    problem: str
    candidates: Sequence[CandidateFacts]
    passes: NDArray[np.bool_]
    example_share: NDArray[np.float64]
    outcomes: NDArray[np.int32]
    inputs: Sequence[InputFacts] = ()
    tests: NDArray[np.int8] | None = None
    test_facts: Sequence[TestFacts] = ()
    outputs: Sequence[dict[int, str]] = ()
    cpu_seconds: NDArray[np.float64] | None = None
    statement: str = ""
    unlisted: int = 0
    unlisted_plans: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        n = len(self.candidates)
        shapes = {
            "passes": self.passes.shape == (n,),
            "example_share": self.example_share.shape == (n,),
            "outcomes": self.outcomes.shape == (n, len(self.inputs)),
            "tests": self.tests is None or self.tests.shape == (n, len(self.test_facts)),
            "cpu_seconds": self.cpu_seconds is None or self.cpu_seconds.shape == (n,),
        }
        wrong = [name for name, right in shapes.items() if not right]
        if wrong:
            raise ValueError(f"{self.problem}: {', '.join(wrong)} do not fit {n} candidates")

    def without_tests(self) -> Evidence:
        """The same without what a model wrote: its tests, and the inputs that it wrote them for."""
        kept = [index for index, item in enumerate(self.inputs) if item.origin != TEST_INPUT]
        return replace(self.only_inputs(kept), tests=None, test_facts=())

    def only_inputs(self, kept: Sequence[int]) -> Evidence:
        """The same on fewer inputs; model-written tests stay as they are. kept: indexes of inputs."""
        return replace(
            self,
            inputs=[self.inputs[index] for index in kept],
            outcomes=self.outcomes[:, kept],
            outputs=[self.outputs[index] for index in kept] if self.outputs else (),
        )

    def without_filter(self) -> Evidence:
        """The same as if nothing were known of the examples. Raises ValueError where candidates are not listed."""
        if self.unlisted:
            raise ValueError(f"{self.problem}: {self.unlisted} candidates that fail an example are not listed")
        n = len(self.candidates)
        return replace(self, passes=np.ones(n, dtype=bool), example_share=np.ones(n))
