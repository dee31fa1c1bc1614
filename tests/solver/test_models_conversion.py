"""The converter's child process, with stand-ins for the script that it runs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from solver.errors import UserError
from solver.models import Silent, conversion
from solver.models.conversion import convert_in_child

Run = Callable[..., dict[str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the conversion with `script` in place of the real one."""
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF")
    out = tmp_path / "out"
    out.mkdir()

    def go(script: str, progress: Silent | None = None) -> dict[str, str]:
        (tmp_path / "convert.py").write_text(script)
        monkeypatch.setattr(conversion, "_SCRIPT", tmp_path / "convert.py")
        return convert_in_child(gguf, out, 1000, progress or Silent())

    return go


def test_versions_and_progress_come_from_the_reports_among_other_output(run: Run) -> None:
    class Heard(Silent):
        def __init__(self) -> None:
            self.bytes: list[int] = []

        def advance(self, done_bytes: int) -> None:
            self.bytes.append(done_bytes)

    heard = Heard()
    script = """print("a library talks", 7, sep="\\n"); print('{"share": 0.4}', flush=True)
import time; time.sleep(0.8)
print('{"versions": {"torch": "9"}}')"""
    assert run(script, heard) == {"torch": "9"}
    assert 400 in heard.bytes
    assert heard.bytes[-1] == 1000


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "raise ValueError('architecture foo is not supported')",
            "cannot convert m.gguf: ValueError: architecture foo",
        ),
        ("import os; os.kill(os.getpid(), 9)", "memory ran out while converting m.gguf"),
        ("raise MemoryError", "memory ran out"),
        ("raise RuntimeError('operator torchvision::nms does not exist')", "pip uninstall -y torchvision"),
        ("raise SystemExit(3)", "the converter ended with code 3"),
        ("print('no report at the end')", "cannot convert m.gguf"),
    ],
)
def test_a_failed_conversion_is_one_line(run: Run, script: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        run(script)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_in_the_child_is_an_os_error(run: Run) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        run("raise RuntimeError('I/O error: No space left on device (os error 28)')")


def test_missing_packages_are_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_NEEDED", ("json", "no_such_package_a", "no_such_package_b"))
    with pytest.raises(UserError, match="needs no_such_package_a, no_such_package_b; install them with"):
        conversion.require_converter()


def test_the_converter_ends_when_its_parent_does() -> None:
    program = f"import runpy; m = runpy.run_path({str(conversion._SCRIPT)!r}); m['_end_with_parent']()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    assert child.poll() is None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=60) == 1
