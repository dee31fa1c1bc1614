"""Compiles programs of one language as fast as this machine can: precompiled headers, the fastest linker that works.

Everything here is trusted text, our commands and what they made; the programs themselves are only passed on. Every
speed-up is tried on a trivial program first and dropped when it does not work here. A compilation with
precompiled headers that fails for another reason than errors in the text (a crash, a limit, the linker) is repeated
without them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sandbox import headers, names
from sandbox.cache import header_directory
from sandbox.languages import Language, Level, ToolchainMissing
from sandbox.types import Outcome, Verdict

# Best first, as measured: linking a small program takes these 9, 17 and 50 ms, the default linker 55.
_LINKERS = (("mold", "-fuse-ld=mold"), ("ld.gold", "-fuse-ld=gold"), ("ld.lld", "-fuse-ld=lld"))
_KEPT_HEADERS = 8
_USES_HEADERS = "int main() { std::vector<int> v; return (int)v.size(); }\n"


@dataclasses.dataclass(frozen=True, slots=True)
class CompileJob:
    """One source and the commands to try on it in turn, until one succeeds; the last one's message counts.

    files: what lies beside it, by name.
    """

    source: bytes
    source_name: str
    commands: list[list[str]]
    result_name: str
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)


Run = Callable[[CompileJob, Path], Coroutine[Any, Any, Outcome]]


class Compiler:
    """One language's compiler, in one open sandbox.

    run: does a job confined, and leaves the result at a path. workspace: a private directory for what is passing.
    """

    def __init__(self, language: Language, run: Run, workspace: Path) -> None:
        self._language = language
        self._run = run
        self._workspace = workspace
        self._lock = asyncio.Lock()
        self._works = False
        self._linker: tuple[str, ...] = ()
        self._headers: dict[Level, Path | None] = {}
        self._names: dict[str, frozenset[str] | None] = {}
        self._temporaries = 0

    async def compile(self, source: str, files: dict[str, bytes], level: Level, path: Path) -> Outcome:
        """The program's binary at `path`. OK, CE or IE. Raises ToolchainMissing.

        files: what lies beside the source; those that are sources are compiled with it.
        """
        await self.prepare()
        return await self._run(await self._job(source, files, level), path)

    async def prepare(self) -> None:
        """Makes sure, once, that the compiler works at all. Raises ToolchainMissing."""
        async with self._lock:
            if not self._works:
                command = self._language.command()
                tried = await self._try(self._language.smallest_program, command)
                if tried.verdict is Verdict.CE:
                    reason = " ".join(tried.stderr.split())[:200]
                    raise ToolchainMissing(f"{command[0]} does not work inside the sandbox: {reason}")
                if tried.verdict is Verdict.OK:
                    await self._choose_linker()
                    self._works = True

    async def _job(self, source: str, files: dict[str, bytes], level: Level) -> CompileJob:
        language = self._language
        name = language.file_name(source)
        further = tuple(file for file in files if file.endswith(language.suffixes))
        commands = [language.command(level, name, (*self._linker, *further))]
        included = headers.includes(source) if language.precompiles and not files else None
        if included is not None:
            async with self._lock:
                directory = await self._precompiled(level)
                if directory is not None and await self._serves(included):
                    commands.insert(0, language.command(level, name, (*using(directory), *self._linker)))
        return CompileJob(source.encode("utf-8", "surrogatepass"), name, commands, language.binary_name, files)

    async def _choose_linker(self) -> None:
        if not self._language.standards:
            return
        for program, flag in _LINKERS:
            if any(Path(directory, program).exists() for directory in ("/usr/bin", "/bin")):
                tried = await self._try(self._language.smallest_program, self._language.command(extra=(flag,)))
                if tried.verdict is Verdict.OK:
                    self._linker = (flag,)
                    return

    async def _serves(self, included: headers.Includes) -> bool:
        core, own = await self._declared(headers.CORE), await self._declared(included.text)
        return core is not None and own is not None and headers.served(included, core, own)

    async def _declared(self, text: str) -> frozenset[str] | None:
        """The names that a list of includes declares; None when it does not even preprocess."""
        if text not in self._names:
            directory = precompiled_directory(self._language, "full")
            kept = names.load(directory, text)
            self._names[text] = kept if kept is not None else await self._scan(text)
            if kept is None:
                names.save(directory, text, self._names[text])
        return self._names[text]

    async def _scan(self, text: str) -> frozenset[str] | None:
        command = [*self._language.command(source_name="names.hpp"), "-E", "-dD"]
        command[command.index("-o") + 1] = "names.txt"
        path = self._temporary()
        made = await self._run(CompileJob(text.encode(), "names.hpp", [command], "names.txt"), path)
        found = None
        if made.verdict is Verdict.OK:
            found = await asyncio.to_thread(lambda: headers.declared(path.read_text("utf-8", "replace")))
        path.unlink(missing_ok=True)
        return found

    async def _precompiled(self, level: Level) -> Path | None:
        """The directory with the precompiled core for a level, made when it is not there; None without one."""
        if level not in self._headers:
            self._headers[level] = await self._precompile(level)
        return self._headers[level]

    async def _precompile(self, level: Level) -> Path | None:
        directory = precompiled_directory(self._language, level)
        if directory is None:
            return None
        made = directory / f"{headers.CORE_NAME}.gch"
        if not (kept := made.exists()):
            # Whoever finishes last wins: all make the same, and a rename replaces it at once.
            (directory / headers.ALL).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            for name, text in ((headers.CORE_NAME, headers.CORE), (headers.ALL, "")):
                (directory / name).write_text(text)
            command = [*self._language.command(level, headers.CORE_NAME), "-x", "c++-header"]
            output = command.index("-o")
            command = [*command[:output], "-x", "c++-header", "-o", made.name, headers.CORE_NAME]
            done = await self._run(CompileJob(headers.CORE.encode(), headers.CORE_NAME, [command], made.name), made)
            if done.verdict is not Verdict.OK:
                return None
            _forget_old(directory.parent)
        os.utime(directory)
        works = self._language.command(level, extra=(*using(directory), "-Winvalid-pch", "-Werror=invalid-pch"))
        works.remove("-w")
        tried = await self._try(_USES_HEADERS, works)
        if tried.verdict is Verdict.OK:
            return directory
        if kept:
            made.unlink(missing_ok=True)  # damaged, perhaps: the next sandbox makes it anew
        return None

    async def _try(self, source: str, command: list[str]) -> Outcome:
        path = self._temporary()
        name = self._language.source_name
        done = await self._run(CompileJob(source.encode(), name, [command], self._language.binary_name), path)
        path.unlink(missing_ok=True)
        return done

    def _temporary(self) -> Path:
        self._temporaries += 1
        return self._workspace / f"{self._language.name}-{self._temporaries}"


def precompiled_directory(language: Language, level: Level) -> Path | None:
    """Where this compiler's precompiled core for a level belongs, made or not; None where nothing can be kept.

    Raises ToolchainMissing.
    """
    cache = header_directory()
    command = language.command(level)
    seen: list[tuple[str, int, int]] = []
    for path in (command[0], "/usr/include/stdio.h", "/usr/include/features.h"):
        try:
            status = Path(path).stat()
            seen.append((path, status.st_size, status.st_mtime_ns))
        except OSError:
            seen.append((path, 0, 0))
    text = json.dumps([command, seen, language.available().detail, headers.CORE])
    return cache and cache / hashlib.sha256(text.encode()).hexdigest()[:32]


def using(directory: Path) -> tuple[str, ...]:
    """The flags that make a compiler read the precompiled core in a directory first."""
    # bits/stdc++.h there is empty: what it would include has been read already, or is not wanted.
    return "-I", str(directory), "-include", str(directory / headers.CORE_NAME)


def _forget_old(cache: Path) -> None:
    """Removes all but the most recently used precompiled headers."""
    found = sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for directory in found[:-_KEPT_HEADERS]:
        for path in (directory / f"{headers.CORE_NAME}.gch", directory / headers.CORE_NAME, directory / headers.ALL):
            path.unlink(missing_ok=True)
        names.forget(directory)
        (directory / headers.ALL).parent.rmdir()
        directory.rmdir()
