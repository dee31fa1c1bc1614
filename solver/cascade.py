"""A cascade: several models for one problem, cheap ones first (FrugalGPT, Chen et al., arXiv 2305.05176, section 3).

A level is a model and what it may spend on a problem. Whether the next model gets the problem is decided twice at most:

- early, when nothing has passed the examples after so many samples that the next model's first survivor is expected to
  cost less than this one's. A model's pass rate on a problem has the prior Beta(0.5, 7); after n samples in vain its
  mean is 0.5 / (7.5 + n), so that 1 / mean = (7.5 + n) / 0.5 more samples hold one survivor in expectation. The next
  model has not been tried: 7.5 / 0.5 samples. Times what a sample costs, they meet at n = 7.5 (ratio of costs - 1);
- when the level's budget is spent and its best submission is not believed.

Here are the levels, how they are written and the arithmetic; `solver.climb` applies it to a run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from solver.errors import UserError
from solver.models.registry import find

PRIOR = (0.5, 7.0)
"""Beta distribution of a problem's pass rate: mean 7 %, most problems near 0, as of the ten of the README."""

_BUDGET = re.compile(r"(?P<number>\d+(?:\.\d+)?(?:e\d+)?)(?P<unit>tok|usd|s|)")
_UNITS = {"": "samples", "tok": "tokens", "s": "seconds", "usd": "usd"}

Positive = Annotated[int, Field(gt=0)]
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Level(BaseModel):
    """A model of a cascade and its budget a problem: samples, completion tokens, wall seconds or US dollars. price: US
    dollars a million completion tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    samples: Positive | None = None
    tokens: Positive | None = None
    seconds: Amount | None = None
    usd: Amount | None = None
    price: Amount | None = None

    @model_validator(mode="after")
    def _money_has_a_price(self) -> Level:
        if self.usd is not None and self.price is None:
            raise ValueError(f"{self.model}: a budget in usd needs --price {self.model}=USD_PER_MTOK")
        return self

    @property
    def most_tokens(self) -> int | None:
        """By tokens or by money; None without such a budget."""
        if self.usd is not None and self.price is not None:
            return max(1, round(self.usd / self.price * 1e6))
        return self.tokens

    def wrote(self, model: str) -> bool:
        """Whether a sample with this `model` is of this level."""
        return model in (self.model, Path(self.model).name)


def parse_cascade(text: str, prices: Iterable[str] = ()) -> tuple[dict[str, Any], ...]:
    """`MODEL[:BUDGET],MODEL[:BUDGET]` and `MODEL=USD`s as fields of levels. Raises UserError."""
    levels: list[dict[str, Any]] = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        spec, _, budget = word.rpartition(":")
        found = _BUDGET.fullmatch(budget) if spec else None
        fields: dict[str, Any] = {"model": _name(spec if found else word)}
        if found:
            number, unit = float(found["number"]), _UNITS[found["unit"]]
            fields[unit] = int(number) if unit in ("samples", "tokens") and number == int(number) else number
        elif spec and "/" not in budget:
            raise UserError(
                f"--cascade: {word!r}: a budget is a number of samples, or a number with tok, s or usd, as in {spec}:64"
            )
        levels.append(fields)
    names = [fields["model"] for fields in levels]
    if len(levels) < 2:
        raise UserError("--cascade: a cascade has at least two models, cheap ones first, as in SMALL:64,LARGE:32")
    if len(set(names)) < len(names):
        raise UserError("--cascade: a model stands there twice; give each once")
    for word in prices:
        spec, _, price = word.rpartition("=")
        if _name(spec) not in names:
            raise UserError(f"--price {word}: no such model in the cascade; it has: {', '.join(names)}")
        try:
            levels[names.index(_name(spec))]["price"] = float(price)
        except ValueError:
            raise UserError(f"--price {word}: {price!r} is no number of US dollars a million tokens") from None
    return tuple(levels)


def _name(spec: str) -> str:
    named = find(spec)
    if named:
        return named.name
    path = Path(spec).expanduser()
    return str(path.absolute()) if spec and path.exists() else spec


def cost_ratio(level: Level, following: Level) -> float | None:
    """What a token of the next model costs in tokens of this one: by their prices, else by their sizes where both are
    models that we name; None where neither is known."""
    if level.price and following.price:
        return following.price / level.price
    sizes = [found.parameters for one in (level, following) if (found := find(one.model))]
    return sizes[1] / sizes[0] if len(sizes) == 2 else None


def vain_samples(ratio: float | None) -> int | None:
    """After so many samples without a survivor the next model is expected to bring one more cheaply; None: never known.
    At least 1: nobody is asked for nothing."""
    if ratio is None:
        return None
    return max(1, math.ceil(sum(PRIOR) * (ratio - 1)))


def early_end(levels: Sequence[Level], number: int, samples: int) -> int | None:
    """The number of samples of a level after which it ends if none of them survived; None where that is not before its
    budget of `samples` ends, and for the last level."""
    if number + 1 >= len(levels):
        return None
    vain = vain_samples(cost_ratio(levels[number], levels[number + 1]))
    return vain if vain is not None and vain < samples else None
