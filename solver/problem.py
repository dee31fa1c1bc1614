"""The problem as the engine sees it: a statement, examples and limits, and no field for hidden tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox import CheckerSpec, Limits, Program

DEFAULT_TIME_LIMIT_SECONDS = 2.0
DEFAULT_MEMORY_LIMIT_BYTES = 256 * 2**20


class Example(BaseModel):
    """One public example. In function mode `input` is the argument text of a call (`[2, 3], k=5`) and
    `output` the expected value as a Python literal."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: str
    output: str


class Problem(BaseModel):
    """A programming problem in codesieve's own JSON format (`solve schema` prints its JSON Schema)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["codesieve-problem/1"] = "codesieve-problem/1"
    name: Annotated[str, Field(min_length=1, description="Short unique name, as shown in reports.")]
    statement: Annotated[str, Field(min_length=1, description="What the model reads; plain text or Markdown.")]
    examples: list[Example] = Field(default_factory=list, description="Public examples, in statement order.")
    mode: Literal["stdio", "file", "function"] = "stdio"
    entry_point: str = Field("", description="Function mode: `f` or `Solution().f`.")
    starter_code: str = Field("", description="Function mode: signature or stub the program must complete.")
    input_file: str = Field("", description="File mode: name of the file the program reads.")
    output_file: str = Field("", description="File mode: name of the file the program writes.")
    time_limit_seconds: Annotated[float, Field(gt=0, le=600)] = DEFAULT_TIME_LIMIT_SECONDS
    memory_limit_bytes: Annotated[int, Field(ge=2**24, le=2**40)] = DEFAULT_MEMORY_LIMIT_BYTES
    checker: CheckerSpec = Field(default_factory=CheckerSpec, description="How an output is compared.")
    source: str = Field("", description="Where the problem comes from, e.g. `code_contests`.")
    difficulty: str = ""
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Problem:
        if self.mode == "function" and not self.entry_point:
            raise ValueError("function mode needs `entry_point`")
        if self.mode == "file" and not (self.input_file or self.output_file):
            raise ValueError("file mode needs `input_file` or `output_file`")
        return self

    def limits(self, time_factor: float = 1.0) -> Limits:
        return Limits(cpu_seconds=self.time_limit_seconds * time_factor, memory_bytes=self.memory_limit_bytes)

    def program(self, language: str, source: str, files: tuple[tuple[str, str], ...] = ()) -> Program:
        """A program as the problem's mode runs it. files: (name, text) of what lies beside it."""
        return Program(language, source, self.mode, self.entry_point, self.input_file, self.output_file, files)
