"""The languages that programs may be in, as data. To add one: an entry here, and its syntax in a test."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox import java_source, python2

Level = Literal["fast", "full"]  # how hard a compiler tries: soon done, or a binary that runs fast

_SYSTEM = ("/usr", "/bin")
_MEBIBYTE = 2**20
PYTHON2 = "python2"  # recognised, so that it is refused and not judged as broken Python 3


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
class Runtime:
    """How an interpreter is started on a program.

    argv: its path first. environment: variables besides the usual ones. file_name: what the program is called
    in the scratch directory, its working directory. readable: paths it may read besides the system's
    libraries. address_space_bytes: what it reserves without touching, beyond the memory limit.
    own_memory_bytes: what it takes for itself before the program starts; not counted. allowance_bytes: how
    far it may exceed the limit, when it holds the program to that limit itself. out_of_memory: what it says on
    stderr when the program wanted too much.
    """

    argv: list[str]
    environment: dict[str, str]
    file_name: str
    readable: list[str]
    address_space_bytes: int
    own_memory_bytes: int
    allowance_bytes: int
    out_of_memory: str

    def message(self) -> dict[str, Any]:
        """What a fork server has to know to start it."""
        return {
            "kind": "interpreted",
            "program": self.file_name,
            "argv": self.argv,
            "environment": self.environment,
            "readable": self.readable,
            "slack": self.address_space_bytes,
        }


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What starts a program that is not a native binary.

    commands: looked for on PATH, the first found wins. arguments: `{memory}` stands for the memory limit
    in MiB, `{program}` for the program's file and `{main}` for its main class. In the environment's values,
    `{prefix}` is the directory above the interpreter's. readable: patterns of paths. Other fields: see `Runtime`.
    """

    commands: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    readable: tuple[str, ...] = ()
    address_space_bytes: int = 512 * _MEBIBYTE
    own_memory_bytes: int = 0
    allowance_bytes: int = 0
    out_of_memory: str = ""

    def path(self) -> str | None:
        """The interpreter on PATH; None when there is none."""
        return _find(self.commands)

    def readable_paths(self) -> list[str]:
        """The paths it reads on this machine."""
        return [str(path) for pattern in self.readable for path in Path("/").glob(pattern.lstrip("/"))]


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    suffixes: of its source files. compilers: commands to look for on PATH, the first found wins; empty when
    nothing is compiled. standards: dialect flags with the compiler major version each needs, best first.
    levels: flags for a compiler that can be told how hard to try. flags: further ones. The command line
    is: compiler, level, flags, standard, `-o binary_name source_name`, libraries; `afterwards` is a second
    command, for what a compiler leaves in pieces. interpreter: None when the program is a native binary, or
    Python. names: source text -> its file's name and its main class, when the text decides.
    smallest_program: tried once per sandbox, so that a broken compiler is not taken for broken programs.
    precompiles: whether a header can be compiled beforehand. install: what to advise when something is missing.
    """

    name: str
    source_name: str
    suffixes: tuple[str, ...] = ()
    function_mode: bool = False
    compilers: tuple[str, ...] = ()
    standards: tuple[tuple[int, str], ...] = ()
    levels: tuple[tuple[Level, tuple[str, ...]], ...] = ()
    flags: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    afterwards: tuple[str, ...] = ()
    binary_name: str = "main"
    smallest_program: str = ""
    interpreter: Interpreter | None = None
    names: Callable[[str], tuple[str, str]] | None = None
    precompiles: bool = False
    install: str = ""

    @property
    def compiled(self) -> bool:
        """Whether a program is compiled before it runs."""
        return bool(self.compilers)

    def available(self) -> Availability:
        """Looks for what the language needs on this machine."""
        if self.compiled and self._compiler() is None:
            return Availability(False, f"no {' or '.join(self.compilers)} on PATH")
        if self.afterwards and _find(self.afterwards[:1]) is None:
            return Availability(False, f"no {self.afterwards[0]} on PATH")
        if self.interpreter is not None:
            path = self.interpreter.path()
            if path is None:
                return Availability(False, f"no {' or '.join(self.interpreter.commands)} on PATH")
            return Availability(True, path)
        path = self._compiler()
        if path is None:
            return Availability(True, f"{sys.executable} ({platform.python_version()})")
        version = major_version(path)
        if version is None:
            return Availability(False, f"{path} does not answer -dumpversion")
        return Availability(True, f"{path} (version {version}, {self._standard(version)})")

    def command(self, level: Level = "full", source_name: str = "", extra: tuple[str, ...] = ()) -> list[str]:
        """The compiler's command line, run in a directory that holds `source_name` (default: the language's).

        extra: flags before the source. Raises ToolchainMissing.
        """
        path = self._compiler()
        if path is None or not self.available():
            raise self.missing()
        flags = [*dict(self.levels).get(level, ()), *self.flags]
        if self.standards:
            flags.append(self._standard(major_version(path) or 0))
        source = source_name or self.source_name
        if not self.afterwards:
            return [path, *flags, *extra, "-o", self.binary_name, source, *self.libraries]
        first, second = [path, *flags, *extra, source], [str(_find(self.afterwards[:1])), *self.afterwards[1:]]
        beside = shlex.quote(str(Path(path).parent.parent / "lib"))  # without /proc it does not find its own
        script = f"export LD_LIBRARY_PATH={beside}; {shlex.join(first)} && exec {shlex.join(second)}"
        return ["/bin/sh", "-c", script]

    def missing(self) -> ToolchainMissing:
        """The error that says what is not installed."""
        advice = f"install {self.install} or choose another language"
        return ToolchainMissing(f"cannot run {self.name} programs: {self.available().detail}; {advice}")

    def file_name(self, source: str) -> str:
        """What a program's file has to be called for its compiler."""
        return self.names(source)[0] if self.names else self.source_name

    def runtime(self, source: str, memory_bytes: int) -> Runtime | None:
        """How to start a program under this memory limit; None when it needs no interpreter of its own.

        Raises ToolchainMissing.
        """
        interpreter = self.interpreter
        if interpreter is None:
            return None
        path = interpreter.path()
        if path is None:
            raise self.missing()
        program = self.binary_name if self.compiled else self.source_name
        words = {
            "memory": str(max(1, memory_bytes // _MEBIBYTE)),
            "program": program,
            "main": self.names(source)[1] if self.names else "",
        }
        return Runtime(
            argv=[path, *(argument.format_map(words) for argument in interpreter.arguments)],
            environment={key: value.format(prefix=Path(path).parent.parent) for key, value in interpreter.environment},
            file_name=program,
            readable=interpreter.readable_paths(),
            address_space_bytes=interpreter.address_space_bytes,
            own_memory_bytes=interpreter.own_memory_bytes,
            allowance_bytes=interpreter.allowance_bytes,
            out_of_memory=interpreter.out_of_memory,
        )

    def toolchain_paths(self) -> tuple[str, ...]:
        """Directories the compiler and the interpreter may read and execute from."""
        found = [self._compiler(), self.interpreter.path() if self.interpreter else None]
        paths: list[str] = []
        for path in filter(None, found):
            prefix = Path(path).parent.parent
            if str(prefix) in ("/", "/usr"):
                paths += _SYSTEM
                continue
            # Not the prefix itself: a compiler in ~/bin must not open the home directory.
            parts = [prefix / name for name in ("bin", "conf", "include", "lib", "lib32", "lib64", "libexec")]
            paths += [*_SYSTEM, *map(str, parts), *map(str, prefix.glob("*-linux-*"))]
        if self.interpreter is not None:
            paths += self.interpreter.readable_paths()
        return tuple(dict.fromkeys(paths))

    def _compiler(self) -> str | None:
        return _find(self.compilers)

    def _standard(self, version: int) -> str:
        return next((flag for since, flag in self.standards if version >= since), self.standards[-1][1])


def _find(commands: tuple[str, ...]) -> str | None:
    return _find_on(commands, os.environ.get("PATH", os.defpath))


@functools.lru_cache(maxsize=64)
def _find_on(commands: tuple[str, ...], path: str) -> str | None:
    found = next(filter(None, (shutil.which(command, path=path) for command in commands)), None)
    return os.path.realpath(found) if found else None


@functools.lru_cache(maxsize=16)
def major_version(compiler: str) -> int | None:
    """What a compiler of the GCC family answers to -dumpversion; None when it does not."""
    try:
        answer = subprocess.run(
            [compiler, "-dumpversion"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
        return int(answer.strip().split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


_GCC_LEVELS: tuple[tuple[Level, tuple[str, ...]], ...] = (("fast", ("-O1",)), ("full", ("-O2",)))
_GCC_FLAGS = ("-pipe", "-w", "-fdiagnostics-color=never", "-fmax-errors=5")
_SMALLEST_C = "int main(void) { return 0; }"

# Serial GC and no performance data: a short run starts soonest. Both JIT compilers stay on (the second costs
# nothing at the start, and pays in a long run); the caps keep what the machine reserves within bounds.
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-XX:CompressedClassSpaceSize=64m",
    "-XX:ReservedCodeCacheSize=64m",
)

# The GNU dialects: contest programs use __int128 and friends as full integer types.
_LANGUAGES = {
    language.name: language
    for language in (
        Language(name="python", source_name="main.py", suffixes=(".py", ".py3"), function_mode=True),
        Language(
            name="pypy",
            source_name="main.py",
            interpreter=Interpreter(
                commands=("pypy3",),
                arguments=("-E", "-s", "-S", "-B", "{program}"),
                environment=(("PYPY_GC_NURSERY", "4MB"),),  # else it looks for the cache's size, and complains
                address_space_bytes=1024 * _MEBIBYTE,
                own_memory_bytes=64 * _MEBIBYTE,
                out_of_memory="MemoryError",
            ),
            install="pypy3",
        ),
        Language(
            name="cpp",
            source_name="main.cpp",
            suffixes=(".cpp", ".cc", ".cxx", ".c++", ".cp", ".C"),
            compilers=("g++",),
            standards=((10, "-std=gnu++20"), (8, "-std=gnu++17"), (0, "-std=gnu++14")),
            levels=_GCC_LEVELS,
            flags=_GCC_FLAGS,
            smallest_program=_SMALLEST_C,
            precompiles=True,
            install="g++",
        ),
        Language(
            name="cpp17",
            source_name="main.cpp",
            compilers=("g++",),
            standards=((8, "-std=gnu++17"), (0, "-std=gnu++14")),
            levels=_GCC_LEVELS,
            flags=_GCC_FLAGS,
            smallest_program=_SMALLEST_C,
            precompiles=True,
            install="g++",
        ),
        Language(
            name="c",
            source_name="main.c",
            suffixes=(".c",),
            compilers=("gcc",),
            standards=((8, "-std=gnu17"), (0, "-std=gnu11")),
            levels=_GCC_LEVELS,
            flags=_GCC_FLAGS,
            libraries=("-lm",),
            smallest_program=_SMALLEST_C,
            install="gcc",
        ),
        Language(
            name="java",
            source_name="Main.java",
            suffixes=(".java",),
            compilers=("javac",),
            flags=(
                "-J-XX:+UseSerialGC",
                "-J-XX:TieredStopAtLevel=1",
                "-J-XX:-UsePerfData",
                "-J-Xmx512m",
                *("-encoding", "UTF-8", "-proc:none", "-nowarn", "-XDuseUnsharedTable=true"),
                *("-Xmaxerrs", "5", "-d", "classes"),
            ),
            afterwards=(
                *("jar", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-J-XX:-UsePerfData", "-J-Xmx256m"),
                *("-c", "-0", "-M", "-f", "main.jar", "-C", "classes", "."),
            ),
            binary_name="main.jar",
            smallest_program="class Main { public static void main(String[] a) { } }",
            interpreter=Interpreter(
                commands=("java",),
                arguments=(
                    *_JVM,
                    *("-XX:+ExitOnOutOfMemoryError", "-XX:+DisplayVMOutputToStderr", "-Dfile.encoding=UTF-8"),
                    *("-Xss64m", "-Xmx{memory}m", "-cp", "{program}", "{main}"),
                ),
                environment=(("LD_LIBRARY_PATH", "{prefix}/lib"),),  # without /proc it does not find its own
                readable=("/etc/java-*-openjdk",),
                address_space_bytes=4096 * _MEBIBYTE,
                own_memory_bytes=32 * _MEBIBYTE,
                allowance_bytes=256 * _MEBIBYTE,  # stack, compiled code, collector; -Xmx bounds what is the program's
                out_of_memory="java.lang.OutOfMemoryError",
            ),
            names=java_source.file_and_main,
            install="a JDK",
        ),
    )
}


def languages() -> dict[str, Language]:
    """The languages by name."""
    return dict(_LANGUAGES)


def language_of(path: Path | str, source: str) -> str | None:
    """The name of the language that a source file is in, by its suffix; None for no source file of ours.

    Python 2 is recognised by suffix, `#!` line and syntax, and comes back as "python2", which no sandbox runs.
    """
    suffix = Path(path).suffix
    if suffix == ".py2" or (suffix == ".py" and python2.looks_like(source)):
        return PYTHON2
    for name, language in _LANGUAGES.items():
        if suffix in language.suffixes or (suffix != ".C" and suffix.lower() in language.suffixes):
            return name
    return None
