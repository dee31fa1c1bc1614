"""Runs untrusted programs and checks their outputs. Imports none of the other packages."""

from sandbox.batch import Job, JobResult, TestOrder
from sandbox.checkers import Checker, CheckerFailed, CheckerSpec, make_checker
from sandbox.isolation import IsolationReport, Layer
from sandbox.languages import Availability, Language, ToolchainMissing, languages
from sandbox.pool import Sandbox, probe
from sandbox.types import Limits, Outcome, Program, SandboxUnavailable, Verdict

__all__ = [
    "Availability",
    "Checker",
    "CheckerFailed",
    "CheckerSpec",
    "IsolationReport",
    "Job",
    "JobResult",
    "Language",
    "Layer",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxUnavailable",
    "TestOrder",
    "ToolchainMissing",
    "Verdict",
    "languages",
    "make_checker",
    "probe",
]
