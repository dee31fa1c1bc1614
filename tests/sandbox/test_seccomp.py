"""The filter's tables against the kernel's headers, and its shape."""

import re
import struct
from pathlib import Path

import pytest

from sandbox.zygote import seccomp, syscalls

_TABLES = {**syscalls.DENIED, **syscalls.METADATA, **syscalls.CONDITIONAL}
_HEADERS = {
    0: ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    1: ("/usr/include/asm-generic/unistd.h",),
}


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_numbers_agree_with_the_kernels_headers(column: int) -> None:
    path = next((Path(p) for p in _HEADERS[column] if Path(p).exists()), None)
    if path is None:
        pytest.skip("no kernel headers for this architecture")
    defined = dict(re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", path.read_text()))
    wrong = {n: (t[column], defined[n]) for n, t in _TABLES.items() if n in defined and t[column] != int(defined[n])}
    assert not wrong
    assert len([n for n in _TABLES if n in defined]) > 90  # the comparison compared something


def test_no_call_is_listed_twice() -> None:
    assert len(_TABLES) == len(syscalls.DENIED) + len(syscalls.METADATA) + len(syscalls.CONDITIONAL)
    for column in (0, 1):
        numbers = [t[column] for t in _TABLES.values() if t[column] is not None]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("profile", ["server", "python", "native", "compile"])
def test_every_jump_lands_inside_and_the_kernel_takes_the_length(
    machine: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.zygote.kernel.MACHINE", machine)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(profile)))
    assert len(code) < 4096
    for i, (operation, if_true, if_false, _) in enumerate(code):
        if operation & 0x07 == 0x05:
            assert i + 1 + max(if_true, if_false) < len(code)
    assert code[-1][0] == 0x06


def test_every_conditional_call_has_its_condition_in_a_compiled_program() -> None:
    assert set(seccomp._conditions("native")) == set(syscalls.CONDITIONAL)


def test_a_python_program_is_denied_all_that_a_compiled_one_is_together_with_its_server() -> None:
    assert seccomp._denied("server") | seccomp._denied("python") == seccomp._denied("native")
    assert set(seccomp._conditions("server")) | set(seccomp._conditions("python")) == set(syscalls.CONDITIONAL)
