"""Function mode with test code: the program is called from outside, and nothing it does counts but what it returns."""

import asyncio

import pytest

from sandbox import Limits, Outcome, Program, Verdict

from .conftest import QUICK, Bench

SECRET = "canary-77d0"


def check(
    bench: Bench,
    source: str,
    tests: str,
    *,
    entry_point: str = "f",
    prelude: str = "",
    limits: Limits = QUICK,
    test_limits: Limits | None = None,
) -> Outcome:
    program = Program("python", source, mode="function", entry_point=entry_point)
    return bench.loop.run_until_complete(
        bench.sandbox.check(program, tests, limits, prelude=prelude, test_limits=test_limits)
    )


HUMANEVAL = """
METADATA = {}
def check(candidate):
    assert candidate([1, 2]) == 3
    assert candidate(values=[]) == 0, "empty"
check(f)
"""


def test_humaneval_style(bench: Bench) -> None:
    outcome = check(bench, "def f(values): return sum(values)", HUMANEVAL)
    assert (outcome.verdict, outcome.stderr) == (Verdict.AC, "")
    assert 0 < outcome.cpu_seconds < 1
    outcome = check(bench, "def f(values): return sum(values) or None", HUMANEVAL)
    assert outcome.verdict is Verdict.WA
    assert 'assert candidate(values=[]) == 0, "empty"' in outcome.stderr


LEETCODE = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next
def list_node(values):
    head = None
    for value in reversed(values): head = ListNode(value, head)
    return head
def same(p, q):
    while p and q and p.val == q.val: p, q = p.next, q.next
    return p is q is None
"""
REVERSE = """
class Solution:
    def f(self, head):
        last = None
        while head: head.next, last, head = last, head, head.next
        return last
"""


def test_leetcode_style(bench: Bench) -> None:
    tests = (
        "def check(candidate):\n assert same(candidate(list_node([1, 2, 3])), list_node([3, 2, 1]))\ncheck(candidate)"
    )
    for call in ("", "\nassert Solution().f(None) is None"):
        outcome = check(bench, LEETCODE + REVERSE, tests + call, entry_point="Solution().f", prelude=LEETCODE)
        assert outcome.verdict is Verdict.AC, outcome.stderr


def test_a_program_may_change_its_arguments_in_place(bench: Bench) -> None:
    source = LEETCODE + "def f(a, b, c, node):\n a.sort(); b[0].append(9); b[1]['k'] = a; c.clear(); node.val = 5"
    tests = """
a, inner, c, node = [3, 1, 2], [8], {1}, ListNode(1)
b = [inner, {}]
f(a, b, c, node)
assert a == [1, 2, 3] and inner == [8, 9] and b[1]["k"] is a and c == set() and node.val == 5
"""
    assert check(bench, source, tests, prelude=LEETCODE).verdict is Verdict.AC


def test_a_returned_argument_is_the_same_object(bench: Bench) -> None:
    assert check(bench, "def f(a): return a", "a = [1]\nassert f(a) is a").verdict is Verdict.AC


def test_a_program_keeps_its_state_from_call_to_call(bench: Bench) -> None:
    source = "calls = 0\ndef f():\n global calls; calls += 1; return calls"
    assert check(bench, source, "assert [f(), f(), f()] == [1, 2, 3]").verdict is Verdict.AC


def test_test_code_sees_the_exceptions_of_the_program(bench: Bench) -> None:
    source = "class Odd(KeyError): pass\ndef f(x):\n if x: raise ValueError('no', [x])\n raise Odd('k')"
    tests = """
