"""Any server that speaks OpenAI's chat completions: `vllm serve`, a gateway, a hosted model.

Servers differ in what they accept. The sampler begins with everything it would like (several choices a
request, log-probabilities) and gives up one thing at a time when the server refuses it; what was given up
stays so for the run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from solver.errors import UserError
from solver.samplers.base import Request, Sample, SamplerFailed
from solver.samplers.text import one_line, storable

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletion
    from openai.types.chat.chat_completion import Choice

START_TIMEOUT_SECONDS = 30.0
MAX_BACKOFF_SECONDS = 30.0
MAX_RETRY_AFTER_SECONDS = 120.0
_MODELS_SHOWN = 5
_RETRIED_STATUS = (408, 409, 425, 429)
_TOO_LONG = re.compile(r"context[ _]length|maximum.{0,40}tokens|too long|longer than", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is asked of the server besides the prompt."""

    logprobs: bool = True
    several_choices: bool = True
    top_p: bool = True
    max_tokens: str = "max_tokens"

    def without(self, refusal: str) -> Dialect | None:
        """The dialect to try after the server refused a request with this message; None: nothing is left
        that could be the reason."""
        if "max_completion_tokens" in refusal and self.max_tokens == "max_tokens":
            return replace(self, max_tokens="max_completion_tokens")
        if self.top_p and "top_p" in refusal:
            return replace(self, top_p=False)
        if self.several_choices and re.search(r"[\"'`]n[\"'`]|\bn\b ?[=>]|choices|best_of", refusal):
            return replace(self, several_choices=False)
        if self.logprobs:
            return replace(self, logprobs=False)
        if self.several_choices:
            return replace(self, several_choices=False)
        return None


