"""The attacks by family, as data."""

from sandbox.selfcheck.attack import Attack
from sandbox.selfcheck.attacks import (
    clocks,
    compiler,
    files,
    floods,
    kernel_surface,
    leftovers,
    memory,
    network,
    processes,
    runtimes,
    server,
    signals,
)

ATTACKS: tuple[Attack, ...] = (
    *files.ATTACKS,
    *network.ATTACKS,
    *kernel_surface.ATTACKS,
    *signals.ATTACKS,
    *processes.ATTACKS,
    *memory.ATTACKS,
    *floods.ATTACKS,
    *server.ATTACKS,
    *clocks.ATTACKS,
    *leftovers.ATTACKS,
    *compiler.ATTACKS,
    *runtimes.ATTACKS,
)
