"""The data sets by name: where they are by default, and which kinds of record they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from eval.datasets.contests import APPS, CODE_CONTESTS, TACO
from eval.datasets.family import Family
from eval.datasets.functions import HUMANEVAL, LEETCODE, LIVECODEBENCH, MBPP
from eval.datasets.own import OWN

# As solve's own formats are tried: the first that recognises a record's columns is meant.
ALL_FAMILIES = (OWN, CODE_CONTESTS, LIVECODEBENCH, LEETCODE, TACO, APPS, HUMANEVAL, MBPP)


@dataclass(frozen=True, slots=True)
class Hub:
    """A data set's place on the Hugging Face hub.

    files: patterns by split, for repositories that name none themselves (those with a loading script, which `datasets`
    no longer runs). format: what its files are in, by `datasets`' name; needed with `files`, and for Parquet, of which
    single columns can be read.
    """

    repository: str
    config: str | None = None
    files: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    format: str = ""


@dataclass(frozen=True, slots=True)
class DataSet:
    """families: the kinds of record that it may hold. hub: None: there is no default place."""

    families: tuple[Family, ...]
    hub: Hub | None = None
    split: str = "test"

    @property
    def has_solutions(self) -> bool:
        """Whether its problems may have reference solutions; folders of packages may."""
        return not self.families or any(family.solution_columns for family in self.families)


_LIVECODEBENCH_FILES = ("test.jsonl", *(f"test{number}.jsonl" for number in range(2, 7)))

DATA_SETS: Mapping[str, DataSet] = MappingProxyType(
    {
        "code_contests": DataSet((CODE_CONTESTS,), Hub("deepmind/code_contests", format="parquet")),
        "apps": DataSet(
            (APPS,),
            Hub("codeparrot/apps", files={"train": ("train.jsonl",), "test": ("test.jsonl",)}, format="json"),
        ),
        "humaneval": DataSet((HUMANEVAL,), Hub("openai/openai_humaneval", format="parquet")),
        "humaneval_plus": DataSet((HUMANEVAL,), Hub("evalplus/humanevalplus", format="parquet")),
        "mbpp": DataSet((MBPP,), Hub("google-research-datasets/mbpp", "full", format="parquet")),
        "mbpp_plus": DataSet((MBPP,), Hub("evalplus/mbppplus", format="parquet")),
        "leetcode": DataSet((LEETCODE,), Hub("newfacade/LeetCodeDataset")),
        "livecodebench": DataSet(
            (LIVECODEBENCH,),
            Hub("livecodebench/code_generation_lite", files={"test": _LIVECODEBENCH_FILES}, format="json"),
        ),
        "taco": DataSet(
            (TACO,),
            Hub("BAAI/TACO", files={"train": ("train/*.arrow",), "test": ("test/*.arrow",)}, format="arrow"),
        ),
        "kattis": DataSet(()),
        "jsonl": DataSet(ALL_FAMILIES),
    }
)
