"""The figures of a benchmark run on a terminal: the few that one looks at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.bench import nodes, unjudged
from eval.bench.layout import BenchDirectory
from eval.bench.sessions import read_sessions
from eval.metrics.markdown import percent


def show_results(results: dict[str, Any], root: Path, console: Console) -> None:
    """results: what `eval.metrics.summarise` returned."""
    table = Table(box=None, header_style="dim")
    table.add_column("")
    table.add_column("%", justify="right")
    for row in results["solved"]:
        table.add_row(f"solved with {row['k']}", percent(row))
    for row in results["pass_at_k"]:
        table.add_row(f"pass@{row['k']}", percent(row))
    if results["problems"] or "unjudged" not in results:
        console.print(Text(f"{results['problems']} problems, {results['samples']} samples", style="bold"))
        console.print(table)
    funnel = " → ".join(f"{count} {name.replace('_', ' ')}" for name, count in results["funnel"].items())
    console.print(Text(funnel))
    if extra := results["false_positives"]:
        rate = f": {percent(extra['rate'])} %" if extra["rate"] else ""
        told = f"{extra['failed']} of {extra['checked']} accepted submissions fail one of {extra['tests']} extra tests"
        console.print(Text(told + rate))
    for row in results.get("by_model") or ():
        console.print(Text(_model_line(row)))
    if rest := results.get("unjudged"):
        console.print(Text(unjudged.told(rest)))
    if cluster := results.get("cluster"):
        console.print(Text(f"cluster: {nodes.told(cluster)}", style="yellow" if cluster["drained"] else ""))
    for reason, count in results.get("skipped", {}).items():
        console.print(Text(f"skipped {count}: {reason}", style="dim"))
    bench = BenchDirectory(root)
    for session in read_sessions(bench)[-1:]:
        if session.get("engine"):
            console.print(Text(engine_line(session["engine"]), style="dim"))
    console.print(f"\nreport: {bench.report}   figures: {bench.results}", soft_wrap=True)


def _model_line(row: dict[str, Any]) -> str:
    """What a model alone, or all of a cascade together, solved a million tokens."""
    last = row["by_k"][-1]
    rate = "unknown" if last["per_million"] is None else f"{last['per_million']:.1f}"
    return (
        f"{row['model']}: {last['solved']} of {row['problems']} problems with {last['k']}, {row['tokens']:,} tokens, "
        f"{rate} solved a million tokens"
    )


def engine_line(engine: dict[str, Any]) -> str:
    """engine: what `SamplerStats.plain` told at the end of a session."""

    def share(name: str) -> str:
        return "unknown" if engine.get(name) is None else f"{engine[name]:.0%}"

    return (
        f"engine: KV cache {share('kv_cache_usage_mean')} full, at most {share('kv_cache_usage_peak')}; prefix cache "
        f"{share('prefix_cache_hit_rate')} hits; longest wait for requests {engine.get('longest_gap_seconds', 0):.1f} s"
    )
