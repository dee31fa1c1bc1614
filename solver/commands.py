"""The engine's own subcommands: `run`, `resume`, `show`, `samples` and `schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from clustering.policies import POLICIES
from sandbox import languages
from solver.cascade import parse_cascade
from solver.choice import OPINION_POLICIES, scorer_of
from solver.config import RunConfig, make_config
from solver.engine import StopReason, planned_requests
from solver.errors import UserError
from solver.formats import load_problem, problem_schema
from solver.models.registry import find
from solver.problem import Problem
from solver.prompts import render_prompts
from solver.report import render
from solver.rundir import RunDirectory
from solver.samplers.factory import resolve_model
from solver.samplers.recorded import SampleWriter
from solver.samplers.recordings import notes_on
from solver.session import Session, execute
from solver.store import Store
from solver.tracing import TraceOptions, open_traces
from solver.tracing.command import trace_options

EXIT_SOLVED, EXIT_UNSOLVED, EXIT_INTERRUPTED = 0, 1, 130
_DEFAULTS = RunConfig()


def _words(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(word.strip() for word in value.split(",") if word.strip())


def _range(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    if value is None:
        return None
    low, _, high = value.partition(":")
    try:
        return float(low), float(high or low)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor LOW:HIGH") from None


def _option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    """An option whose default, unless named here, is the run configuration's own."""
    field = names[-1].lstrip("-").replace("-", "_")
    default = getattr(_DEFAULTS, field, None)
    if "help" in settings and default is not None and default != () and default is not False:
        shown = ":".join(map(str, default)) if field == "temperature" else default
        shown = ",".join(default) if field == "languages" else shown
        settings["help"] += f"  [default: {shown}]"
    return click.option(*names, default=None, **settings)


_RUN_OPTIONS = [
    _option("--model", metavar="MODEL", help="Name of ours, directory, GGUF file or hub id."),
    click.option("--cascade", metavar="A[:N],B[:N]",
                 help="Models, cheap first, each with its budget a problem: 64, 20000tok, 300s, 0.05usd."),
    click.option("--price", "prices", multiple=True, metavar="MODEL=USD", help="Of a million completion tokens."),
    _option("--accept", type=float, metavar="P", help="The next model of a cascade is asked below this P(correct)."),
    _option("--base-url", metavar="URL", help="OpenAI-compatible endpoint to sample from (any model it serves)."),
    _option("--recorded", type=click.Path(path_type=Path), help="Replay recorded samples (file or shards)."),
    _option("--samples", type=int, help="Sample budget."),
    _option("--samples-per-request", type=int, help="Answers drawn from one prompt."),
    _option("--max-tokens", type=int, help="Longest answer, in tokens."),
    _option("--languages", callback=_words, metavar="A,B", help="Languages to ask for: python, cpp."),
    _option("--plans", callback=_words, metavar="A,B", help="Prompt plans to draw from (all if not given)."),
    _option("--plans-file", type=click.Path(path_type=Path), help="Your own prompt plans (TOML)."),
    click.option("--conditioning/--no-conditioning", default=None, help="Random tags and ratings."),
    _option("--temperature", callback=_range, metavar="LOW:HIGH", help="Drawn anew for each request."),
    _option("--seed", type=int, help="Seeds prompts, generated inputs and sampling."),
    _option("--submissions", type=int, help="How many programs to choose (1 to 10)."),
    _option("--inputs", type=int, help="Generated inputs that tell behaviours apart."),
    _option("--model-inputs", type=int, metavar="N", help="Inputs and tests that the model writes, at most."),
    _option("--distinguish", type=int, metavar="N", help="Runs spent on inputs that tell the leading programs apart."),
    _option("--opinions", type=int, metavar="N", help="Leading clusters that the model itself judges and compares."),
    _option("--select", "policy", type=click.Choice(sorted([*POLICIES, *OPINION_POLICIES])), help="Selection policy."),
    _option("--scorer", type=click.Path(path_type=Path), help="P(correct) from `solve train-scorer`."),
    _option("--time-factor", type=float, help="Multiplies the problem's time limit."),
    _option("--max-seconds", type=float, help="Wall budget, model loading included."),
    _option("--max-total-tokens", type=int, help="Token budget (completion tokens)."),
    _option("--agreement", type=int, metavar="N", help="Stop when N samples agree; 0: never early."),
    _option("--workers", type=click.IntRange(1), help="Sandbox workers (one per core if not given)."),
    _option("--tensor-parallel", type=int, help="GPUs per model replica."),
    _option("--max-model-len", type=int, help="Context length, in tokens."),
    _option("--concurrency", type=int, help="Endpoint requests in flight."),
    _option("--request-timeout", type=float, help="Seconds before an endpoint request is retried."),
    click.option("--unsafe-no-isolation", is_flag=True, default=None, help="Run programs unconfined."),
]  # fmt: skip


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that `run_config` reads."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout and nothing else there.")
_quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress.")


