"""What one program did on one generated input, as one small comparable value.

The (program × input) matrix holds only these tokens, never an output: 100,000 survivors × 50 inputs
must fit in memory, so a token is a 32-character digest and equal tokens share one string object.
"""

from __future__ import annotations

import sys
from hashlib import blake2b

from sandbox.types import Outcome, Verdict

Behaviour = tuple[str | None, ...]
"""One token per generated input, in the order of the inputs; None where there is no observation."""

FAULTS = frozenset({Verdict.RTE.value, Verdict.TLE.value, Verdict.MLE.value, Verdict.OLE.value, Verdict.CE.value})
"""Tokens of runs that gave no output. No digest equals one of them: digests are lower-case hex."""

_UNGRADED = frozenset({Verdict.OK, Verdict.IE}) | {Verdict(fault) for fault in FAULTS}


def behaviour_token(outcome: Outcome, normalised_output: bytes) -> str | None:
    """The behaviour of one run: the digest (hex BLAKE2b-128) of `normalised_output` when the run ended
    well, the fault's name (`RTE`, `TLE`, `MLE`, `OLE`, `CE`) when the program failed, and None
    (missing) for an internal error, which says nothing about the program.

    `normalised_output` is the outcome's output after the checker's normalisation (white space, say);
    it is ignored unless the verdict is OK. Raises ValueError for a graded outcome (AC or WA): a
    behaviour must not depend on an expected output.
    """
    if outcome.verdict not in _UNGRADED:
        raise ValueError(f"a behaviour is made from ungraded runs only, not from {outcome.verdict}")
    if outcome.verdict is Verdict.OK:
        return sys.intern(blake2b(normalised_output, digest_size=16).hexdigest())
    if outcome.verdict is Verdict.IE:
        return None
    return outcome.verdict.value


def fails_everywhere(behaviour: Behaviour) -> bool:
    """True when every observation is a fault and there is at least one observation."""
    observed = [token for token in behaviour if token is not None]
    return bool(observed) and all(token in FAULTS for token in observed)


def has_output(behaviour: Behaviour) -> bool:
    """True when the program gave an output on at least one input."""
    return any(token is not None and token not in FAULTS for token in behaviour)
