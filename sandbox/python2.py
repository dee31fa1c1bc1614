"""Tells Python 2 sources from Python 3 ones, so that old files are reported and not judged as broken.

A guess from the text alone: nothing is compiled or run, since the text is not trusted.
"""

from __future__ import annotations

import re

_SHEBANG = re.compile(r"#!.*\bpython2(\.\d+)?\b")
_HARMLESS = re.compile(
    r"""#[^\n]*|(?s:\"\"\".*?\"\"\"|'''.*?''')|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
)
_ONLY_IN_2 = re.compile(
    r"""
      ^[ \t]*(?:[^\n]*:[ \t]*|[^\n]*;[ \t]*)?print[ \t]+(?!=)[^\s=(.,:\])]  # a print statement
    | ^[ \t]*(?:[^\n:]*:[ \t]*)?print[ \t]*>>
    | ^[ \t]*print[ \t]*$
    | ^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:
    | ^[ \t]*raise[ \t]+[\w.]+[ \t]*,
    | ^[ \t]*exec[ \t]+[^\s=(.,:]
    | \b(?:raw_input|xrange|unicode|iteritems|itervalues|has_key)[ \t]*\(
    | <>
    | (?<![\w.])0+[1-7][0-7]*(?![\w.])
    | `
    """,
    re.MULTILINE | re.VERBOSE,
)
_DEFINES_OLD_NAME = re.compile(
    r"\b(?:def|import|as)[ \t]+(?:raw_input|xrange|unicode|iteritems|itervalues|has_key)\b"
    r"|\b(?:raw_input|xrange|unicode)[ \t]*="
)


def looks_like(source: str) -> bool:
    """Whether a source runs under Python 2 only, as far as one can tell from its text."""
    if _SHEBANG.match(source):
        return True
    code = _HARMLESS.sub("''", source)
    return bool(_ONLY_IN_2.search(code)) and not _DEFINES_OLD_NAME.search(code)
