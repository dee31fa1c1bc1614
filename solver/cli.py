"""The `solve` command: `solve PROBLEM` runs the engine; other words are subcommands, which packages offer
through the entry-point group `codesieve.commands`."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import entry_points
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from sandbox import SandboxUnavailable, ToolchainMissing
from solver.errors import UserError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class _SolveGroup(click.Group):
    """`solve X` means `solve run X` unless X names a subcommand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_offered()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.list_commands(ctx):
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if args and args[0].startswith("-") and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _offered() -> dict[str, Any]:
    return {entry.name: entry for entry in entry_points(group="codesieve.commands")}


def _load(name: str) -> click.Command | None:
    entry = _offered().get(name)
    command = entry.load() if entry else None
    return command if isinstance(command, click.Command) else None


@click.command(
    cls=_SolveGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Sample many programs from a code model, run them all, keep the few most likely to be right.\n\n"
    "`solve PROBLEM [OPTIONS]` solves one problem file (`solve run --help` lists the options).",
)
@click.version_option(package_name="codesieve", prog_name="solve")
@click.pass_context
def cli(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(EXIT_BAD_INPUT)


def main() -> None:
    """Console entry point: one line for every error a user can mend, and the documented exit codes."""
    logging.raiseExceptions = False  # a full disk must not print a traceback for every log line
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        _fail("interrupted", EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        _fail("interrupted before anything was sampled", EXIT_INTERRUPTED)
    except click.ClickException as error:
        _fail(error.format_message())
    except (UserError, SandboxUnavailable, ToolchainMissing) as error:
        _fail(str(error))
    except Exception as error:
        if os.environ.get("CODESIEVE_TRACEBACK"):
            raise
        _fail(f"internal error ({type(error).__name__}: {error}); CODESIEVE_TRACEBACK=1 shows where, please report it")


def _fail(message: str, code: int = EXIT_BAD_INPUT) -> None:
    line = Text.assemble(("solve: error:", "red"), " ", " ".join(message.split()))
    Console(stderr=True, soft_wrap=True).print(line)
    sys.exit(code)
