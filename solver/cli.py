"""The `solve` command: `solve PROBLEM` runs the engine; other words are subcommands, which packages offer
through the entry-point group `codesieve.commands`."""

from __future__ import annotations

import os
import sqlite3
import sys
from importlib.metadata import entry_points
from typing import Any

import click
from rich.console import Console

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
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Sample many programs from a code model, run them all, keep the few most likely to be right.\n\n"
    "`solve PROBLEM [OPTIONS]` solves one problem file (`solve run --help` lists the options).",
)
@click.version_option(package_name="codesieve", prog_name="solve")
def cli() -> None:
    pass


def main() -> None:
    """Console entry point: one line for every error a user can mend, and the documented exit codes."""
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
    except (sqlite3.OperationalError, OSError) as error:
        _fail(f"{error}; what was recorded is kept: free space or mend the path, then `solve resume RUN`")


def _fail(message: str, code: int = EXIT_BAD_INPUT) -> None:
    Console(stderr=True, soft_wrap=True).print(f"[red]solve: error:[/red] {_one_line(message)}", highlight=False)
    sys.stderr.flush()
    os._exit(code) if code == EXIT_INTERRUPTED else sys.exit(code)


def _one_line(message: str) -> str:
    return " ".join(message.split()).replace("[", "\\[")
