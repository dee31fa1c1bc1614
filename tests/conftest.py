"""Shared fixtures."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of third-party data, which is no part of the repository."""
    path = Path(os.environ.get("CODESIEVE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (path / "problems").is_dir():
        pytest.skip(f"no shared data at {path}; set CODESIEVE_DATA")
    return path
