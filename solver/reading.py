"""The program in a sample, with its key; answers that have just been read are remembered, since models repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from solver.extract import extract
from solver.normalise import program_key
from solver.problem import Problem
from solver.samplers import Sample

_REMEMBERED = 4096
_REMEMBERED_CHARS = 4096  # of one answer: 16 million characters in all


@dataclass(frozen=True, slots=True)
class ProgramRead:
    key: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer came to: the reason of `solver.extract` or `no_toolchain`, and its program if it can run here."""

    reason: str
    program: ProgramRead | None


class AnswerReader:
    """Reads the answers to one problem. runnable: languages that run here."""

    def __init__(self, problem: Problem, runnable: frozenset[str]) -> None:
        self._problem = problem
        self._runnable = runnable
        self._remembered = lru_cache(_REMEMBERED)(self._read)

    def read(self, sample: Sample) -> Reading:
        read = self._remembered if len(sample.text) <= _REMEMBERED_CHARS else self._read
        return read(sample.text, sample.finish_reason, sample.language)

    def _read(self, text: str, finish_reason: str, language: str) -> Reading:
        extraction = extract(
            text,
            finish_reason=finish_reason,
            wanted_language=language,
            mode=self._problem.mode,
            entry_point=self._problem.entry_point,
            starter_code=self._problem.starter_code,
        )
        if extraction.source is None or extraction.language is None:
            return Reading(extraction.reason.value, None)
        if extraction.language not in self._runnable:
            return Reading("no_toolchain", None)
        key = program_key(extraction.source, extraction.language, extraction.normalised)
        return Reading(extraction.reason.value, ProgramRead(key, extraction.language, extraction.source))
