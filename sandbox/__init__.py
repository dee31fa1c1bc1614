"""Runs untrusted programs and checks their outputs. Imports none of the other packages."""

from sandbox.anywhere import AnySandbox
from sandbox.batch import Job, JobResult, TestOrder
from sandbox.checkers import Checker, CheckerSpec, make_checker
from sandbox.isolation import IsolationReport, Layer
from sandbox.languages import PYTHON2, Availability, Language, Level, ToolchainMissing, language_of, languages
from sandbox.pool import Sandbox, probe
from sandbox.rulings import CheckerFailed, Ruling
from sandbox.types import Interaction, Limits, Outcome, Program, SandboxUnavailable, Verdict
from sandbox.validators import Runner

__all__ = [
    "PYTHON2",
    "AnySandbox",
    "Availability",
    "Checker",
    "CheckerFailed",
    "CheckerSpec",
    "Interaction",
    "IsolationReport",
    "Job",
    "JobResult",
    "Language",
    "Layer",
    "Level",
    "Limits",
    "Outcome",
    "Program",
    "Ruling",
    "Runner",
    "Sandbox",
    "SandboxUnavailable",
    "TestOrder",
    "ToolchainMissing",
    "Verdict",
    "language_of",
    "languages",
    "make_checker",
    "probe",
]
