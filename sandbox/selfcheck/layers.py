"""Shows for every layer that it is what stops something: without it, an attack gets through.

A layer that has a `Proof` with no other names beside it holds something alone. Where every attack on it is stopped by
others too it is a second lock, and its proof names the first ones, which are switched off together with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.isolation import IsolationReport
from sandbox.pool import Sandbox
from sandbox.selfcheck.attack import CALM, HELD, Attack, held
from sandbox.selfcheck.scene import Scene
from sandbox.types import Outcome, Program

GOT_THROUGH = b"GOT THROUGH"


@dataclass(frozen=True, slots=True)
class Proof:
    """An attack that is stopped with all layers, and gets through without `layer` and those of `also`.

    gains_root: it needs a root to become. as_root: it needs a sandbox started by root. as_victim: it needs to run as
    the user that the scene's victim runs as.
    """

    layer: str
    attack: Attack
    also: tuple[str, ...] = ()
    gains_root: bool = False
    as_root: bool = False
    as_victim: bool = False

    @property
    def without(self) -> tuple[str, ...]:
        """What is switched off."""
        return (self.layer, *self.also)


@dataclass(frozen=True, slots=True)
class Proven:
    """What came of a proof. fault: empty when it worked. skipped: why it was not tried."""

    proof: Proof
    fault: str = ""
    skipped: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class LayerReport:
    """All proofs in one setting."""

    isolation: IsolationReport
    proofs: list[Proven] = field(default_factory=list)

    @property
    def failed(self) -> list[Proven]:
        """The proofs that did not work: a layer that stops nothing, or an attack that is never stopped."""
        return [proven for proven in self.proofs if proven.fault]

    @property
    def unproven(self) -> list[str]:
        """Active layers for which no proof worked."""
        worked = {proven.proof.layer for proven in self.proofs if not (proven.fault or proven.skipped)}
        return [name for name, layer in self.isolation.layers.items() if layer.active and name not in worked]


_SETUID = """
import stat, subprocess, time
names = [p + n for p in ('/usr/bin/', '/bin/') for n in ('su', 'passwd', 'newgrp', 'chsh') if os.path.exists(p + n)]
names = [n for n in names if os.stat(n).st_mode & stat.S_ISUID and os.stat(n).st_uid == 0]
def become():
    process = subprocess.Popen([names[0]], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        users = open(f'/proc/{process.pid}/status').read().split('Uid:')[1].split()[:4]
        if '0' in users: return users
        time.sleep(0.01)
    raise PermissionError(1, 'stayed ' + ' '.join(users))
held(refused(become))"""

_FILES = """
for i in range(240):
    with open(f'f{i}', 'wb') as f: f.write(b'x' * 10**6)
held(False)"""

PROOFS: tuple[Proof, ...] = (
    Proof("landlock", held("landlock/list", "list the private root", "held(refused(lambda: os.listdir('/')))")),
    Proof(
        "landlock",
        held("landlock/secret", "read a secret of the host", "held(refused(lambda: open('@SECRET@').read()))"),
        also=("mount",),
    ),
    Proof(
        "seccomp",
        held(
            "seccomp/fork", "fork", "def fork():\n    if not os.fork(): os._exit(0)\n    os.wait()\nheld(refused(fork))"
        ),
    ),
    Proof(
        "rlimits",
        held(
            "rlimits/descriptors",
            "open a thousand files",
            "x = []\ndef more():\n    while len(x) < 900: x.append(os.open('/dev/null', 0))\nheld(refused(more))",
        ),
    ),
    Proof(
        "rlimits",
        held("rlimits/memory", "fill 800 MB under a limit of 128", "x = b'x' * (800 << 20)\nheld(False)"),
        also=("cgroup",),
    ),
    Proof("cgroup", held("cgroup/files", "keep 240 MB in files under a limit of 128 MB", _FILES, needs=("mount",))),
    Proof(
        "mount",
        held("mount/exists", "learn that a file of the host exists", "held(not os.path.exists('@SECRET@'))"),
    ),
    Proof(
        "pid",
        held("pid/exists", "learn that a process of the host exists", "held(refused(lambda: os.getpgid(@VICTIM@)))"),
    ),
    Proof(
        "pid",
        held("pid/signal", "signal a process of the same user", "held(refused(lambda: os.kill(@VICTIM@, 0)))"),
        also=("landlock", "seccomp"),
        as_victim=True,
    ),
    Proof(
        "net",
        held(
            "net/namespace",
            "hold a socket that belongs to the host's network",
            "import socket, struct\na, b = socket.socketpair()\n"
            "held(struct.unpack('=Q', a.getsockopt(1, 71, 8))[0] != @COOKIE@)",
        ),
    ),
    Proof(
        "net",
        held(
            "net/datagram",
            "send a datagram to the host",
            "import socket\ndef send():\n"
            "    socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @UDP@))\nheld(refused(send))",
        ),
        also=("seccomp",),
    ),
    Proof(
        "ipc",
        held(
            "ipc/segment",
            "find a piece of the host's shared memory",
            "held(syscall('shmget', @SEGMENT@, 0, 0)[0] == -1)",
        ),
        also=("seccomp",),
    ),
    Proof("uts", held("uts/name", "learn the host's name", "held(os.uname().nodename != '@HOSTNAME@')")),
    Proof(
        "user",
        held("user/owners", "learn who owns the host's files", "held(os.stat('/usr/lib').st_uid != 0)"),
    ),
    Proof("uid", held("uid/root", "be the host's root", "held(os.getuid() != 0)"), as_root=True),
    Proof(
        "no_new_privs",
        held("no_new_privs/setuid", "gain root from a set-user-ID program", _SETUID),
        also=("landlock", "seccomp", "mount", "pid", "user"),
        gains_root=True,
    ),
)


async def prove_layers(
    proofs: Iterable[Proof] = PROOFS, *, on_proof: Callable[[Proven], None] = lambda proven: None
) -> LayerReport:
    """Tries each attack with all layers, then without the ones it names. Raises SandboxUnavailable, OSError."""
    with Scene() as scene:
        async with Sandbox(1) as whole:
            report = LayerReport(whole.isolation)
            stopped = {}
            for proof in proofs:
                stopped[proof] = not _got_through(await _attack(whole, scene, proof), scene)
        for proof in proofs:
            proven = await _prove(proof, report.isolation, stopped[proof], scene)
            report.proofs.append(proven)
            on_proof(proven)
    return report


async def _prove(proof: Proof, isolation: IsolationReport, stopped: bool, scene: Scene) -> Proven:
    began = time.monotonic()
    if reason := _why_not(proof, isolation):
        return Proven(proof, skipped=reason)
    if not stopped:
        return Proven(proof, "it gets through with all layers")
    async with Sandbox(1, allow_unsafe=True, _without=proof.without) as weakened:
        if weakened.isolation.active(proof.layer):
            return Proven(proof, "the layer cannot be switched off")
        if proof.as_victim and os.geteuid() == 0 and not weakened.isolation.active("uid"):
            return Proven(proof, skipped=f"not as the victim's user: {weakened.isolation.layers['uid'].detail}")
        outcome = await _attack(weakened, scene, proof)
    if _got_through(outcome, scene):
        return Proven(proof, seconds=time.monotonic() - began)
    said = f"{outcome.verdict} {outcome.output[:150]!r} {outcome.stderr[-200:]!r}"
    return Proven(proof, f"it is stopped without {', '.join(proof.without)} as well: {said}")


def _why_not(proof: Proof, isolation: IsolationReport) -> str:
    missing = [name for name in (proof.layer, *proof.attack.needs) if not isolation.active(name)]
    if missing:
        return f"no layer {', '.join(missing)} here"
    if proof.as_root and os.geteuid() != 0:
        return "there is no root to give up"
    if proof.gains_root and not _root_is_mapped():
        return "set-user-ID programs do nothing in this user namespace"
    return ""


def _root_is_mapped() -> bool:
    rows = (map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(inside == 0 for inside, _, _ in rows)


async def _attack(sandbox: Sandbox, scene: Scene, proof: Proof) -> Outcome:
    return await sandbox.run(Program("python", scene.fill(proof.attack.source)), b"", CALM)


def _got_through(outcome: Outcome, scene: Scene) -> bool:
    scene.damage()
    return GOT_THROUGH in outcome.output and not outcome.output.endswith(HELD)