@click.command()
@click.argument("problem_path", metavar="PROBLEM", type=click.Path(path_type=Path))
@click.option("--id", "record_id", help="Which record of a file with several.")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/NAME-TIME]")
@click.option("--show-prompts", is_flag=True, help="Print the prompts of this run and exit.")
@run_options
@trace_options
@_json_option
@_quiet_option
def run(
    problem_path: Path,
    record_id: str | None,
    out: Path | None,
    show_prompts: bool,
    tracing: TraceOptions,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Solve one problem: sample programs, run them on the examples, choose at most ten.

    PROBLEM is a problem file or directory in any known format (see the README).

    Exit code 0: a submission passes all examples; 1: none does; 2: bad input or set-up; 130: interrupted.
    """
    config = run_config(options)
    problem = load_problem(problem_path, record_id)
    requests = planned_requests(problem, config)
    if show_prompts:
        click.echo(render_prompts(requests))
        return
    _check_runnable(problem)
    tracing.check()
    model = resolve_model(config)
    directory = RunDirectory.create(out, problem, config)
    session = Session(directory, problem, config, model, Console(stderr=True), quiet, is_new=True)
    _execute(session, as_json, tracing)


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@_option("--workers", type=click.IntRange(1), help="Sandbox workers of this session (as before if not given).")
@trace_options
@_json_option
@_quiet_option
def resume(run_path: Path, workers: int | None, tracing: TraceOptions, as_json: bool, quiet: bool) -> None:
    """Continue a run that was interrupted or killed; nothing recorded is done again."""
    tracing.check()
    directory, problem, config = RunDirectory.open(run_path)
    if workers is not None:
        config = config.model_copy(update={"workers": workers})
    directory.lock()
    session = Session(directory, problem, config, None, Console(stderr=True), quiet)
    _execute(session, as_json, tracing)


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@_json_option
def show(run_path: Path, as_json: bool) -> None:
    """Print a run's report again."""
    directory, _, _ = RunDirectory.open(run_path)
    _print(directory.read_report(), as_json)


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, writable=True))
def samples(run_path: Path, out: Path) -> None:
    """Write a run's raw samples to FILE (JSON Lines, packed when it ends in .gz or .zst), for `--recorded FILE`."""
    directory, problem, _ = RunDirectory.open(run_path)
    if not directory.store_path.exists():
        raise UserError(f"{run_path}: has no samples yet; go on with `solve resume {run_path}`")
    try:
        with Store(directory.store_path) as store, SampleWriter(out) as writer:
            for sample in (*store.side_samples(), *store.raw_samples()):
                writer.write(problem.name, sample)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); choose another FILE") from None


@click.command()
def schema() -> None:
    """Print the JSON Schema of the problem format."""
    click.echo(json.dumps(problem_schema(), indent=2))


def run_config(options: dict[str, Any]) -> RunConfig:
    """From the options that `run_options` adds; those that were not given are None. Raises UserError."""
    given = {name: value for name, value in options.items() if value is not None}
    _take_cascade(given)
    _make_absolute(given)
    kind = _sampler_kind(given)
    if kind == "endpoint":
        given.setdefault("model", "")  # the server's only model
    config = make_config(sampler=kind, **given)
    if config.recorded is not None:
        for note in notes_on(config.recorded):
            click.echo(f"solve: {note}", err=True)
    scorer_of(config)
    _check_languages(config)
    return config


def _take_cascade(options: dict[str, Any]) -> None:
    prices = options.pop("prices", ())
    if "cascade" not in options:
        if prices:
            raise UserError("--price is for a cascade; give --cascade SMALL:64,LARGE:32")
        return
    if "model" in options:
        raise UserError("--model and --cascade exclude each other; the first model of the cascade begins")
    options["cascade"] = parse_cascade(options["cascade"], prices)
    options["model"] = options["cascade"][0]["model"]


def _make_absolute(options: dict[str, Any]) -> None:
    """So that the run can be resumed from any directory."""
    for name in ("recorded", "plans_file", "scorer"):
        if name in options:
            options[name] = options[name].absolute()
    model = options.get("model")
    if model and not find(model) and Path(model).expanduser().exists():
        options["model"] = str(Path(model).expanduser().absolute())


def _sampler_kind(options: dict[str, Any]) -> str:
    if "recorded" in options and "base_url" in options:
        raise UserError("--recorded and --base-url exclude each other; give one")
    if "recorded" in options:
        return "recorded"
    return "endpoint" if "base_url" in options else "vllm"


def _check_runnable(problem: Problem) -> None:
    if not problem.examples:
        raise UserError(
            f"{problem.name}: no examples in the record or its statement, so nothing can be filtered; add `examples`"
        )


def _check_languages(config: RunConfig) -> None:
    for name in config.languages:
        available = languages()[name].available()
        if not available:
            raise UserError(f"--languages {name}: {available.detail}; install it or choose another language")


def _execute(session: Session, as_json: bool, tracing: TraceOptions) -> None:
    traces = open_traces(tracing.within(session.run.root))
    try:
        report = execute(replace(session, traces=traces))
    finally:
        if lost := traces.close():
            session.console.print(f"traces: {lost}", highlight=False, soft_wrap=True, markup=False)
    _print(report, as_json)
    if not as_json:
        click.echo(f"\nrun directory: {session.run.root}   (`solve show {session.run.root}` prints this again)")
    if report["stop_reason"] == StopReason.INTERRUPTED:
        sys.exit(EXIT_INTERRUPTED)
    if report["stop_reason"] == StopReason.SAMPLER_FAILED and not report["passes_examples"]:
        raise UserError(f"{report['detail']}; continue with `solve resume {session.run.root}`")
    sys.exit(EXIT_SOLVED if report["passes_examples"] else EXIT_UNSOLVED)


def _print(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=True))
    else:
        render(report, Console())
