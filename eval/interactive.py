"""Interactive problems: the program talks to the package's interactor, which is its output validator as well."""

from __future__ import annotations

from dataclasses import replace

from eval.cases import Case
from eval.judge import CaseResult, result_of
from sandbox import CheckerFailed, Limits, Program, Sandbox, Verdict
from sandbox.validators import COLLECTED, kattis_call, kattis_ruling


async def judge_interactively(
    case: Case, program: Program, interactor: Program, sandbox: Sandbox, limits: Limits, interactor_limits: Limits
) -> CaseResult:
    """Lets the two talk on one case. Raises UserError for test data that cannot be read."""
    (answer,) = case.outputs()
    arguments, files = kattis_call(case.input(), answer, case.flags)
    talk = await sandbox.interact(
        program,
        interactor,
        limits=limits,
        interactor_limits=interactor_limits,
        interactor_arguments=arguments,
        interactor_files=files,
        collect=COLLECTED,
    )
    result = replace(result_of(case, talk.program), verdict=talk.verdict)
    if talk.verdict not in (Verdict.AC, Verdict.WA, Verdict.IE) or talk.program.verdict is Verdict.IE:
        return result
    try:
        ruling = kattis_ruling(talk.interactor)
    except CheckerFailed as error:
        return replace(result, verdict=Verdict.IE, detail=str(error))
    settled = talk.verdict is Verdict.WA and talk.first == "interactor"
    return replace(result, detail=ruling.message, score=ruling.score, settled=settled)
