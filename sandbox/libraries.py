"""Third-party modules that programs may import when they are installed here, as on most contest sites.

They are loaded once by a fork server of their own, which only programs that mention one of them get to use: the
server of all other programs stays small, and so does each fork of it.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

import msgspec

_NAMES = ("numpy", "sortedcontainers")
_PLAIN_NAMES = tuple(name.encode() for name in _NAMES)
_MENTION = re.compile(rb"^[ \t]*(?:import|from)[ \t]+[^#\n]*\b(?:" + "|".join(_NAMES).encode() + rb")\b", re.MULTILINE)


class Library(msgspec.Struct, frozen=True):
    """An installed module. directory: what `sys.path` needs. paths: what of it programs may read."""

    module: str
    directory: str
    paths: list[str]


@functools.cache
def installed_libraries() -> tuple[Library, ...]:
    """Those of the known modules that this environment has."""
    found = []
    for name in _NAMES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        package = Path(next(iter(spec.submodule_search_locations))).resolve()
        shared = package.parent / f"{name}.libs"  # where wheels keep the shared objects they bring
        paths = [str(path) for path in (package, shared) if path.is_dir()]
        found.append(Library(name, str(package.parent), paths))
    return tuple(found)


def mentions_library(source: bytes) -> bool:
    """Whether a program may want one of the known modules; a wrong yes costs time, nothing else."""
    return any(name in source for name in _PLAIN_NAMES) and _MENTION.search(source) is not None
