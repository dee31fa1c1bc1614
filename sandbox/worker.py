"""The driver's handle on one supervisor process."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from sandbox import wire
from sandbox.server import START_SECONDS

_STOP_SECONDS = 12.0
_BUFFER_BYTES = 2**16
# As in sandbox.server: a stub package, so that a supervisor does not load what only the driver needs.
_BOOT = (
    "import json, sys, types; sys.path[:] = json.loads(sys.argv[1]); package = types.ModuleType('sandbox'); "
    "package.__path__ = [sys.argv[2]]; sys.modules['sandbox'] = package; "
    "from sandbox.supervisor import main; main()"
)


class WorkerLost(RuntimeError):
    """The supervisor died, hung, or could not do a request: says nothing about the program."""


class _Link(asyncio.BufferedProtocol):
    """The connection to one supervisor process. on_frame: called with each message; on_lost: with the reason."""

    def __init__(self, on_frame: Callable[[memoryview], None], on_lost: Callable[[str], None]) -> None:
        self._on_frame = on_frame
        self._on_lost: Callable[[str], None] | None = on_lost
        self._buffer = bytearray(_BUFFER_BYTES)
        self._filled = 0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods only

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: room for the rest of a frame, once its length is known."""
        if self._filled == len(self._buffer):
            (length,) = wire.HEADER.unpack_from(self._buffer)
            self._buffer = self._buffer + bytes(wire.HEADER.size + length - self._filled)
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Collects a frame; the driver has sent one request, so one reply is all there can be."""
        self._filled += nbytes
        if self._filled < wire.HEADER.size:
            return
        (length,) = wire.HEADER.unpack_from(self._buffer)
        end = wire.HEADER.size + length
        if self._filled >= end:
            frame, self._filled = self._buffer, 0
            if len(frame) > _BUFFER_BYTES:
                self._buffer = bytearray(_BUFFER_BYTES)
            self._on_frame(memoryview(frame)[wire.HEADER.size : end])

    def connection_lost(self, error: Exception | None) -> None:
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(f"the supervisor died: {error or 'end of file'}")

    def write(self, message: wire.Request) -> None:
        """Sends a message; one that the supervisor does not live to read is lost without a word."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(wire.encode(message))

    def drop(self) -> None:
        """Closes the connection without a word."""
        self._on_lost = None
        if self._transport is not None:
            self._transport.abort()


class Worker:
    """A slot for one supervisor: started when needed, replaced when lost, one request at a time.

    on_free: called with the worker whenever it can take the next request.
    """

    def __init__(self, settings: wire.Settings, on_free: Callable[[Worker], None]) -> None:
        self._settings = settings
        self._on_free = on_free
        self._process: subprocess.Popen[bytes] | None = None
        self._link: _Link | None = None
        self._on_reply: Callable[[wire.Reply | WorkerLost], None] | None = None
        self.layers: dict[str, tuple[bool, str]] = {}

    async def start(self) -> None:
        """Starts the supervisor and its fork server. Raises WorkerLost."""
        Path(self._settings.directory).mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _spawn(theirs, self._settings)
            loop = asyncio.get_running_loop()
            first: asyncio.Future[wire.Reply | WorkerLost] = loop.create_future()
            self._on_reply = lambda reply: None if first.done() else first.set_result(reply)
            link = self._link = _Link(self._received, self.kill)
            await loop.create_connection(lambda: link, sock=ours)
            async with asyncio.timeout(START_SECONDS + 10.0):
                reply = await first
        except (OSError, TimeoutError) as error:
            self.kill()
            raise WorkerLost(f"the supervisor did not start: {error!r}") from error
        except BaseException:
            self.kill()
            raise
        if not isinstance(reply, wire.Hello):
            self.kill()
            raise WorkerLost(_reason(reply))
        self.layers = reply.layers

    async def ask(self, request: wire.Run | wire.Compile | wire.Pair, seconds: float) -> wire.Answer:
        """One request of a free worker. Raises WorkerLost, after which the next request starts a fresh supervisor.

        seconds: after these the supervisor counts as hung. When the caller is cancelled, the request is ended early
        and the worker is free only after that.
        """
        try:
            if self._link is None:
                await self.start()
        except BaseException:
            self._on_free(self)
            raise
        assert self._link is not None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[wire.Answer] = loop.create_future()
        timer = loop.call_later(seconds, self.kill, f"the supervisor did not answer within {seconds:.0f} s")
        self._on_reply = functools.partial(self._settle, request.id, answer, timer)
        self._link.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            # A worker that is under way again is so with another request, or another supervisor: both ignore this.
            if self._link is not None:
                self._link.write(wire.Cancel(request.id))
            raise

    def _settle(
        self,
        request_id: int,
        answer: asyncio.Future[wire.Answer],
        timer: asyncio.TimerHandle,
        reply: wire.Reply | WorkerLost,
    ) -> None:
        timer.cancel()
        if isinstance(reply, wire.Answer) and reply.id == request_id:
            if not answer.done():
                answer.set_result(reply)
        else:
            self.kill()
            if not answer.done():
                answer.set_exception(WorkerLost(_reason(reply)))
        self._on_free(self)

    def _received(self, body: memoryview) -> None:
        try:
            self._tell(wire.decode_reply(body))
        except msgspec.DecodeError as error:
            self.kill(f"the supervisor is out of step: {error}")

    def kill(self, reason: str = "the supervisor was ended") -> None:
        """Ends the supervisor at once; the kernel ends everything below it. A request under way is lost."""
        process, self._process = self._process, None
        link, self._link = self._link, None
        if link is not None:
            link.drop()
        if process is not None:
            process.kill()
            process.wait()
        self._tell(WorkerLost(reason))

    def _tell(self, reply: wire.Reply | WorkerLost) -> None:
        on_reply, self._on_reply = self._on_reply, None
        if on_reply is not None:
            on_reply(reply)

    async def stop(self) -> None:
        """Ends the supervisor in order: when this returns, nothing below it is left."""
        process, self._process = self._process, None
        self.kill("the sandbox was closed")
        if process is None:
            return
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
            process.wait()


def _reason(reply: wire.Reply | WorkerLost) -> str:
    if isinstance(reply, wire.Failed):
        return reply.reason
    return str(reply) if isinstance(reply, WorkerLost) else "the supervisor is out of step"


def _spawn(channel: socket.socket, settings: wire.Settings) -> subprocess.Popen[bytes]:
    paths = [str(Path(path).absolute()) for path in sys.path]  # "" is the working directory
    arguments = [
        json.dumps(paths),
        str(Path(__file__).parent.absolute()),
        str(os.getpid()),
        str(channel.fileno()),
        msgspec.json.encode(settings).decode(),
    ]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOT, *arguments],
        pass_fds=[channel.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the driver's to handle
    )
