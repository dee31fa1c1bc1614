"""Tests that a model wrote, as data; kept where the engine can use them too."""

from clustering.model_tests import MAX_TESTS, parse_model_tests

__all__ = ["MAX_TESTS", "parse_model_tests"]