try: f(1); assert False
except ValueError as error: assert error.args == ("no", [1])
try: f(0); assert False
except KeyError as error: assert error.args == ("k",)
"""
    assert check(bench, source, tests).verdict is Verdict.AC


def test_helpers_of_the_prompt_are_there_but_not_its_stub_of_the_program(bench: Bench) -> None:
    prelude = "def helper(x): return x + 1\ndef f(x): pass"
    assert check(bench, "def f(x): return x", "assert helper(f(1)) == 2", prelude=prelude).verdict is Verdict.AC


FORGERIES = {
    "equal to everything": "class A:\n __eq__ = lambda *_: True\n __ne__ = lambda *_: False\ndef f(x): return A()",
    "an int that is equal to everything": "class A(int):\n __eq__ = lambda *_: True\n"
    " __hash__ = int.__hash__\ndef f(x): return A(5)",
    "a list that is equal to everything": "class A(list):\n __eq__ = lambda *_: True\ndef f(x): return A()",
    "exit early": "import os\ndef f(x): os._exit(0)",
    "exit at once": "import os; os._exit(0)",
    "sys.exit": "import sys\ndef f(x): sys.exit(0)",
    "pass at exit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): raise SystemExit(0)",
    "patch the builtins": "import builtins\nbuiltins.AssertionError = type('E', (BaseException,), {})\n"
    "builtins.all = builtins.any = lambda *_: True\ndef f(x): return None",
    "patch the type checks": "import builtins\nbuiltins.isinstance = lambda *_: True\ndef f(x): return []",
    "read the caller's frames": "import sys\ndef f(x):\n frame = sys._getframe()\n while frame:\n"
    "  for v in [*frame.f_locals.values(), *frame.f_globals.values()]:\n"
    f"   if '{SECRET[::-1]}'[::-1] in str(v)[:9999]: return 42\n  frame = frame.f_back",
    "search all objects": "import gc\ndef f(x): return 42 if any('expected' in str(o)[:999] for o in gc.get_objects()"
    " if type(o) is dict and len(o) < 50) else None",
    "print what a passing test might": "def f(x): print('report:{\"result\": \"passed\"}', 'OK', 'AC', flush=True)",
    "write a report to every descriptor": "import os\ndef f(x):\n for fd in range(64):\n  if fd > 2:\n"
    '   try: os.write(fd, b\'report:{"result": "passed", "text": ""}\')\n   except OSError: pass\n os._exit(0)',
    "answer before being asked": "import json, os\n"
    "body = json.dumps({'value': [41], 'nodes': [], 'changed': []}).encode()\n"
    "for fd in range(3, 64):\n try: os.write(fd, len(body).to_bytes(8, 'big') + body)\n except OSError: pass\n"
    "def f(x): return 42",
    "change what it does not have": "import json, os\nbody = json.dumps({'value': [42], 'nodes': [], "
    "'changed': [[7, ['list', []]]]}).encode()\nfor fd in range(3, 64):\n"
    " try: os.write(fd, len(body).to_bytes(8, 'big') + body)\n except OSError: pass\ndef f(x): return 42",
    "send rubbish": "import os\nfor fd in range(3, 64):\n try: os.write(fd, b'\\0' * 7 + b'\\3{]}')\n"
    " except OSError: pass\ndef f(x): return 42",
    "a huge message announced": "import os\nfor fd in range(3, 64):\n try: os.write(fd, b'\\xff' * 8)\n"
    " except OSError: pass\ndef f(x): return 42",
    "raise the test's own exception": "def f(x): raise AssertionError",
    "raise what a broken test raises": "def f(x): raise NameError('check')",
    "raise what ends a process": "def f(x): raise KeyboardInterrupt",
    "an exception with a forged name": "E = type('SystemExit', (Exception,), {})\ndef f(x): raise E(0)",
    "an exception that cannot be printed": "class E(ValueError):\n __str__ = lambda s: 1 / 0\ndef f(x): raise E()",
    "return a function": "def f(x): return f",
    "return what is nested too deeply": "def f(x):\n t = ()\n for _ in range(100_000): t = (t,)\n return t",
    "return a list inside itself": "def f(x):\n a = []; a.append(a); return a",
    "return the stub's class": "class Stub: pass\ndef f(x): return Stub()",
    "kill the group": "import os, signal\ndef f(x): os.kill(0, signal.SIGKILL)",
}


@pytest.mark.parametrize("attack", FORGERIES)
def test_forging_buys_nothing(bench: Bench, attack: str) -> None:
    tests = f"expected = 42  # {SECRET}\ndef check(candidate):\n assert candidate(1) == expected\ncheck(f)"
    outcome = check(bench, FORGERIES[attack], tests)
    assert outcome.verdict in (Verdict.WA, Verdict.RTE), outcome
    bench.assert_unharmed()


BLAME = {
    "an assertion": ("return 1", "assert f() == 2", Verdict.WA),
    "a result that test code cannot handle": ("return None", "assert len(f()) == 2", Verdict.WA),
    "an exception of the program": ("raise ValueError", "f()", Verdict.RTE),
    "an assertion of the program": ("assert False", "f()", Verdict.RTE),
    "an exception of the program inside one of the test": (
        "raise ValueError",
        "try: f()\nexcept ValueError: assert False",
        Verdict.WA,
    ),
    "test code that does not compile": ("return 1", "assert f() ==", Verdict.IE),
    "test code without its imports": ("return 1", "assert math.isclose(f(), 1)", Verdict.IE),
    "test code without its imports, late": ("return 1", "f()\nassert math.isclose(f(), 1)", Verdict.IE),
    "test code that fails before it calls": ("return 1", "assert [][0]\nf()", Verdict.IE),
    "test code that never calls": ("return 1", "assert True", Verdict.IE),
    "test code that passes what is not data": ("return 1", "f(print)", Verdict.IE),
    "test code that passes on what it got": ("return f", "f(f())", Verdict.RTE),
    "a name that is bound only for some results": ("return []", "for x in f(): y = x\nassert y == 1", Verdict.WA),
    "a local name that is bound only for some results": (
        "return []",
        "def t():\n for x in f(): y = x\n assert y == 1\nt()",
        Verdict.WA,
    ),
    "test code that evaluates a result": ("return ')'", "assert eval(f()) == 1", Verdict.WA),
    "test code that ends itself": ("return 1", "if f() != 2: raise SystemExit('wrong')", Verdict.WA),
    "test code that kills itself": ("return 1", "import os\nos._exit(0)", Verdict.IE),
}


@pytest.mark.parametrize("case", BLAME)
def test_who_is_to_blame(bench: Bench, case: str) -> None:
    body, tests, verdict = BLAME[case]
    outcome = check(bench, f"def f(): {body}", tests)
    assert outcome.verdict is verdict, outcome
    assert outcome.stderr


def test_test_code_may_end_as_a_script_does(bench: Bench) -> None:
    assert check(bench, "def f(): return 1", "raise SystemExit(0 if f() == 1 else 1)").verdict is Verdict.AC
    assert check(bench, "def f(): return 1", "raise SystemExit").verdict is Verdict.IE


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("def f(: pass", Verdict.CE),
        ("1 / 0", Verdict.RTE),
        ("def g(): pass", Verdict.RTE),
        ("def f():\n while True: pass", Verdict.TLE),
        ("while True: pass", Verdict.TLE),
        ("def f(): return len(bytearray(2**30))", Verdict.MLE),
        ("def f(): return 'x' * 2**24", Verdict.OLE),
        ("import itertools\ndef f(): return map(str, itertools.count())", Verdict.OLE),
        ("def f():\n while True: print('x' * 1000)", Verdict.OLE),
    ],
)
def test_what_a_program_does_wrong_is_told_apart(bench: Bench, source: str, verdict: Verdict) -> None:
    limits = Limits(0.7, 128 * 2**20, 2**20)
    assert check(bench, source, "assert f() == 1", limits=limits).verdict is verdict
    bench.assert_unharmed()


def test_a_program_that_sleeps_is_woken_by_the_wall_limit(bench: Bench) -> None:
    source = "import time\ndef f(): time.sleep(60)"
    assert check(bench, source, "f()", limits=Limits(wall_seconds=0.5)).verdict is Verdict.TLE
    bench.assert_unharmed()


def test_slow_test_code_does_not_use_up_the_programs_time(bench: Bench) -> None:
    tests = "import time\nuntil = time.process_time() + 0.6\nwhile time.process_time() < until: pass\nassert f() == 1"
    outcome = check(bench, "def f(): return 1", tests, limits=Limits(0.3))
    assert outcome.verdict is Verdict.AC
    assert outcome.cpu_seconds < 0.3


def test_endless_test_code_is_not_the_programs_fault_until_it_has_answered(bench: Bench) -> None:
    limits = Limits(0.3)
    endless = "while True: pass"
    outcome = check(bench, "def f(): return 1", f"{endless}\nf()", test_limits=limits)
    assert outcome.verdict is Verdict.IE
    outcome = check(bench, "def f(): return 1", f"if f() == 1:\n {endless}", test_limits=limits)
    assert outcome.verdict is Verdict.TLE


def test_test_code_is_confined_as_programs_are(bench: Bench) -> None:
    tests = """
