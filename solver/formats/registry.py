"""The formats, in the order in which they are tried. To add one, write its file and add a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from solver.formats import (
    apps,
    codecontests,
    humaneval,
    kattis,
    leetcode,
    livecodebench,
    mbpp,
    native,
    taco,
)
from solver.formats.fields import Record
from solver.problem import Problem


class RecordFormat(NamedTuple):
    """`recognises` looks at keys only and never raises; `convert` raises BadRecord."""

    name: str
    recognises: Callable[[Record], bool]
    convert: Callable[[Record], Problem]


class DirectoryFormat(NamedTuple):
    """`convert` raises BadRecord or UserError."""

    name: str
    recognises: Callable[[Path], bool]
    convert: Callable[[Path], Problem]


RECORD_FORMATS = (
    RecordFormat("codesieve", native.recognises, native.convert),
    RecordFormat("CodeContests", codecontests.recognises, codecontests.convert),
    RecordFormat("LiveCodeBench", livecodebench.recognises, livecodebench.convert),
    RecordFormat("LeetCodeDataset", leetcode.recognises, leetcode.convert),
    RecordFormat("TACO", taco.recognises, taco.convert),
    RecordFormat("APPS", apps.recognises, apps.convert),
    RecordFormat("HumanEval", humaneval.recognises, humaneval.convert),
    RecordFormat("MBPP", mbpp.recognises, mbpp.convert),
    RecordFormat("AlphaCodium", codecontests.recognises_alphacodium, codecontests.convert_alphacodium),
)

DIRECTORY_FORMATS = (
    DirectoryFormat("APPS", apps.recognises_directory, apps.convert_directory),
    DirectoryFormat("Kattis", kattis.recognises_directory, kattis.convert_directory),
)
