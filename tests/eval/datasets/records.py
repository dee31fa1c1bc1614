"""Records as the public data sets have them, written for these tests, and files to put them in."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

Record = dict[str, Any]

CANARY = "canary-7f3a"


def code_contests(name: str = "1_A. Double", **changes: Any) -> Record:
    """Asks for the double of a number."""
    return {
        "name": name,
        "description": "Print the double of the number.",
        "public_tests": {"input": ["1\n"], "output": ["2\n"]},
        "private_tests": {"input": ["20\n"], "output": ["40\n"]},
        "generated_tests": {"input": ["-3\n"], "output": ["-6\n"]},
        "source": 2,
        "difficulty": 7,
        "solutions": {"language": [1, 2, 3, 4], "solution": ["print 2", "int main(){}", "print(2)", "class A{}"]},
        "incorrect_solutions": {"language": [], "solution": []},
        "cf_contest_id": 1,
        "cf_index": "A",
        "cf_points": 0.0,
        "cf_rating": 1200,
        "cf_tags": ["math"],
        "time_limit": {"seconds": 1, "nanos": 500_000_000},
        "memory_limit_bytes": 256_000_000,
        "input_file": "",
        "output_file": "",
        **changes,
    }


def apps(number: int = 7, tests: object = None, **changes: Any) -> Record:
    """As `code_contests`. tests: what `input_output` holds; text is taken as it is."""
    found = {"inputs": ["20\n"], "outputs": ["40\n"]} if tests is None else tests
    return {
        "problem_id": number,
        "question": "Print the double.\n\n-----Examples-----\nInput\n1\n\nOutput\n2\n",
        "solutions": json.dumps(["print(2 * int(input()))", "print 2 * input()"]),
        "input_output": found if isinstance(found, str) else json.dumps(found),
        "difficulty": "interview",
        "url": "https://codeforces.com/problemset/problem/1/A",
        "starter_code": "",
        **changes,
    }


def taco(**changes: Any) -> Record:
    record = apps()
    del record["problem_id"]
    extra = {
        "name": None,
        "source": "codechef",
        "difficulty": "MEDIUM_HARD",
        "raw_tags": "['a']",
        "tags": "['Sorting', 'Greedy algorithms']",
        "skill_types": "['Sorting']",
        "date": "2020-03-04",
        "time_limit": "1.5 seconds",
        "memory_limit": "64 megabytes",
        "picture_num": None,
    }
    return {**record, **extra, **changes}


def humaneval(**changes: Any) -> Record:
    """The test needs a helper that only the prompt defines."""
    return {
        "task_id": "HumanEval/900",
        "prompt": "def half(x):\n    return x / 2\n\n\n"
        'def double(x):\n    """Doubles x.\n    >>> double(1)\n    2\n    """\n',
        "entry_point": "double",
        "canonical_solution": "    return 2 * x\n",
        "test": "def check(candidate):\n    assert half(candidate(20)) == 20\n    assert candidate(-3) == -6\n",
        **changes,
    }


def mbpp(**changes: Any) -> Record:
    return {
        "task_id": 900,
        "text": "Write a function that doubles a number.",
        "code": "def double(x):\n    return 2 * x\n",
        "test_list": ["assert double(1) == 2", "assert double(-3) == -6", f"assert double('{CANARY}') != 1"],
        "test_setup_code": "",
        "challenge_test_list": [],
        **changes,
    }


def mbpp_plus(**changes: Any) -> Record:
    """Zero breaks the contract; the value's truth is not all that counts."""
    return {
        "task_id": "Mbpp/901",
        "prompt": '"""\nWrite a function that doubles a number.\nassert double(1) == 2\n"""\n',
        "entry_point": "double",
        "canonical_solution": "\ndef double(x):\n    return 2 * x\n",
        "base_input": [[1], [20]],
        "plus_input": [[-3], [0]],
        "contract": '\n    assert x != 0, "invalid inputs"\n',
        "assertion": "\nassert double(1) == 2\n",
        "atol": 0,
        **changes,
    }


def leetcode(**changes: Any) -> Record:
    return {
        "task_id": "double-a-number",
        "question_id": 900,
        "difficulty": "Easy",
        "tags": ["Math"],
        "problem_description": "Return the double.\n\nExample 1:\n\nInput: x = 1\nOutput: 2\n",
        "starter_code": "class Solution:\n    def double(self, x: int) -> int:\n        ",
        "estimated_date": "2024-08-04",
        "prompt": "import math\n",
        "completion": "class Solution:\n    def double(self, x: int) -> int:\n        return 2 * x\n",
        "entry_point": "Solution().double",
        "test": "def check(candidate):\n    assert candidate(x = 20) == int(math.sqrt(1600))\n",
        **changes,
    }


def livecodebench(tests: object = None, *, packed: bool = True, **changes: Any) -> Record:
    found = [{"input": "20\n", "output": "40\n", "testtype": "stdin"}] if tests is None else tests
    text = json.dumps(found)
    return {
        "question_title": "Double",
        "question_content": "Print the double of the number.",
        "platform": "atcoder",
        "question_id": "abc900_a",
        "contest_id": "abc900",
        "contest_date": "2024-01-13T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps([{"input": "1\n", "output": "2\n", "testtype": "stdin"}]),
        "private_test_cases": pack(pickle.dumps(text)) if packed else text,
        "metadata": "{}",
        **changes,
    }


def pack(content: bytes) -> str:
    """As LiveCodeBench packs its pickles."""
    return base64.b64encode(zlib.compress(content)).decode()


def lines(path: Path, *records: Record) -> Path:
    """JSON Lines; compressed as the name says."""
    text = "".join(json.dumps(record) + "\n" for record in records).encode()
    if path.suffix == ".gz":
        text = gzip.compress(text)
    if path.suffix == ".zst":
        import zstandard

        text = zstandard.ZstdCompressor().compress(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return path
