"""What `--model` means, what `solve models` lists, and what goes wrong with a model of the user's own."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from solver.errors import UserError
from solver.models import cache, list_models, remove, resolve
from solver.models.commands import models
from solver.models.fetch import convert_gguf
from solver.models.progress import Progress
from solver.models.registry import find, registry

SMALL = registry()[0]


@pytest.fixture(autouse=True)
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def pretend_cached(name: str, digest: str) -> Path:
    made = cache.partial_dir(name)
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"weights")
    return cache.publish(made, name, digest, {})


def model_directory(path: Path, weights: bytes = b"weights") -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(weights)
    return path


def copy(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
    (out / "config.json").write_text("{}")
    shutil.copyfile(gguf, out / "model.safetensors")
    return {}


@pytest.mark.parametrize("spec", [SMALL.name, SMALL.name.upper(), *SMALL.aliases, f" {SMALL.name}"])
def test_names_and_aliases_in_any_case_mean_the_named_model(spec: str) -> None:
    path = pretend_cached(SMALL.name, SMALL.gguf_sha256)
    found = resolve(spec)
    assert (found.path_or_hub_id, found.name, found.digest) == (str(path), SMALL.name, SMALL.gguf_sha256)


def test_no_name_or_alias_means_two_models() -> None:
    spellings = [word.casefold() for model in registry() for word in (model.name, *model.aliases)]
    assert len(spellings) == len(set(spellings))


def test_a_name_wins_over_a_directory_of_that_name_and_dot_slash_means_the_directory(tmp_path: Path) -> None:
    named = pretend_cached(SMALL.name, SMALL.gguf_sha256)
    model_directory(tmp_path / SMALL.name)
    assert resolve(SMALL.name).path_or_hub_id == str(named)
    assert resolve(f"./{SMALL.name}").path_or_hub_id == str(tmp_path / SMALL.name)


def test_a_hub_id_is_passed_through() -> None:
    found = resolve("Qwen/Qwen2.5-Coder-7B-Instruct")
    assert (found.path_or_hub_id, found.digest) == ("Qwen/Qwen2.5-Coder-7B-Instruct", "")


def test_a_directory_that_looks_like_a_hub_id_is_the_directory(tmp_path: Path) -> None:
    model_directory(tmp_path / "org" / "name")
    assert resolve("org/name").path_or_hub_id == str(tmp_path / "org" / "name")


def test_the_digest_of_a_directory_changes_with_its_weights(tmp_path: Path) -> None:
    one = resolve(str(model_directory(tmp_path / "one", b"1")))
    same = resolve(str(model_directory(tmp_path / "same", b"1")))
    other = resolve(str(model_directory(tmp_path / "other", b"22")))
    assert one.digest == same.digest != other.digest


def bad(tmp_path: Path) -> dict[str, str]:
    """What a user may give -> what the one line must say."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "with-gguf").mkdir()
    (tmp_path / "with-gguf" / "m.gguf").write_bytes(b"GGUF")
    model_directory(tmp_path / "weightless")
    (tmp_path / "weightless" / "model.safetensors").unlink()
    (model_directory(tmp_path / "broken") / "config.json").write_text("{")
    (model_directory(tmp_path / "list") / "config.json").write_text("[]")
    (tmp_path / "notes.gguf").write_text("not a model")
    (tmp_path / "nothing.gguf").touch()
    return {
        "qwen3-coder": f"unknown model 'qwen3-coder'; give one of {SMALL.name}",
        "": "the model is empty",
        "~nobody-of-that-name/model": "cannot look at the model",
        "a b": "unknown model 'a b'",
        "org/name/more": "no such file or directory",
        "./nowhere": "no such file or directory",
        "/nowhere/model": "no such file or directory",
        "missing.gguf": "no such file or directory",
        "empty": "it has no config.json",
        "with-gguf": "to use its GGUF file, give with-gguf/m.gguf",
        "weightless": "it has no weights",
        "broken": "config.json is not valid JSON",
        "list": "config.json is not valid JSON: it is not an object",
        "notes.gguf": "notes.gguf is not a GGUF file",
        "nothing.gguf": "nothing.gguf is not a GGUF file",
        "x\0y": "unknown model",
        "n" * 5000: "cannot look at the model",
    }


def test_every_bad_model_is_one_line_that_names_the_trouble(tmp_path: Path) -> None:
    for spec, says in bad(tmp_path).items():
        with pytest.raises(UserError) as caught:
            resolve(spec)
        message = str(caught.value)
        assert says in message, spec[:40]
        assert "\n" not in message


def test_a_gguf_file_is_converted_once_for_its_content(tmp_path: Path) -> None:
    file = tmp_path / "My Model.gguf"
    file.write_bytes(b"GGUF one")
    first = convert_gguf(file, convert=copy)
    assert convert_gguf(file, convert=copy) == first
    assert resolve("My Model.gguf").digest == hashlib.sha256(b"GGUF one").hexdigest()
    assert file.exists()
    file.write_bytes(b"GGUF two")
    second = convert_gguf(file, convert=copy)
    assert second != first
    assert (second / "model.safetensors").read_bytes() == b"GGUF two"


def test_the_list_has_the_named_models_and_the_converted_ones(tmp_path: Path) -> None:
    pretend_cached(SMALL.name, SMALL.gguf_sha256)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    mine = convert_gguf(tmp_path / "mine.gguf", convert=copy)
    rows = {row.name: row for row in list_models()}
    assert list(rows) == [*(model.name for model in registry()), mine.name]
    assert rows[SMALL.name].path == str(cache.model_dir(SMALL.name))
    assert rows[SMALL.name].disk_bytes == cache.size_on_disk(SMALL.name)
    assert rows[registry()[1].name].path is None
    assert rows[mine.name].path == str(mine)


def test_the_json_list_is_one_object_and_nothing_else() -> None:
    result = CliRunner().invoke(models, ["--json"])
    listed = json.loads(result.stdout)
    assert [row["name"] for row in listed["models"]] == [model.name for model in registry()]
    assert listed["cache"] == str(cache.models_dir())


def test_path_prints_the_directory_or_says_how_to_fetch() -> None:
    missing = CliRunner().invoke(models, ["path", SMALL.aliases[0]])
    assert isinstance(missing.exception, UserError)
    assert f"`solve models fetch {SMALL.name}` gets it" in str(missing.exception)
    path = pretend_cached(SMALL.name, SMALL.gguf_sha256)
    assert CliRunner().invoke(models, ["path", SMALL.aliases[0]]).stdout == f"{path}\n"


def test_remove_takes_an_alias_and_fetch_refuses_an_unknown_name() -> None:
    path = pretend_cached(SMALL.name, SMALL.gguf_sha256)
    assert CliRunner().invoke(models, ["remove", SMALL.aliases[0]]).stdout == f"removed {path}\n"
    assert not path.exists()
    unknown = CliRunner().invoke(models, ["fetch", "gpt-2"])
    assert "unknown model 'gpt-2'; the named models are" in str(unknown.exception)


def test_a_removed_model_is_gone_at_once_and_twice_is_an_error() -> None:
    pretend_cached("gone", "0")
    remove("gone")
    with pytest.raises(UserError, match="not in the cache"):
        remove("gone")


def test_every_entry_of_the_registry_pins_every_part() -> None:
    for model in registry():
        assert all(len(part) == 64 for part in model.parts)
        assert len(set(model.parts)) == len(model.parts)
        assert model.requirement(10).endswith(f"part10=={model.version}")
        assert find(model.name) is model
