"""Which problems of which data set: plain data, as `bench.json` keeps it."""

from __future__ import annotations

import datetime
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from eval.datasets.registry import DATA_SETS
from eval.task import About

_RATING = re.compile(r"(?P<low>\d*)(?P<dash>-?)(?P<high>\d*)")


class DatasetSpec(BaseModel):
    """A data set and what of it is wanted.

    Filters that are given must all hold; what a record does not say (its rating, its date) meets no filter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(description="One of the known data sets (`eval.datasets.DATA_SETS`).")]
    path: Annotated[
        str, Field(description="A hub id, or a local file or folder; empty: the data set's own hub id.")
    ] = ""
    split: Annotated[str, Field(description="Empty: the data set's usual one.")] = ""
    limit: Annotated[int | None, Field(ge=1, description="This many problems, skipped ones not counted.")] = None
    ids: Annotated[tuple[str, ...], Field(description="Only these: names, ids, or CodeContests' `1575_B`.")] = ()
    difficulty: Annotated[tuple[str, ...], Field(description="Any of these, as the data set words it.")] = ()
    rating: Annotated[str, Field(description="`1200-1600`, `2000-`, `-1200` or `1500`; both ends included.")] = ""
    tag: Annotated[tuple[str, ...], Field(description="At least one of these.")] = ()
    source: Annotated[tuple[str, ...], Field(description="Any of these sites: `codeforces`, `atcoder`, ...")] = ()
    since: Annotated[datetime.date | None, Field(description="This day or later.")] = None
    until: Annotated[datetime.date | None, Field(description="This day or earlier.")] = None
    shard: Annotated[
        tuple[int, int] | None, Field(description="(I, N): every N-th problem, from number I; all together are all.")
    ] = None
    seed: Annotated[int | None, Field(description="With `limit`: a random sample, the same for the same seed.")] = None
    allow_repeats: Annotated[
        bool, Field(description="Keep problems whose hidden tests all repeat an example: they show nothing new.")
    ] = False
    allow_untested: Annotated[
        bool, Field(description="Keep problems that nothing judges, as tasks without tests; repeats are dropped.")
    ] = False

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in DATA_SETS:
            raise ValueError(f"unknown data set {name[:40]!r}; known: {', '.join(DATA_SETS)}")
        return name

    @field_validator("shard")
    @classmethod
    def _one_of(cls, shard: tuple[int, int] | None) -> tuple[int, int] | None:
        if shard is not None and not 0 <= shard[0] < shard[1]:
            raise ValueError(f"shard {shard[0]}/{shard[1]}: of N shards the first is 0/N and the last is N-1/N")
        return shard

    @field_validator("rating")
    @classmethod
    def _is_range(cls, rating: str) -> str:
        found = _RATING.fullmatch(rating)
        if rating and (found is None or rating == "-"):
            raise ValueError(f"a rating is `1200-1600`, `2000-`, `-1200` or `1500`, not {rating[:40]!r}")
        return rating

    def wants(self, about: About) -> bool:
        """Whether a problem passes the filters (`ids` and `limit` aside)."""
        return (
            _any_of(self.difficulty, (about.difficulty,))
            and _any_of(self.tag, about.tags)
            and _any_of(self.source, (about.source,))
            and self._rated(about.rating)
            and self._dated(about.date)
        )

    def _rated(self, rating: int | None) -> bool:
        found = _RATING.fullmatch(self.rating)
        if not self.rating or found is None:
            return True
        if rating is None:
            return False
        low = int(found["low"] or 0)
        high = int(found["high"]) if found["high"] else float("inf") if found["dash"] else low
        return low <= rating <= high

    def _dated(self, day: str) -> bool:
        if self.since is None and self.until is None:
            return True
        since, until = self.since or datetime.date.min, self.until or datetime.date.max
        return bool(day) and since.isoformat() <= day <= until.isoformat()


def _any_of(wanted: tuple[str, ...], found: tuple[str, ...]) -> bool:
    return not wanted or not {word.lower() for word in wanted}.isdisjoint(word.lower() for word in found)
