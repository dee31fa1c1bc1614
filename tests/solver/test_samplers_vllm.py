"""The vLLM sampler and `vllm serve` with a real model: minutes on a CPU.

CODESIEVE_TEST_MODEL names the model, by default the smallest of ours.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from solver.errors import UserError
from solver.models import resolve
from solver.samplers import Request, Sample, SamplerFailed
from solver.samplers.endpoint import EndpointSampler
from solver.samplers.process_group import end_group, group_members
from solver.samplers.vllm_engine import VllmSampler

pytestmark = pytest.mark.model

in_one_loop = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Write a Python 3 program that reads an integer n and prints the n-th Fibonacci number. " * 12


@pytest.fixture(scope="module")
def model() -> str:
    return resolve(os.environ.get("CODESIEVE_TEST_MODEL", "qwen2.5-coder-0.5b")).path_or_hub_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sampler(model: str) -> AsyncIterator[VllmSampler]:
    running = VllmSampler(model, model_name="tiny", seed=1, max_model_len=1024, max_in_flight=6)
    await running.start()
    yield running
    await running.close()


def ask(count: int, n: int, max_tokens: int = 12, question: str = QUESTION) -> Iterator[Request]:
    messages = ({"role": "user", "content": question},)
    return (Request(index, messages, "direct", "python", 1.0, index, n, max_tokens) for index in range(count))


async def sampled(sampler: VllmSampler | EndpointSampler, requests: Iterator[Request]) -> list[Sample]:
    return [sample async for sample in sampler.stream(requests)]


def shared_memory_of(pgid: int) -> set[Path]:
    """The shared memory files that the processes of a group have mapped."""
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in group_members(pgid)]
    return {Path(name) for text in maps for name in re.findall(r"/dev/shm/psm_\w+", text)}


@in_one_loop
async def test_samples_carry_their_provenance_and_come_once_each(
    sampler: VllmSampler, capfd: pytest.CaptureFixture[str]
) -> None:
    samples = await sampled(sampler, ask(2, 4))
    assert {(s.request, s.choice) for s in samples} == {(r, c) for r in range(2) for c in range(4)}
    assert len(samples) == 8
    for sample in samples:
        assert (sample.model, sample.plan, sample.temperature) == ("tiny", "direct", 1.0)
        assert sample.prompt_tokens > 100
        assert 0 < sample.completion_tokens <= 12
        assert sample.mean_logprob is not None
        assert -20 < sample.mean_logprob < 0
        assert sample.finish_reason in ("length", "stop")
    assert len({s.text for s in samples}) > 1, "the choices of a request must not share a seed"
    assert capfd.readouterr() == ("", ""), "what vLLM prints belongs in its log"


@in_one_loop
async def test_the_prompt_is_computed_once_for_all_samples(sampler: VllmSampler) -> None:
    await sampled(sampler, ask(1, 4, 1))
    before = sampler.stats
    await sampled(sampler, ask(2, 4, 1))
    cached = sampler.stats.cached_prompt_tokens - before.cached_prompt_tokens
    assert cached > 0.5 * (sampler.stats.prompt_tokens - before.prompt_tokens)


@in_one_loop
async def test_requests_are_pulled_only_as_there_is_room(sampler: VllmSampler) -> None:
    pulled: list[int] = []
    requests = (pulled.append(request.index) or request for request in ask(100, 2, 8))  # type: ignore[func-returns-value]
    stream = sampler.stream(requests)
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    assert len(pulled) <= 6


@in_one_loop
async def test_a_prompt_longer_than_the_model_takes_is_one_clear_line(sampler: VllmSampler) -> None:
    with pytest.raises(UserError, match=r"the prompt has \d{4} tokens and the model takes 1024"):
        await sampled(sampler, ask(1, 1, question=QUESTION * 6))
    assert len(await sampled(sampler, ask(1, 1, 2))) == 1


@in_one_loop
async def test_an_answer_longer_than_the_room_that_is_left_is_cut_and_says_so(sampler: VllmSampler) -> None:
    words = "a b c d e f g h " * 118
    (sample,) = await sampled(sampler, ask(1, 1, 1000, words + "Count from 1 to 1000."))
    assert sample.prompt_tokens + sample.completion_tokens <= 1024


@in_one_loop
async def test_a_closed_stream_leaves_nothing_running_in_the_engine(sampler: VllmSampler) -> None:
    stream = sampler.stream(ask(1, 5, 900))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(2)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await stream.aclose()  # type: ignore[attr-defined]
    done = sampler.stats.samples
    assert len(await sampled(sampler, ask(1, 2, 4))) == 2
    assert sampler.stats.samples == done + 2


@in_one_loop
async def test_the_death_of_the_engine_core_ends_the_stream_and_leaves_no_process(model: str) -> None:
    sampler = VllmSampler(model, max_model_len=1024)
    await sampler.start()
    assert sampler._process is not None
    pgid = sampler._process.pid
    core = next(p for p in psutil.Process(pgid).children(recursive=True) if "EngineCore" in " ".join(p.cmdline()))
    stream = sampler.stream(ask(4, 4, 800))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(2)
    core.kill()
    with pytest.raises(SamplerFailed, match="the vLLM engine died"):
        await first
    with pytest.raises(SamplerFailed, match="the vLLM engine died"):
        await sampled(sampler, ask(1, 1))
    await sampler.close()
    assert group_members(pgid) == []


@pytest.mark.parametrize("when", ["loading", "sampling"])
def test_a_driver_that_is_killed_takes_the_engine_with_it(model: str, tmp_path: Path, when: str) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(f"""
import asyncio
from solver.samplers.vllm_engine import VllmSampler
from solver.samplers import Request
async def main():
    sampler = VllmSampler({model!r}, max_model_len=1024)
    starting = asyncio.ensure_future(sampler.start())
    while sampler._process is None:
        await asyncio.sleep(0.1)
    print(sampler._process.pid, sampler._directory, flush=True)
    await starting
    print("started", flush=True)
    request = Request(0, ({{"role": "user", "content": "Count to 1000."}},), "p", "python", 1.0, 0, 4, 900)
    async for _ in sampler.stream(iter([request])):
        pass
