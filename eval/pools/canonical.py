"""One text for values that compare equal in Python: what a call returned, or what a test expects.

This file's text is also put in front of the program that makes calls inside the sandbox, so it imports next to nothing.
"""

import json

MAX_CHARS = 4000


def canonical(value: object, digits: int = 10) -> str:
    """True, 1 and 1.0 are the same text, and so are floats that agree in `digits` significant digits and sets or dicts
    in any order. Raises RecursionError for values that hold themselves."""
    if value is None:
        return "None"
    if isinstance(value, (bool, int)):
        return str(int(value))
    if isinstance(value, float):
        text = f"{value:.{digits}g}"
        if value == value and value not in (float("inf"), float("-inf")):
            value = float(text)
            return str(int(value)) if value == int(value) and abs(value) < 1e15 else text
        return text
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items = sorted(f"{canonical(k, digits)}: {canonical(v, digits)}" for k, v in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(canonical(item, digits) for item in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(canonical(item, digits) for item in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(canonical(item, digits) for item in value) + "]"
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return canonical(value.item(), digits)  # type: ignore[attr-defined]
    return f"<{type(value).__name__}>"
