"""Results in files that other tools read: JSON, Markdown, and Parquet tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.metrics.markdown import as_markdown
from solver.errors import UserError

_COUNTS = (
    "samples",
    "with_program",
    "programs",
    "compiled_programs",
    "passing",
    "passing_programs",
    "clusters",
    "submissions",
    "right_submissions",
    "right",
    "right_programs",
    "hidden_tests",
    "internal_errors",
    "passing_not_judged",
    "prompt_tokens",
    "completion_tokens",
    "executions",
)
_TEXTS = ("problem", "source", "difficulty", "date", "doubtful", "stop_reason")


def export(results: Mapping[str, Any], directory: Path, formats: Iterable[str] = ("json",)) -> list[Path]:
    """Writes `results.json`, `results.md`, or `problems.parquet` and `curves.parquet` (one row a problem; one a
    problem, n and k). Returns the files.

    Raises UserError for an unknown format, a directory that cannot be written, or Parquet without pyarrow.
    """
    written: list[Path] = []
    for name in dict.fromkeys(formats):
        if name not in FORMATS:
            raise UserError(f"there is no export format {name!r}; there are: {', '.join(FORMATS)}")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            written += FORMATS[name](results, directory)
        except OSError as error:
            raise UserError(f"{directory}: cannot be written ({error.strerror or error})") from None
    return written


def read_results(path: Path) -> dict[str, Any]:
    """What `export` wrote as JSON: the file, or a directory that holds `results.json`. Raises UserError."""
    file = path / "results.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file; `solve bench` writes it when a run ends") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as results ({error})") from None
    from eval.metrics.summary import FORMAT

    told = found.get("format") if isinstance(found, dict) else None
    if told != FORMAT:
        raise UserError(f"{file}: is not in the format {FORMAT}" + (f" but in {told}" if told else ""))
    return dict(found)


def _json(results: Mapping[str, Any], directory: Path) -> list[Path]:
    return [_whole(directory / "results.json", json.dumps(results, indent=1, allow_nan=False) + "\n")]


def _markdown(results: Mapping[str, Any], directory: Path) -> list[Path]:
    return [_whole(directory / "results.md", as_markdown(results))]


def _whole(path: Path, text: str) -> Path:
    """Nobody ever finds half a file under this name."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8", errors="surrogatepass")
    return part.replace(path)


def _parquet(results: Mapping[str, Any], directory: Path) -> list[Path]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise UserError("Parquet needs pyarrow: pip install 'codesieve[data]'") from None
    problems = arrow.schema(
        [(name, arrow.string()) for name in _TEXTS]
        + [(name, arrow.int64()) for name in ("number", "rating", "first_right", *_COUNTS)]
        + [("covered", arrow.bool_()), ("survives", arrow.bool_()), ("tags", arrow.list_(arrow.string()))]
        + [(f"solved_{k}", arrow.bool_()) for k in results["ks"]]
        + [("model_seconds", arrow.float64()), ("sandbox_cpu_seconds", arrow.float64())]
    )
    curves = arrow.schema(
        [("problem", arrow.string()), ("n", arrow.int64()), ("k", arrow.int64()), ("solved", arrow.float64())]
    )
    written = []
    for name, schema, rows in (
        ("problems", problems, [_flat(row) for row in results["per_problem"]]),
        ("curves", curves, list(_curve_rows(results))),
    ):
        path = directory / f"{name}.parquet"
        part = path.with_name(path.name + ".part")
        parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), part)
        written.append(part.replace(path))
    return written


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("number", "rating", "first_right", "covered", "survives", "tags", *_TEXTS, *_COUNTS)
    solved = {f"solved_{k}": hit for k, hit in row["solved"].items()}
    return {name: row[name] for name in kept} | solved | dict(row["timing"])


def _curve_rows(results: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for row in results["per_problem"]:
        for n, by_k in row["solved_from"].items():
            for k, share in by_k.items():
                yield {"problem": row["problem"], "n": int(n), "k": int(k), "solved": share}


FORMATS: dict[str, Callable[[Mapping[str, Any], Path], list[Path]]] = {
    "json": _json,
    "markdown": _markdown,
    "parquet": _parquet,
}