asyncio.run(main())
""")
    process = subprocess.Popen([sys.executable, str(driver)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, directory = process.stdout.readline().split(maxsplit=1)
    if when == "sampling":
        assert process.stdout.readline() == "started\n"
    time.sleep(3)
    shared = shared_memory_of(int(pid))
    assert shared or when == "loading"
    process.kill()
    process.wait()
    for _ in range(300):
        if not group_members(int(pid)):
            break
        time.sleep(0.1)
    assert group_members(int(pid)) == []
    assert not Path(directory.strip()).exists()
    assert not any(file.exists() for file in shared)


@in_one_loop
async def test_ctrl_c_at_the_terminal_does_not_reach_the_engine(sampler: VllmSampler) -> None:
    assert sampler._process is not None
    assert os.getsid(sampler._process.pid) == sampler._process.pid != os.getsid(0)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [("no config", "fetch it again"), ("no weights", "the directory holds no weights")],
)
@in_one_loop
async def test_a_damaged_model_is_one_clear_line(model: str, tmp_path: Path, damage: str, expected: str) -> None:
    if damage == "no weights":
        for file in Path(model).iterdir():
            if file.suffix != ".safetensors":
                (tmp_path / file.name).symlink_to(file)
    sampler = VllmSampler(tmp_path)
    with pytest.raises(UserError, match=expected) as caught:
        await sampler.start()
    assert "\n" not in str(caught.value)
    await sampler.close()


@pytest.fixture
def server(model: str, tmp_path: Path) -> Iterator[str]:
    """The URL of vLLM's server with the model under the name `tiny`.

    It is what `vllm serve` runs; the command itself cannot find its own version in the CPU build.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model,
        "--dtype", "bfloat16", "--enforce-eager",
        "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "1024", "--served-model-name", "tiny",
        "--generation-config", "vllm",
    ]  # fmt: skip
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        for _ in range(240):
            assert process.poll() is None, (tmp_path / "serve.log").read_text()[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                break
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        end_group(process.pid)
        process.wait()
        assert group_members(process.pid) == []


@in_one_loop
async def test_vllm_serve_is_sampled_from(server: str) -> None:
    sampler = EndpointSampler(server, concurrency=2)
    samples = await sampled(sampler, ask(3, 2))
    assert {(s.request, s.choice) for s in samples} == {(r, c) for r in range(3) for c in range(2)}
    assert all(s.model == "tiny" and 0 < s.completion_tokens <= 12 for s in samples)
    assert all(s.mean_logprob is not None and s.mean_logprob < 0 for s in samples)
    assert sampler.dialect.logprobs, "vLLM has log-probabilities, so they must not have been given up"
    with pytest.raises(UserError, match="too long for the model"):
        await sampled(sampler, ask(1, 1, question=QUESTION * 6))
    await sampler.close()
