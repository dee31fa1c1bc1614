"""Programs that come as a file or as a directory of files: their language, main file and the files beside it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sandbox import language_of, languages
from solver.errors import UserError

MAX_SOURCE_BYTES = 16 * 2**20  # of one program, all files together

_HEADERS = (".h", ".hh", ".hpp", ".hxx")
_MAIN = re.compile(r"main\.[^.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A program's text. files: name -> content of what lies beside `main`, headers and modules included.

    language is one of ours, or the name of one that cannot run here, or "" when it is no program at all.
    """

    language: str
    main: str
    text: str
    files: tuple[tuple[str, str], ...] = ()


def runnable(language: str) -> str:
    """Why programs in this language cannot run here; "" when they can."""
    if not language:
        return "no source file in a known language"
    known = languages().get(language)
    if known is None:
        return f"language {language} is not supported"
    available = known.available()
    return "" if available else available.detail


def read_source(path: Path, include: Path | None = None) -> Source:
    """The program in a file or directory; headers beside a single file come along. Raises UserError.

    include: a package's `include/` directory, whose `default/` and LANGUAGE/ files are added.
    """
    try:
        names = _names(path)
        language, main = _main(path, names)
        if language not in languages():
            return Source(language, main, "")
        root = path if path.is_dir() else path.parent
        files = {name: root / name for name in names if name != main}
        for folder in ("default", language):
            files |= _included(include, folder)
        if sum(file.stat().st_size for file in (root / main, *files.values())) > MAX_SOURCE_BYTES:
            raise UserError(f"{path} holds more than {MAX_SOURCE_BYTES // 2**20} MB of source")
        wanted = {name: file for name, file in sorted(files.items()) if name != main and _belongs(name, language)}
        if deep := next((name for name in wanted if name.count("/") > 1), ""):
            raise UserError(f"{path}: {deep} is nested too deeply; sources may lie in one further directory")
        return Source(language, main, _text(root / main), tuple((name, _text(file)) for name, file in wanted.items()))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None


def _names(path: Path) -> list[str]:
    """Files of the program, relative to its directory, in order."""
    if path.is_dir():
        return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())
    headers = [file.name for file in path.parent.iterdir() if file.suffix in _HEADERS and file.is_file()]
    return [path.name, *sorted(headers)]


def _main(path: Path, names: list[str]) -> tuple[str, str]:
    """The language that most files are in, and its first file, `main.*` before others."""
    root = path if path.is_dir() else path.parent
    found = {name: _language_of(root / name) for name in names}
    counts = Counter(language for language in found.values() if language)
    if not counts:
        return "", path.name
    language = min(counts, key=lambda name: (-counts[name], name))
    sources = [name for name in names if found[name] == language]
    return language, min(sources, key=lambda name: (not _MAIN.fullmatch(name), name))


def _language_of(file: Path) -> str:
    return language_of(file, _text(file) if file.suffix == ".py" else "") or ""


def _included(include: Path | None, folder: str) -> dict[str, Path]:
    if include is None or not (include / folder).is_dir():
        return {}
    root = include / folder
    return {str(file.relative_to(root)): file for file in root.rglob("*") if file.is_file()}


def _belongs(name: str, language: str) -> bool:
    """Whether a file beside the main one is part of the program; binaries and notes are not."""
    headers = _HEADERS if language in ("c", "cpp") else ()
    return name.endswith((*languages()[language].suffixes, *headers))


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        content = stream.read(MAX_SOURCE_BYTES + 1)
    if len(content) > MAX_SOURCE_BYTES:
        raise UserError(f"{file} holds more than {MAX_SOURCE_BYTES // 2**20} MB of source")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # old sources with names in comments
