"""The languages that programs may be in, as data. To add one: an entry here, and its syntax in a test."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_SYSTEM = ("/usr", "/bin")


class ToolchainMissing(RuntimeError):
    """The program's language is unknown, or its compiler is not installed. The message is one line."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether programs of a language can run here. detail: the compiler's path and version, or why not."""

    ok: bool
    detail: str

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    compilers: commands to look for on PATH, the first found wins; empty for an interpreted language.
    standards: dialect flags with the compiler major version each needs, best first.
    flags: further flags; `source_name` and `-o binary_name` follow them.
    source_suffixes: of a program's further files, those that are compiled with it.
    smallest_program: tried once per sandbox, so that a broken compiler is not taken for broken programs.
    """

    name: str
    source_name: str
    function_mode: bool = False
    compilers: tuple[str, ...] = ()
    standards: tuple[tuple[int, str], ...] = ()
    flags: tuple[str, ...] = ()
    binary_name: str = "main"
    smallest_program: str = ""
    source_suffixes: tuple[str, ...] = ()

    @property
    def compiled(self) -> bool:
        """Whether a program is compiled to a binary before it runs."""
        return bool(self.compilers)

    def available(self) -> Availability:
        """Looks for what the language needs on this machine."""
        if not self.compiled:
            return Availability(True, f"{sys.executable} ({platform.python_version()})")
        path = self._compiler()
        if path is None:
            return Availability(False, f"no {' or '.join(self.compilers)} on PATH")
        version = _major_version(path)
        if version is None:
            return Availability(False, f"{path} does not answer -dumpversion")
        return Availability(True, f"{path} (version {version}, {self._standard(version)})")

    def command(self) -> list[str]:
        """The compiler's command line, run in a directory that holds `source_name`.

        Raises ToolchainMissing.
        """
        path = self._compiler()
        version = _major_version(path) if path else None
        if path is None or version is None:
            raise ToolchainMissing(
                f"cannot run {self.name} programs: {self.available().detail}; install g++ or choose another language"
            )
        return [path, *self.flags, self._standard(version), "-o", self.binary_name, self.source_name]

    def toolchain_paths(self) -> tuple[str, ...]:
        """Directories the compiler may read and execute from."""
        path = self._compiler()
        if path is None:
            return ()
        prefix = Path(path).parent.parent
        if str(prefix) in ("/", "/usr"):
            return _SYSTEM
        # Not the prefix itself: a compiler in ~/bin must not open the home directory.
        parts = [prefix / name for name in ("bin", "include", "lib", "lib32", "lib64", "libexec")]
        return (*_SYSTEM, *map(str, parts), *map(str, prefix.glob("*-linux-*")))

    def _compiler(self) -> str | None:
        return _find(self.compilers, os.environ.get("PATH", os.defpath))

    def _standard(self, version: int) -> str:
        return next((flag for since, flag in self.standards if version >= since), self.standards[-1][1])


@functools.lru_cache(maxsize=16)
def _find(commands: tuple[str, ...], path: str) -> str | None:
    found = next(filter(None, (shutil.which(command, path=path) for command in commands)), None)
    return os.path.realpath(found) if found else None


@functools.lru_cache(maxsize=16)
def _major_version(compiler: str) -> int | None:
    try:
        answer = subprocess.run(
            [compiler, "-dumpversion"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
        return int(answer.strip().split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


_LANGUAGES = {
    language.name: language
    for language in (
        Language(name="python", source_name="main.py", function_mode=True),
        Language(
            name="cpp",
            source_name="main.cpp",
            compilers=("g++",),
            # The GNU dialects: contest programs use __int128 and friends as full integer types.
            standards=((10, "-std=gnu++20"), (8, "-std=gnu++17"), (0, "-std=gnu++14")),
            flags=("-O2", "-pipe", "-w", "-fdiagnostics-color=never", "-fmax-errors=5"),
            smallest_program="int main() { return 0; }",
            source_suffixes=(".cpp", ".cc", ".cxx", ".c++", ".C", ".c"),
        ),
    )
}


def languages() -> dict[str, Language]:
    """The languages by name."""
    return dict(_LANGUAGES)
