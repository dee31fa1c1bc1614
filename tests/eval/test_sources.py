"""A file or a directory becomes one program in one language."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.sources import read_source, runnable
from solver.errors import UserError

from .packages import write


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.cc", "cpp"), ("a.cpp", "cpp"), ("a.C", "cpp"), ("a.c", "c"), ("a.py", "python"), ("A.java", "java"),
        ("a.out", ""), ("a.cs", ""), ("a.cpp.bin", ""), ("Makefile", ""),
    ],
)  # fmt: skip
def test_the_suffix_tells_the_language(tmp_path: Path, name: str, language: str) -> None:
    assert read_source(write(tmp_path, {name: ""}) / name).language == language


def test_python_2_is_told_by_its_first_line_or_its_syntax(tmp_path: Path) -> None:
    files = {"two.py": "#!/usr/bin/env python2\nprint(1)\n", "old.py": "print 1\n", "three.py": "#!/usr/bin/python3\n"}
    root = write(tmp_path, files)
    assert read_source(root / "two.py").language == "python2"
    assert read_source(root / "old.py").language == "python2"
    assert read_source(root / "three.py").language == "python"


def test_a_single_file_brings_the_headers_beside_it_and_no_other_program(tmp_path: Path) -> None:
    root = write(tmp_path, {"v.cc": "v", "util.h": "h", "other.cc": "o", "notes.txt": "n"})
    source = read_source(root / "v.cc")
    assert (source.main, source.text, source.files) == ("v.cc", "v", (("util.h", "h"),))


def test_a_directory_is_one_program_whose_main_file_comes_first(tmp_path: Path) -> None:
    root = write(tmp_path / "prog", {"a.py": "a", "Main.py": "m", "lib/b.py": "b", "data.bin": "x", "c.cpp": "c"})
    source = read_source(root)
    assert (source.language, source.main, source.text) == ("python", "Main.py", "m")
    assert source.files == (("a.py", "a"), ("lib/b.py", "b"))


def test_without_a_main_file_the_first_by_name_is_it(tmp_path: Path) -> None:
    source = read_source(write(tmp_path / "prog", {"b.cpp": "b", "a.cpp": "a", "x.h": "x"}))
    assert (source.main, source.files) == ("a.cpp", (("b.cpp", "b"), ("x.h", "x")))


def test_included_files_of_the_language_are_added(tmp_path: Path) -> None:
    files = {"prog.py": "p", "include/python/lib.py": "l", "include/cpp/lib.h": "h", "include/default/common.py": "c"}
    source = read_source(write(tmp_path, files) / "prog.py", tmp_path / "include")
    assert source.files == (("common.py", "c"), ("lib.py", "l"))


def test_an_old_source_in_latin_1_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "old.cpp").write_bytes(b"// Luk\xe1\xb9\n")
    assert read_source(tmp_path / "old.cpp").text == "// Luká¹\n"


@pytest.mark.parametrize("files", [{"p/a/b/c.h": "", "p/main.cpp": ""}, {"p/main.cpp": "x" * (17 * 2**20)}])
def test_what_cannot_be_passed_on_gets_one_line(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(UserError) as caught:
        read_source(write(tmp_path, files) / "p")
    assert str(caught.value).isprintable()


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_source(tmp_path / "gone.py")


def test_what_cannot_run_here_is_said_why() -> None:
    assert runnable("python") == ""
    assert "cobol" in runnable("cobol")
    assert "no source file" in runnable("")
