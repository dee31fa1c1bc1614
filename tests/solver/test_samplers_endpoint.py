"""The endpoint sampler against a real HTTP server that speaks the protocol, well and badly."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from solver.errors import UserError
from solver.samplers import Request, Sample, SamplerFailed
from solver.samplers.endpoint import Dialect, EndpointSampler
from tests.solver.openai_peer import Peer, Reply, completion, refusal, running_peer


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


def ask(count: int, n: int = 1) -> Iterator[Request]:
    messages = ({"role": "user", "content": "solve"},)
    return (Request(index, messages, "direct", "cpp", 0.7, 10 * index, n, 50) for index in range(count))


async def samples_of(peer: Peer, requests: Iterator[Request], **options: Any) -> list[Sample]:
    defaults: dict[str, Any] = {"model": "m", "backoff_seconds": 0.001}
    sampler = EndpointSampler(peer.url, **(defaults | options))
    try:
        return [sample async for sample in sampler.stream(requests)]
    finally:
        await sampler.close()


async def test_every_choice_becomes_a_sample_with_its_provenance(peer: Peer) -> None:
    samples = sorted(await samples_of(peer, ask(2, n=3)), key=lambda s: (s.request, s.choice))
    assert [(s.request, s.choice) for s in samples] == [(r, c) for r in range(2) for c in range(3)]
    assert samples[4] == Sample(
        request=1, choice=1, text="answer 1", model="m", plan="direct", language="cpp", temperature=0.7, seed=10,
        prompt_tokens=11, completion_tokens=2, mean_logprob=-0.5, finish_reason="stop",
    )  # fmt: skip


async def test_the_request_says_what_was_asked_and_nothing_a_server_may_choke_on(peer: Peer) -> None:
    await samples_of(peer, ask(1, n=2))
    assert peer.requests == [
        {
            "model": "m", "messages": [{"role": "user", "content": "solve"}], "temperature": 0.7, "max_tokens": 50,
            "n": 2, "top_p": 1.0, "logprobs": True,
        }
    ]  # fmt: skip


async def test_seeds_and_extra_fields_are_sent_when_asked_for(peer: Peer) -> None:
    await samples_of(peer, ask(2), send_seed=True, extra_body={"top_k": -1}, concurrency=1)
    assert [(r["seed"], r["top_k"]) for r in peer.requests] == [(0, -1), (10, -1)]


async def test_no_more_requests_are_in_flight_than_allowed(peer: Peer) -> None:
    async def slow(request: dict[str, Any]) -> Reply:
        await asyncio.sleep(0.01)
        return completion(request, "x")

    peer.answer = slow
    assert len(await samples_of(peer, ask(20), concurrency=3)) == 20
    assert peer.most_in_flight == 3


async def test_requests_are_pulled_only_as_they_are_needed(peer: Peer) -> None:
    pulled = []
    requests = (pulled.append(request.index) or request for request in ask(1000))  # type: ignore[func-returns-value]
    sampler = EndpointSampler(peer.url, "m", concurrency=2)
    stream = sampler.stream(requests)
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    await sampler.close()
    assert len(pulled) <= 4


async def test_samples_of_a_quick_request_do_not_wait_for_a_slow_one(peer: Peer) -> None:
    release = asyncio.Event()

    async def first_is_slow(request: dict[str, Any]) -> Reply:
        if len(peer.requests) == 1:
            await release.wait()
        return completion(request, "x")

    peer.answer = first_is_slow
    sampler = EndpointSampler(peer.url, "m", concurrency=2)
    arrived = []
    async for sample in sampler.stream(ask(5)):
        arrived.append(sample.request)
        if len(arrived) == 4:
            release.set()
    await sampler.close()
    assert len(arrived) == 5
    assert arrived[-1] == min(arrived)


async def test_closing_the_stream_hangs_up_on_the_requests_in_flight(peer: Peer) -> None:
    async def all_but_one_hang(request: dict[str, Any]) -> Reply:
        if len(peer.requests) > 1:
            await asyncio.sleep(3600)
        return completion(request, "x")

    peer.answer = all_but_one_hang
    sampler = EndpointSampler(peer.url, "m", concurrency=4)
    stream = sampler.stream(ask(100))
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    await sampler.close()
    for _ in range(500):
        if not peer.in_flight:
            break
        await asyncio.sleep(0.01)
    assert (peer.in_flight, peer.hung_up) == (0, len(peer.requests) - 1)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_passing_failure_is_retried(peer: Peer, status: int) -> None:
    attempts = itertools.count(1)

    async def third_time_lucky(request: dict[str, Any]) -> Reply:
        return completion(request, "x") if next(attempts) == 3 else refusal(status, "busy")

    peer.answer = third_time_lucky
    assert [s.text for s in await samples_of(peer, ask(1))] == ["x"]
    assert len(peer.requests) == 3


async def test_a_lost_connection_and_a_silent_server_are_retried(peer: Peer) -> None:
    attempts = itertools.count(1)

    async def flaky(request: dict[str, Any]) -> Reply:
        attempt = next(attempts)
        if attempt == 1:
            raise ConnectionResetError
        if attempt == 2:
            await asyncio.sleep(3600)
        return completion(request, "x")

    peer.answer = flaky
    assert len(await samples_of(peer, ask(1), timeout_seconds=0.2)) == 1


async def test_the_server_says_how_long_to_wait(peer: Peer) -> None:
    attempts = itertools.count(1)

    async def busy_once(request: dict[str, Any]) -> Reply:
        return completion(request, "x") if next(attempts) > 1 else refusal(429, "busy", **{"retry-after": "0.01"})

    peer.answer = busy_once
    assert len(await samples_of(peer, ask(1), backoff_seconds=3600.0)) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refusal(503, "overloaded"), r"gave up after 3 attempts: status 503 \(overloaded\)"),
        ((200, {}, b"<html>hello</html>"), "gave up after 3 attempts"),
        ((200, {"content-type": "text/html"}, b"<html>hello</html>"), "without choices"),
        ((200, {}, {"id": "c", "choices": []}), "without choices"),
        ((200, {}, {"id": "c", "choices": None}), "without choices"),
    ],
)
async def test_retries_come_to_an_end(peer: Peer, reply: Reply, expected: str) -> None:
    async def answer(_: dict[str, Any]) -> Reply:
        return reply

    peer.answer = answer
    with pytest.raises(SamplerFailed, match=expected) as caught:
        await samples_of(peer, ask(1), max_retries=2)
    assert "\n" not in str(caught.value)
    assert len(peer.requests) == 3


async def test_what_was_sampled_before_the_server_died_is_kept(peer: Peer) -> None:
    async def dies_after_five(request: dict[str, Any]) -> Reply:
        return completion(request, "x") if len(peer.requests) <= 5 else refusal(500, "gone")

    peer.answer = dies_after_five
    sampler = EndpointSampler(peer.url, "m", max_retries=0, concurrency=2)
    kept = []

    async def keep() -> None:
        async for sample in sampler.stream(ask(100)):
            kept.append(sample)

    with pytest.raises(SamplerFailed):
        await keep()
    await sampler.close()
    assert len(kept) == 5


async def test_log_probabilities_are_given_up_once_when_the_server_refuses_them(peer: Peer) -> None:
    async def no_logprobs(request: dict[str, Any]) -> Reply:
        if "logprobs" in request:
            return refusal(400, "this server does not support logprobs")
        return await peer.echo(request)

    peer.answer = no_logprobs
    samples = await samples_of(peer, ask(5, n=2), concurrency=1)
    assert len(samples) == 10
    assert {s.mean_logprob for s in samples} == {None}
    assert sum("logprobs" in r for r in peer.requests) == 1


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_server_without_several_choices_is_asked_for_one_at_a_time(peer: Peer, refuses: bool) -> None:
    async def one_choice(request: dict[str, Any]) -> Reply:
        if refuses and request.get("n", 1) > 1:
            return refusal(400, "only one completion choice is allowed: 'n' must be 1")
        return completion(request, f"answer {len(peer.requests)}")

    peer.answer = one_choice
    samples = await samples_of(peer, ask(3, n=3), concurrency=1)
    assert Counter((s.request, s.choice) for s in samples) == Counter(itertools.product(range(3), range(3)))
    assert sum(r.get("n", 1) > 1 for r in peer.requests) == 1


async def test_a_server_that_wants_max_completion_tokens_gets_it(peer: Peer) -> None:
    async def modern(request: dict[str, Any]) -> Reply:
        if "max_tokens" in request:
            return refusal(400, "'max_tokens' is not supported; use 'max_completion_tokens' instead")
        return completion(request, "x")

    peer.answer = modern
    await samples_of(peer, ask(1))
    assert peer.requests[-1]["max_completion_tokens"] == 50
    assert peer.requests[-1]["logprobs"] is True


async def test_a_server_that_returns_more_choices_than_asked_for_adds_no_samples(peer: Peer) -> None:
    async def generous(request: dict[str, Any]) -> Reply:
        return completion(request, "a", "b", "c")

    peer.answer = generous
    assert [s.text for s in await samples_of(peer, ask(1, n=2))] == ["a", "b"]


async def test_tokens_counted_for_all_choices_together_are_shared_out_without_loss(peer: Peer) -> None:
    async def long_and_short(request: dict[str, Any]) -> Reply:
        return completion(request, "w " * 90, "w " * 10, logprobs=False)

    peer.answer = long_and_short
    long, short = await samples_of(peer, ask(1, n=2))
    assert long.completion_tokens + short.completion_tokens == 100
    assert long.completion_tokens > 80


async def test_an_answer_without_text_is_an_empty_sample(peer: Peer) -> None:
    async def refuses_to_say(request: dict[str, Any]) -> Reply:
        status, headers, body = completion(request, "x", logprobs=False)
        body["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "no"}
        return status, headers, body

    peer.answer = refuses_to_say
    assert [s.text for s in await samples_of(peer, ask(1))] == [""]


async def test_half_a_surrogate_pair_becomes_a_replacement_character(peer: Peer) -> None:
    async def odd(request: dict[str, Any]) -> Reply:
        return completion(request, "x\ud800y")

    peer.answer = odd
    assert [s.text for s in await samples_of(peer, ask(1))] == ["x\ufffdy"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refusal(401, "bad key"), r"the API key was refused \(status 401\).*CODESIEVE_API_KEY"),
        (refusal(403, "not yours"), "the API key was refused"),
        (refusal(404, "the model `m` does not exist"), "refused with status 404.*does not exist"),
        (refusal(400, "This model's maximum context length is 100 tokens"), "too long for the model"),
        (refusal(400, "temperature is out of range"), "refused the request: temperature is out of range"),
        (refusal(422, "x\ny" * 999), "refused the request: x y"),
    ],
)
async def test_what_retrying_cannot_mend_is_one_clear_line(peer: Peer, reply: Reply, expected: str) -> None:
    async def answer(_: dict[str, Any]) -> Reply:
        return reply

    peer.answer = answer
    with pytest.raises(UserError, match=expected) as caught:
        await samples_of(peer, ask(1))
    assert peer.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (refusal(401, "bad key"), "the API key was refused"),
        (refusal(500, "broken"), "does not list its models"),
        ((200, {"content-type": "text/html"}, b"<html>"), "does not list its models"),
        ((200, {}, {"data": [{"id": f"model-{n}"} for n in range(9)]}), "'m' is not served there; it has: model-0"),
    ],
)
async def test_a_server_that_will_not_do_is_one_clear_line(peer: Peer, models: Reply, expected: str) -> None:
    peer.models = models
    with pytest.raises(UserError, match=expected) as caught:
        await samples_of(peer, ask(1))
    assert peer.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not peer.requests


async def test_the_only_model_of_a_server_needs_no_name(peer: Peer) -> None:
    assert {s.model for s in await samples_of(peer, ask(1), model=None)} == {"m"}


async def test_one_of_several_models_needs_a_name(peer: Peer) -> None:
    peer.models = (200, {}, {"data": [{"id": "a"}, {"id": "b"}]})
    with pytest.raises(UserError, match="name a model with --model; the server has: a, b"):
        await samples_of(peer, ask(1), model=None)


async def test_a_server_that_lists_no_models_is_believed_to_have_the_one_named(peer: Peer) -> None:
    peer.models = refusal(404, "no such path")
    assert len(await samples_of(peer, ask(1))) == 1


async def test_a_port_where_nothing_listens_is_one_clear_line() -> None:
    async with running_peer() as gone:
        pass
    with pytest.raises(UserError, match=r"no server answers.*check --base-url") as caught:
        await samples_of(gone, ask(1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/v1", "http://", "http://[::1", "http://h:99999"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(UserError, match="is not the URL of an endpoint"):
        EndpointSampler(url)


def test_a_url_without_a_path_gets_the_usual_one() -> None:
    assert EndpointSampler("http://h:1").url == EndpointSampler("http://h:1/").url == "http://h:1/v1"
    assert EndpointSampler("http://h:1/api/").url == "http://h:1/api"


async def test_the_key_for_openai_is_not_shown_to_other_servers(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "precious")
    monkeypatch.delenv("CODESIEVE_API_KEY", raising=False)
    await samples_of(peer, ask(1))
    assert not any("precious" in key for key in peer.keys)


async def test_our_own_key_is_sent(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESIEVE_API_KEY", "sesame")
    await samples_of(peer, ask(1))
    assert set(peer.keys) == {"bearer sesame"}


def test_a_dialect_runs_out_of_things_to_give_up() -> None:
    dialect: Dialect | None = Dialect()
    steps = 0
    while dialect is not None:
        dialect = dialect.without("invalid request, use 'max_completion_tokens', top_p, n=1, logprobs")
        steps += 1
        assert steps < 10
