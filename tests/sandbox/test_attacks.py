"""Attacks on what comes back from a run: returned values and output files. The others are in `sandbox.selfcheck`."""

import pytest

from sandbox import Limits, Outcome, Program, Verdict

from .conftest import Bench

SHORT = Limits(cpu_seconds=0.5, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=1.2)


@pytest.mark.parametrize(
    "source",
    [
        "import os\ndef f(): os._exit(0)",
        "import sys\ndef f(): sys.exit(0)",
        "def f():\n    while True: print('x' * 1000)",
        "import os\nos.close(5)\ndef f(): return 1",
        "class X(int):\n    __class__ = int\ndef f(): return object()",
        "def f():\n    x = []\n    x.append(x)\n    return x",
        "f = None",
    ],
)
def test_a_function_that_returns_no_value_has_no_verdict_but_failure(bench: Bench, source: str) -> None:
    outcome = bench.call(source, "")
    assert outcome.verdict in {Verdict.RTE, Verdict.OLE}
    bench.assert_unharmed()


def test_a_value_that_claims_equality_with_all_is_judged_by_its_literal(bench: Bench) -> None:
    source = "class Any(int):\n    __eq__ = lambda *_: True\n    __repr__ = lambda *_: '42'\ndef f(): return Any(7)"
    assert bench.call(source, "").output == b"7"


def test_prints_do_not_mix_with_the_returned_value(bench: Bench) -> None:
    outcome = bench.call("import os\ndef f(): print('5'); os.write(1, b'6'); return 7", "")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"7")


def _file_outcome(bench: Bench, source: str) -> Outcome:
    outcome = bench.run(Program("python", source, mode="file", output_file="out"), b"", SHORT)
    bench.assert_unharmed()
    return outcome


def test_an_output_file_that_is_a_link_or_fifo_is_not_followed(bench: Bench) -> None:
    assert _file_outcome(bench, "import os; os.symlink('/etc/passwd', 'out')").output == b""
    assert _file_outcome(bench, "import os; os.mkfifo('out')").output == b""
    assert _file_outcome(bench, "import os; os.mkdir('out')").verdict is Verdict.RTE


def test_an_output_file_beyond_the_limit_is_ole(bench: Bench) -> None:
    assert _file_outcome(bench, "open('out', 'w').write('x' * 2**21)").verdict is Verdict.OLE
    assert _file_outcome(bench, "import os; open('out', 'w'); os.truncate('out', 2**40)").output == b""
