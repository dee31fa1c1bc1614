"""Attacks the sandbox and says what got out: a conformance check, importable and as a command.

    python -m sandbox.selfcheck --as all

Theory of operation. An attack is data (`sandbox.selfcheck.attack`): a program, what it is after, and what containment
means. A scene (`scene`) sets up what it would like to find on the host: a secret, a victim, listeners. After each
attack the checker (`check`) asks the scene what was done to it, and has two innocent programs judged on the
same worker. `settings` re-runs all of it as another user and without user namespaces. Everything goes through
`sandbox.Sandbox` as any program would; nothing here knows how the sandbox is made.
"""

from sandbox.selfcheck.attack import Attack
from sandbox.selfcheck.check import Checker, Finding, Report, all_attacks, run_selfcheck
from sandbox.selfcheck.scene import Scene

__all__ = ["Attack", "Checker", "Finding", "Report", "Scene", "all_attacks", "run_selfcheck"]
