"""The driver's handle on one supervisor process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from sandbox import wire
from sandbox.server import START_SECONDS

_STOP_SECONDS = 12.0
_BUFFER_BYTES = 2**22
# As in sandbox.server: a stub package, so that a supervisor does not load what only the driver needs.
_BOOT = (
    "import json, sys, types; sys.path[:] = json.loads(sys.argv[1]); package = types.ModuleType('sandbox'); "
    "package.__path__ = [sys.argv[2]]; sys.modules['sandbox'] = package; "
    "from sandbox.supervisor import main; main()"
)


class WorkerLost(RuntimeError):
    """The supervisor died, hung, or could not do a request: says nothing about the program."""


class Worker:
    """A slot for one supervisor: started when needed, replaced when lost, one request at a time."""

    def __init__(self, settings: wire.Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._cancelled = 0
        self.layers: dict[str, tuple[bool, str]] = {}

    async def start(self) -> None:
        """Starts the supervisor and its fork server. Raises WorkerLost."""
        Path(self._settings.directory).mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _spawn(theirs, self._settings)
            self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_BUFFER_BYTES)
            async with asyncio.timeout(START_SECONDS + 10.0):
                reply = await self._receive()
        except (OSError, TimeoutError) as error:
            self.kill()
            raise WorkerLost(f"the supervisor did not start: {error!r}") from error
        except BaseException:
            self.kill()
            raise
        if not isinstance(reply, wire.Hello):
            self.kill()
            raise WorkerLost(reply.reason if isinstance(reply, wire.Failed) else "unexpected first message")
        self.layers = reply.layers

    async def ask(self, request: wire.Run | wire.Compile | wire.Pair, seconds: float) -> wire.Answer:
        """One request. Raises WorkerLost, after which the next request starts a fresh supervisor.

        seconds: after these the supervisor counts as hung.
        """
        if self._writer is None:
            await self.start()
        if self._cancelled == request.id:
            raise WorkerLost("cancelled before it was sent")
        assert self._writer is not None
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(wire.encode(request))
                await self._writer.drain()
                reply = await self._receive()
        except TimeoutError as error:
            self.kill()
            raise WorkerLost(f"the supervisor did not answer within {seconds:.0f} s") from error
        except OSError as error:
            self.kill()
            raise WorkerLost(f"the supervisor is gone: {error}") from error
        except BaseException:
            self.kill()  # its next message would be the answer to this request
            raise
        if isinstance(reply, wire.Answer) and reply.id == request.id:
            return reply
        self.kill()
        raise WorkerLost(reply.reason if isinstance(reply, wire.Failed) else "the supervisor is out of step")

    def cancel(self, request_id: int) -> None:
        """Asks for an early end of a request that is under way; its answer still comes."""
        self._cancelled = request_id  # in case it has not been sent yet
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.encode(wire.Cancel(request_id)))

    async def _receive(self) -> wire.Reply:
        assert self._reader is not None
        try:
            (length,) = wire.HEADER.unpack(await self._reader.readexactly(wire.HEADER.size))
            return wire.decode_reply(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, msgspec.DecodeError) as error:
            raise WorkerLost(f"the supervisor died: {error}") from error

    def kill(self) -> None:
        """Ends the supervisor at once; the kernel ends everything below it."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._reader = self._writer = None

    async def stop(self) -> None:
        """Ends the supervisor in order: when this returns, nothing below it is left."""
        process, self._process = self._process, None
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
        if process is None:
            return
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
            process.wait()


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