class EndpointSampler:
    """Samples from an OpenAI-compatible endpoint; a Sampler.

    base_url: e.g. `http://localhost:8000/v1`; `/v1` is added to a URL without a path.
    model: default, the server's only model.
    api_key: default, the environment's CODESIEVE_API_KEY; OPENAI_API_KEY is sent to openai.com only.
    concurrency: requests in flight, of up to `Request.n` samples each.
    timeout_seconds: for one attempt, from sending it to the last byte of the answer.
    max_retries: attempts after the first, for time-outs, lost connections, 408, 429 and 5xx; the waits begin
    with `backoff_seconds` and double, or are what the server asks for.
    send_seed: pass each request's seed on. Not the default: `vllm serve` on a CPU dies of it.
    extra_body: further fields of every request, e.g. `{"top_k": -1}` for `vllm serve`, which otherwise takes
    sampling defaults from the model's generation_config.json.
    """

    replays = False

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        *,
        api_key: str | None = None,
        concurrency: int = 8,
        timeout_seconds: float = 600.0,
        max_retries: int = 5,
        backoff_seconds: float = 0.5,
        top_p: float = 1.0,
        send_seed: bool = False,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self.url = _endpoint(base_url)
        self.model = model or ""
        self.dialect = Dialect()
        self._api_key = api_key
        self._concurrency = concurrency
        self._timeout = timeout_seconds
        self._max_retries = max_retries
        self._backoff = backoff_seconds
        self._top_p = top_p
        self._send_seed = send_seed
        self._extra_body = dict(extra_body or {})
        self._client: AsyncOpenAI | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Asks the server for its models, once; `stream` does it by itself.

        Raises UserError: nothing answers there, the key is refused, or the model is not served.
        """
        async with self._starting:
            if self._client is not None:
                return
            from openai import AsyncOpenAI

            client = AsyncOpenAI(
                base_url=self.url, api_key=self._api_key or _key_for(self.url), max_retries=0, timeout=self._timeout
            )
            try:
                await self._choose_model(client)
            except BaseException:
                await client.close()
                raise
            self._client = client

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """The samples of a request as soon as all of them are there. Raises UserError for what retrying will
        not mend, SamplerFailed when the retries are used up."""
        await self.start()
        running: set[asyncio.Task[list[Sample]]] = set()
        try:
            while True:
                while len(running) < self._concurrency and (request := next(requests, None)) is not None:
                    running.add(asyncio.create_task(self._answer(request)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda task: task.exception() is not None):
                    for sample in task.result():
                        yield sample
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()

    async def _choose_model(self, client: AsyncOpenAI) -> None:
        import openai

        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                served = [model.id for model in (await client.models.list()).data]
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise UserError(_refused_key(self.url, error.status_code)) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise UserError(
                f"{self.url}: no answer within {START_TIMEOUT_SECONDS:g} seconds; check --base-url and the server"
            ) from error
        except openai.APIConnectionError as error:
            reason = one_line(str(error.__cause__ or error), 200)
            raise UserError(f"{self.url}: no server answers ({reason}); start one or check --base-url") from error
        except (openai.APIError, AttributeError, TypeError, ValueError, RecursionError) as error:
            # A server need not list its models, but then it must be told one.
            if isinstance(error, openai.APIStatusError) and error.status_code in (404, 405, 501) and self.model:
                return
            raise UserError(
                f"{self.url}: the server does not list its models as OpenAI's API does "
                f"({one_line(str(error), 200)}); check --base-url, which usually ends in /v1"
            ) from error
        names = ", ".join(served[:_MODELS_SHOWN]) + (", …" if len(served) > _MODELS_SHOWN else "")
        if self.model and served and self.model not in served:
            raise UserError(f"{self.url}: the model {self.model!r} is not served there; it has: {names}")
        if not self.model and len(served) != 1:
            raise UserError(f"{self.url}: name a model with --model; the server has: {names or 'none'}")
        self.model = self.model or served[0]

    async def _answer(self, request: Request) -> list[Sample]:
        """All samples of a request, in as many calls as the server needs."""
        samples: list[Sample] = []
        while len(samples) < request.n:
            dialect = self.dialect
            wanted = request.n - len(samples)
            completion = await self._complete(request, wanted, len(samples))
            if len(completion.choices) < wanted and dialect.several_choices and dialect == self.dialect:
                self.dialect = replace(dialect, several_choices=False)  # it was ignored in silence
            samples += self._samples(request, completion, len(samples))[:wanted]
        return samples

    async def _complete(self, request: Request, wanted: int, first_choice: int) -> ChatCompletion:
        """One call that brings at least one choice, retried and adapted to the server as needed."""
        import openai

        failures = 0
        while True:
            dialect = self.dialect
            try:
                async with asyncio.timeout(self._timeout):
                    completion = await self._call(request, wanted, first_choice, dialect)
                if getattr(completion, "choices", None):
                    return completion
                reason, wait = "an answer without choices", None
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                self._adapt(dialect, error)
                continue
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise UserError(_refused_key(self.url, error.status_code)) from error
            except openai.APIStatusError as error:
                if error.status_code < 500 and error.status_code not in _RETRIED_STATUS:
                    raise UserError(
                        f"{self.url}: {self.model}: refused with status {error.status_code} "
                        f"({_said(error)}); check --base-url and --model"
                    ) from error
                reason, wait = f"status {error.status_code} ({_said(error)})", _retry_after(error)
            except (openai.APITimeoutError, TimeoutError):
                reason, wait = f"no answer within {self._timeout:g} seconds", None
            except openai.APIError as error:
                reason, wait = one_line(str(error.__cause__ or error), 200), None
            except (ValueError, RecursionError):
                reason, wait = "an answer that is not JSON", None
            failures += 1
            if failures > self._max_retries:
                raise SamplerFailed(f"{self.url}: {self.model}: gave up after {failures} attempts: {reason}")
            if wait is None:
                wait = min(MAX_BACKOFF_SECONDS, self._backoff * 2 ** (failures - 1)) * random.uniform(0.75, 1.25)
            await asyncio.sleep(wait)

    async def _call(self, request: Request, wanted: int, first_choice: int, dialect: Dialect) -> ChatCompletion:
        assert self._client is not None
        fields: dict[str, Any] = {
            "model": self.model,
            "messages": list(request.messages),
            "temperature": request.temperature,
            dialect.max_tokens: request.max_tokens,
        }
        if dialect.several_choices and wanted > 1:
            fields["n"] = wanted
        if dialect.top_p:
            fields["top_p"] = self._top_p
        if dialect.logprobs:
            fields["logprobs"] = True
        if self._send_seed:
            fields["seed"] = request.seed + first_choice
        completion: ChatCompletion = await self._client.chat.completions.create(**fields, extra_body=self._extra_body)
        return completion

    def _adapt(self, used: Dialect, error: APIStatusError) -> None:
        """Gives up what the server refused, unless another request has done so meanwhile."""
        said = _said(error)
        if _TOO_LONG.search(said):
            raise UserError(
                f"{self.url}: {self.model}: the prompt and the answer are too long for the model ({said}); "
                "give a smaller --max-tokens or shorten the statement"
            ) from error
        if used == self.dialect:
            simpler = used.without(said)
            if simpler is None:
                raise UserError(f"{self.url}: {self.model}: the server refused the request: {said}") from error
            self.dialect = simpler

    def _samples(self, request: Request, completion: ChatCompletion, first_choice: int) -> list[Sample]:
        usage = completion.usage
        tokens = _split(usage.completion_tokens if usage else 0, completion.choices)
        return [
            Sample(
                request=request.index,
                choice=first_choice + position,
                text=storable(choice.message.content or ""),
                model=self.model,
                plan=request.plan,
                language=request.language,
                temperature=request.temperature,
                seed=request.seed,
                prompt_tokens=usage.prompt_tokens if usage else 0,
                completion_tokens=count,
                mean_logprob=_mean_logprob(choice),
                finish_reason=str(choice.finish_reason),
            )
            for position, (choice, count) in enumerate(zip(completion.choices, tokens, strict=True))
        ]


def _endpoint(base_url: str) -> str:
    try:
        parts = urlsplit(base_url.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise UserError(f"{base_url!r} is not the URL of an endpoint; give one like http://localhost:8000/v1")
    return base_url.strip().rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def _key_for(url: str) -> str:
    host = urlsplit(url).hostname or ""
    official = host == "openai.com" or host.endswith(".openai.com")
    return os.environ.get("CODESIEVE_API_KEY") or (official and os.environ.get("OPENAI_API_KEY")) or "none"


def _refused_key(url: str, status: int) -> str:
    return f"{url}: the API key was refused (status {status}); set CODESIEVE_API_KEY to one that is valid there"


def _said(error: APIStatusError) -> str:
    """The server's own message."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(message, str):
            return one_line(message, 300)
    return one_line(str(error.message), 300)


def _retry_after(error: APIStatusError) -> float | None:
    """The seconds that the server asks to wait, within reason."""
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS else None


def _mean_logprob(choice: Choice) -> float | None:
    content = choice.logprobs.content if choice.logprobs else None
    return sum(token.logprob for token in content) / len(content) if content else None


def _split(total: int, choices: list[Choice]) -> list[int]:
    """Tokens of each choice. A server counts them together; its log-probabilities, if any, count them one by
    one, and otherwise they are shared out by the length of the texts."""
    counted = [len(c.logprobs.content) if c.logprobs and c.logprobs.content else 0 for c in choices]
    if all(counted):
        return counted
    lengths = [len(choice.message.content or "") + 1 for choice in choices]
    ends = [total * sum(lengths[: i + 1]) // sum(lengths) for i in range(len(lengths))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
