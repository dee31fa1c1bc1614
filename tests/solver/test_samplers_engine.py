"""What can be said of the vLLM sampler without a model: sizes, messages, and processes that must end."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.errors import UserError
from solver.samplers import wire
from solver.samplers.engine_settings import _kv_cache_gib, spread
from solver.samplers.process_group import end_group, group_members
from solver.samplers.vllm_engine import VllmSampler, _bare, _last_error

GIB = 2**30


def spread_over(
    devices: int, weights_gib: float | None, tensor: int | None = None, data: int | None = None
) -> tuple[int, int]:
    return spread(
        devices=devices,
        device_bytes=72 * GIB,
        weight_bytes=None if weights_gib is None else int(weights_gib * GIB),
        attention_heads=28,
        tensor_parallel_size=tensor,
        data_parallel_size=data,
    )


def test_a_small_model_gets_one_replica_on_each_gpu() -> None:
    assert spread_over(8, 15) == (1, 8)


def test_a_model_larger_than_one_gpu_is_split_over_the_fewest_that_hold_it() -> None:
    assert spread_over(8, 65) == (2, 4)
    assert spread_over(8, 140) == (4, 2)


def test_a_split_divides_the_attention_heads_even_when_more_gpus_would_hold_the_model() -> None:
    assert spread_over(8, 1000) == (4, 2)


def test_the_users_own_sizes_win() -> None:
    assert spread_over(8, 15, tensor=2) == (2, 4)
    assert spread_over(8, 15, tensor=2, data=1) == (2, 1)


def test_one_gpu_and_an_unknown_size_is_one_replica() -> None:
    assert spread_over(1, None) == (1, 1)


@given(free=st.integers(0, 10**12), weights=st.integers(0, 10**12))
def test_the_kv_cache_leaves_memory_for_the_weights_and_half_of_the_rest(free: int, weights: int) -> None:
    if free - weights < GIB:
        with pytest.raises(MemoryError):
            _kv_cache_gib(weights, free)
    else:
        cache = _kv_cache_gib(weights, free)
        assert 1 <= cache <= 4
        assert cache == 1 or cache * GIB <= (free - weights) / 2


@pytest.mark.parametrize(
    "message",
    [
        wire.Generate(1, ({"role": "user", "content": "\0 ∑ \U0001f600"},), 4, 2, 0.8, 100, 2**48),
        wire.Abort(2**40),
        wire.Stop(),
    ],
)
def test_messages_to_the_engine_arrive_as_they_were_sent(message: wire.ToEngine) -> None:
    framed = wire.frame(message)
    length = wire.body_length(framed[: wire.HEADER_BYTES])
    assert len(framed) == wire.HEADER_BYTES + length
    assert wire.decode_to_engine(framed[wire.HEADER_BYTES :]) == message


def test_the_root_cause_in_a_log_is_found_behind_reports_of_it(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(
        "(Worker pid=7) ERROR 01-01 multiproc.py:1] torch.OutOfMemoryError: CUDA out of memory. Tried 2 GiB\n"
        "(EngineCore pid=6) ERROR Exception: WorkerProc initialization failed due to an exception\n"
        "RuntimeError: Engine core initialization failed. See root cause above.\n"
    )
    assert _last_error(log) == "OutOfMemoryError: CUDA out of memory. Tried 2 GiB"


def test_a_log_that_is_not_there_has_no_error(tmp_path: Path) -> None:
    assert _last_error(tmp_path / "none.log") == ""


def test_a_validation_error_loses_its_wrapping() -> None:
    wrapped = (
        "ValidationError: 1 validation error for ModelConfig\n  Value error, no such thing "
        "[type=value_error, input_value=ArgsKwargs((), {'model'..."
    )
    assert _bare(wrapped) == "no such thing"


async def test_without_vllm_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "vllm" else find_spec(name, *rest)
    )
    sampler = VllmSampler("some/model")
    with pytest.raises(UserError, match=r"vLLM is not installed; run `pip install 'codesieve\[cpu\]'`"):
        await sampler.start()
    await sampler.close()


async def test_a_log_that_cannot_be_written_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: True)
    sampler = VllmSampler("some/model", log_path=tmp_path / "no" / "engine.log")
    with pytest.raises(UserError, match="cannot write the engine's log"):
        await sampler.start()
    await sampler.close()


def test_the_driver_imports_neither_torch_nor_vllm() -> None:
    code = "import sys, solver.samplers.vllm_engine as v; v.VllmSampler('m'); print({'torch', 'vllm'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def start_group(code: str) -> subprocess.Popen[str]:
    """Starts Python code as the leader of a new group and waits until it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_whole_group_is_ended_also_when_it_ignores_sigterm_and_its_leader_is_gone() -> None:
    leader = start_group("""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(3):
            if os.fork() == 0:
                time.sleep(600)
        print("ready", flush=True)
        time.sleep(600)
    """)
    assert len(group_members(leader.pid)) == 4
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    assert len(group_members(leader.pid)) == 3
    end_group(leader.pid, grace_seconds=0.2)
    assert group_members(leader.pid) == []


def test_a_process_that_cleans_up_on_sigterm_is_given_the_time(tmp_path: Path) -> None:
    leader = start_group(f"""
        import pathlib, signal, sys, time
        def clean(*_):
            time.sleep(0.3)
            pathlib.Path({str(tmp_path / "clean")!r}).touch()
            sys.exit()
        signal.signal(signal.SIGTERM, clean)
        print("ready", flush=True)
        time.sleep(600)
    """)
    end_group(leader.pid, grace_seconds=20)
    leader.wait()
    assert (tmp_path / "clean").exists()


def test_shared_memory_of_killed_processes_is_removed() -> None:
    leader = start_group("""
        import multiprocessing.shared_memory, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        memory = multiprocessing.shared_memory.SharedMemory("codesieve-test-end-group", create=True, size=4096)
        print("ready", flush=True)
        time.sleep(600)
    """)
    assert Path("/dev/shm/codesieve-test-end-group").exists()
    end_group(leader.pid, grace_seconds=0.2)
    leader.wait()
    assert group_members(leader.pid) == []
    assert not Path("/dev/shm/codesieve-test-end-group").exists()


def test_ending_a_group_that_is_gone_does_nothing() -> None:
    leader = start_group("print('ready', flush=True)")
    leader.wait()
    end_group(leader.pid)
    assert group_members(leader.pid) == []
