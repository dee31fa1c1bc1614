"""A small HTTP server that speaks as much of OpenAI's chat completions as a test needs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Reply = tuple[int, dict[str, str], Any]  # status, headers, JSON body (or bytes)
Handler = Callable[[dict[str, Any]], Awaitable[Reply]]


def completion(request: dict[str, Any], *texts: str, logprobs: bool = True) -> Reply:
    """A completion with these texts; every word counts as a token."""
    choices = [
        {
            "index": index,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": text},
            "logprobs": {"content": [{"token": w, "logprob": -0.5, "top_logprobs": []} for w in text.split()]}
            if logprobs and request.get("logprobs")
            else None,
        }
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": request["model"], "usage": usage}
    return 200, {}, body | {"choices": choices}


def refusal(status: int, message: str, **headers: str) -> Reply:
    return status, headers, {"error": {"message": message, "type": "invalid_request_error"}}


class Peer:
    """What the server does and what it has seen. `answer` may be replaced by a test."""

    def __init__(self) -> None:
        self.models: Reply = (200, {}, {"object": "list", "data": [{"id": "m", "object": "model"}]})
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.hung_up = 0
        self.answer: Handler = self.echo
        self.url = ""

    async def echo(self, request: dict[str, Any]) -> Reply:
        return completion(request, *(f"answer {n}" for n in range(request.get("n", 1))))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                self.keys.append(fields.get("authorization", ""))
                status, headers, reply = await self._reply(head.split(" ")[1], body, reader)
                content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                lines = {"content-type": "application/json", "content-length": str(len(content))} | headers
                writer.write(f"HTTP/1.1 {status} X\r\n".encode())
                writer.write("".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n")
                writer.write(content)
                await writer.drain()
        writer.close()

    async def _reply(self, path: str, body: bytes, reader: asyncio.StreamReader) -> Reply:
        if path.endswith("/models"):
            return self.models
        request = json.loads(body)
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        answering = asyncio.ensure_future(self.answer(request))
        hanging_up = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.hung_up += 1
                raise ConnectionError
            return answering.result()
        finally:
            self.in_flight -= 1
            for task in (answering, hanging_up):
                task.cancel()
            await asyncio.gather(answering, hanging_up, return_exceptions=True)


@contextlib.asynccontextmanager
async def running_peer() -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield peer
    finally:
        server.close()
