"""Requests to the model as client spans, `chat MODEL`, with one event for each answer.

A span covers a request from the moment the sampler takes it, waiting and retries included, to its last answer.
Recordings replay answers without requests: there each answer is a span of its own, marked `codesieve.replayed`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import cast

from solver.samplers import Request, Sample, Sampler, SamplerStats, stats_of
from solver.store import StoredProgram
from solver.tracing.attributes import (
    EVALUATION,
    Attributes,
    evaluation,
    of_request,
    of_samples,
    response_id,
)
from solver.tracing.book import Book, now
from solver.tracing.export import Happening

Key = tuple[str, int, int]
"""(plan, request, choice); choice is -1 for a request with all its answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One use of the sampler. parent: the stage that it belongs to."""

    parent: int


@dataclass(slots=True)
class _Chat:
    stream: Stream
    begun: int
    wanted: int
    request: Request | None = None
    samples: list[Sample] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    kept: bool = False


class Chats:
    """The requests of a run that are under way: as many as the sampler has taken and not yet answered."""

    def __init__(self, book: Book, server: Attributes, replays: bool) -> None:
        """server: attributes that all requests have."""
        self._book = book
        self._server = server
        self._replays = replays
        self._open: dict[Key, _Chat] = {}

    def number(self, plan: str, request: int, choice: int) -> int:
        """Of the span that a sample belongs to."""
        return self._book.number("chat", *self._key(plan, request, choice))

    def asked(self, request: Request, stream: Stream) -> None:
        if not self._replays:
            self._open[self._key(request.plan, request.index, 0)] = _Chat(stream, now(), request.n, request)

    def answered(self, sample: Sample, stream: Stream) -> None:
        """Before the sample is looked at."""
        key = self._key(sample.plan, sample.request, sample.choice)
        self._open.setdefault(key, _Chat(stream, now(), 1)).samples.append(sample)

    def extracted(self, sample: Sample, reason: str, program: StoredProgram | None, is_new: bool) -> None:
        """What the sample came to; a chat is kept where a candidate is that came from it."""
        chat = self._open.get(self._key(sample.plan, sample.request, sample.choice))
        if chat is None:
            return
        chat.kept = chat.kept or (program is not None and is_new and self._book.keeps(program.key))
        label = reason if program is None or is_new else "duplicate"
        more = {} if program is None else {"program": program.key}
        event = evaluation("extraction", label, program is not None, response_id(sample.request, sample.choice), **more)
        chat.happenings.append(Happening(EVALUATION, now(), event))

    def seen(self, sample: Sample, model: str) -> None:
        """After the sample was looked at: a request with all its answers has ended."""
        key = self._key(sample.plan, sample.request, sample.choice)
        chat = self._open.get(key)
        if chat is not None and len(chat.samples) >= chat.wanted:
            self._end(key, model)

    def stopped(self, stream: Stream, model: str, error: Exception | None) -> None:
        """A stream has ended, with what was under way in it: by an error or by us."""
        for key in [key for key, chat in self._open.items() if chat.stream is stream]:
            self._end(key, model, error, cut_off=True)

    def _end(self, key: Key, model: str, error: Exception | None = None, cut_off: bool = False) -> None:
        chat = self._open.pop(key)
        number = self._book.number("chat", *key)
        if not (chat.kept or error or self._book.keeps_number(number)):
            return
        content = self._book.content
        attributes: Attributes = self._server | {"gen_ai.prompt.name": key[0], "codesieve.request": key[1]}
        if model:
            attributes["gen_ai.request.model"] = model
        if chat.request is not None:
            attributes |= of_request(chat.request, content)
        if chat.samples:
            attributes |= of_samples(chat.samples, content)
        if self._replays:
            attributes["codesieve.replayed"] = True
        if error is not None:
            attributes["error.type"] = type(error).__name__
        elif cut_off and len(chat.samples) < chat.wanted:
            attributes["codesieve.cut_off"] = True
        name, told = f"chat {model}".rstrip(), None if error is None else str(error)
        parent, events = chat.stream.parent, chat.happenings
        self._book.add(name, number, parent, chat.begun, attributes, events, error=told, client=True)

    def _key(self, plan: str, request: int, choice: int) -> Key:
        return plan, request, choice if self._replays else -1


class TracedSampler:
    """A sampler that is listened to; a Sampler."""

    def __init__(self, inner: Sampler, chats: Chats, stage: list[int]) -> None:
        """stage: the run's stages that are under way, the innermost last."""
        self._inner = inner
        self._chats = chats
        self._stage = stage
        self.model = inner.model
        self.replays = inner.replays

    @property
    def stats(self) -> SamplerStats | None:
        return stats_of(self._inner)

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        stream = Stream(self._stage[-1])
        samples = cast(AsyncGenerator[Sample], self._inner.stream(self._listening(requests, stream)))
        failure: Exception | None = None
        try:
            async with aclosing(samples):
                async for sample in samples:
                    self.model = self._inner.model  # an endpoint knows it once it was asked
                    self._chats.answered(sample, stream)
                    yield sample
                    self._chats.seen(sample, self.model)
        except Exception as error:
            failure = error
            raise
        finally:
            self._chats.stopped(stream, self.model, failure)

    async def close(self) -> None:
        await self._inner.close()

    def _listening(self, requests: Iterator[Request], stream: Stream) -> Iterator[Request]:
        for request in requests:
            self._chats.asked(request, stream)
            yield request
