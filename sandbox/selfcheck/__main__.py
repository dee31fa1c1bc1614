"""`python -m sandbox.selfcheck`: attacks the sandbox and says what got out.

Exit code 0: all attacks were contained; 1: something got out; 2: the check cannot run here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from sandbox.selfcheck import settings
from sandbox.selfcheck.attack import Attack
from sandbox.selfcheck.check import Finding, Report, all_attacks, run_selfcheck
from sandbox.selfcheck.layers import Proven, prove_layers
from sandbox.selfcheck.soak import Soak, soak
from sandbox.types import SandboxUnavailable

_CONTAINED, _ESCAPED, _CANNOT_RUN = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line. Returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.prove_layers:
        return _in_settings(options, _prove_here)
    chosen = all_attacks(options.only, quick=options.quick)
    if not chosen:
        return _fail(f"no attack is called {options.only}; --list shows them")
    if options.soak is not None:
        return _in_settings(options, lambda options: _soak_here(options, chosen))
    if options.list:
        return _list(chosen, options.json)
    return _in_settings(options, lambda options: _here(options, chosen))


def _in_settings(options: argparse.Namespace, here: Callable[[argparse.Namespace], int]) -> int:
    if options.setting == "here":
        return here(options)
    wanted = settings.SETTINGS if options.setting == "all" else (options.setting,)
    return max(_elsewhere(setting, options) for setting in wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.selfcheck",
        description="Attack the sandbox. Exit code 0: all contained; 1: something got out; 2: cannot run.",
    )
    parser.add_argument(
        "--as",
        dest="setting",
        choices=("here", *settings.SETTINGS, "all"),
        default="here",
        help="the setting to check: as root, as an ordinary user, as one without user namespaces; default as you are",
    )
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="only the attacks with such a name: files/*, bomb"
    )
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument("--prove-layers", action="store_true", help="show for every layer what gets through without it")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="attack for so long; say what is left behind")
    parser.add_argument("--workers", type=int, help="programs at once in a soak; default one per core")
    parser.add_argument("--list", action="store_true", help="list the attacks and what containment means")
    parser.add_argument("--json", action="store_true", help="one JSON object a setting")
    parser.add_argument("--label", default="", help=argparse.SUPPRESS)
    return parser


def _here(options: argparse.Namespace, chosen: list[Attack]) -> int:
    label = _label(options)
    progress = _Progress(len(chosen), shown=not options.json)
    try:
        report = asyncio.run(run_selfcheck(chosen, on_finding=progress))
    except (SandboxUnavailable, OSError) as error:
        return _fail(f"{label}: {error}")
    if label == "no-userns" and report.isolation.active("user"):
        return _fail("user namespaces are still there")
    print(json.dumps(_data(label, report)) if options.json else _totals(label, report))
    return _ESCAPED if report.escaped else _CONTAINED


def _prove_here(options: argparse.Namespace) -> int:
    label = _label(options)
    try:
        report = asyncio.run(prove_layers(on_proof=lambda proven: None if options.json else _show_proof(proven)))
    except (SandboxUnavailable, OSError) as error:
        return _fail(f"{label}: {error}")
    if options.json:
        rows = [
            {"layer": p.proof.layer, "without": p.proof.without, "tries": p.proof.attack.tries}
            | {"fault": p.fault, "skipped": p.skipped}
            for p in report.proofs
        ]
        print(json.dumps({"setting": label, "proofs": rows, "unproven": report.unproven}))
    else:
        worked = len([proven for proven in report.proofs if not (proven.fault or proven.skipped)])
        unproven = f"; not shown: {', '.join(report.unproven)}" if report.unproven else ""
        print(f"{label}: {worked} of {len(report.proofs)} proofs worked, {len(report.failed)} failed{unproven}")
    return _ESCAPED if report.failed else _CONTAINED


def _soak_here(options: argparse.Namespace, chosen: list[Attack]) -> int:
    def show(found: Soak) -> None:
        print(f"{found.rounds} attacks, {len(found.faults)} faults", file=sys.stderr, flush=True)

    workers = options.workers or len(os.sched_getaffinity(0))
    calm = [attack for attack in chosen if not attack.slow]
    try:
        found = asyncio.run(soak(60 * options.soak, workers, calm, show))
    except (SandboxUnavailable, OSError) as error:
        return _fail(f"{_label(options)}: {error}")
    print(json.dumps({"setting": _label(options), "workers": workers, **found.data()}))
    return _ESCAPED if found.faults or found.leaks or found.verdicts["IE"] else _CONTAINED


def _show_proof(proven: Proven) -> None:
    word = "skip" if proven.skipped else "FAIL" if proven.fault else "open"
    also = f" (with {', '.join(proven.proof.also)})" if proven.proof.also else " alone"
    detail = proven.skipped or proven.fault
    print(f"{word} without {proven.proof.layer}{also}: {proven.proof.attack.tries} {detail}".rstrip(), flush=True)


def _label(options: argparse.Namespace) -> str:
    return str(options.label or ("root" if os.geteuid() == 0 else "user"))


def _elsewhere(setting: str, options: argparse.Namespace) -> int:
    flags = {"--quick": options.quick, "--json": options.json, "--prove-layers": options.prove_layers}
    values = {"--soak": options.soak, "--workers": options.workers}
    passed = ["--only", options.only]
    passed += [word for name, value in values.items() if value is not None for word in (name, str(value))]
    passed += [*(flag for flag, given in flags.items() if given)]
    try:
        with settings.command(setting, passed) as (command, how):
            if not options.json:
                print(f"== {setting}", flush=True)
            return subprocess.run(command, check=False, **how).returncode  # type: ignore[call-overload, no-any-return]
    except (settings.SettingUnavailable, OSError) as error:
        return _fail(f"{setting}: {error}")


class _Progress:
    def __init__(self, total: int, *, shown: bool) -> None:
        self._total, self._shown, self._done = total, shown, 0

    def __call__(self, finding: Finding) -> None:
        self._done += 1
        if not self._shown:
            return
        word = "skip" if finding.skipped else "held" if finding.contained else "OUT "
        detail = finding.skipped or finding.verdict
        print(
            f"{self._done:>3}/{self._total} {word} {finding.attack.name:<34} {detail:<4} {finding.attack.tries}",
            flush=True,
        )
        for fault in finding.faults:
            print(f"        {fault}", flush=True)


def _list(chosen: list[Attack], as_json: bool) -> int:
    for attack in chosen:
        row = {
            "name": attack.name,
            "language": attack.language,
            "tries": attack.tries,
            "contained": attack.containment,
        }
        print(
            json.dumps(row)
            if as_json
            else f"{attack.name:<34} {attack.language:<7} {attack.tries}\n    {attack.containment}"
        )
    return _CONTAINED


def _totals(label: str, report: Report) -> str:
    ran, escaped = len(report.ran), len(report.escaped)
    skipped = len(report.findings) - ran
    lines = [f"isolation {report.isolation.summary}"]
    lines += [f"got out: {finding.attack.name}" for finding in report.escaped]
    lines.append(f"{label}: {ran} attacks, {ran - escaped} contained, {escaped} got out, {skipped} not applicable")
    return "\n".join(lines)


def _data(label: str, report: Report) -> dict[str, Any]:
    return {
        "setting": label,
        "layers": {name: [layer.active, layer.detail] for name, layer in report.isolation.layers.items()},
        "attacks": len(report.ran),
        "contained": len(report.ran) - len(report.escaped),
        "skipped": {f.attack.name: f.skipped for f in report.findings if f.skipped},
        "escaped": {f.attack.name: list(f.faults) for f in report.escaped},
        "seconds": {f.attack.name: round(f.seconds, 3) for f in report.ran},
        "verdicts": {f.attack.name: f.verdict for f in report.ran},
    }


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return _CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