import os, socket
f()
for action in (lambda: open('/etc/passwd'), lambda: os.listdir('/'), os.fork, socket.socket):
    try: action()
    except OSError: continue
    assert False
"""
    assert check(bench, "def f(): return 1", tests).verdict is Verdict.AC


def test_neither_can_read_the_others_messages_by_mistake(bench: Bench) -> None:
    tests = "import sys\nassert f() == ('', 'ok') and sys.stdin.read() == ''\nprint('noise')"
    source = "import sys\ndef f():\n print('noise')\n return sys.stdin.read(), 'ok'"
    assert check(bench, source, tests).verdict is Verdict.AC


def test_a_cancelled_check_leaves_a_working_sandbox(bench: Bench) -> None:
    program = Program("python", "def f():\n while True: pass", mode="function", entry_point="f")

    async def give_up() -> None:
        async with asyncio.timeout(0.3):
            await bench.sandbox.check(program, "f()", Limits(5.0))

    with pytest.raises(TimeoutError):
        bench.loop.run_until_complete(give_up())
    assert check(bench, "def f(): return 1", "assert f() == 1").verdict is Verdict.AC


def test_only_functions_are_called(bench: Bench) -> None:
    with pytest.raises(ValueError, match="mode function"):
        bench.loop.run_until_complete(bench.sandbox.check(Program("python", ""), "", QUICK))


def test_without_namespaces_and_tmpfs() -> None:
    with Bench(_without={"mount", "pid", "user"}) as bench:
        assert check(bench, "def f(values): return sum(values)", HUMANEVAL).verdict is Verdict.AC
        assert check(bench, "def f(values): return 0", HUMANEVAL).verdict is Verdict.WA
