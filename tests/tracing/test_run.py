"""What a trace says of a run."""

import json
import time
from pathlib import Path

import pytest

from sandbox import Outcome, Verdict
from solver.config import RunConfig
from solver.engine import StopReason
from solver.samplers import SamplerFailed
from solver.store import Store
from solver.tracing import Judgement, TraceOptions, open_traces
from tests.tracing.spans import Sampling, answer, honest, named, orphans, read, run

TEXTS = [
    answer("right = 1"),
    answer("wrong = 1"),
    "no program",
    answer("right = 1"),
    answer("unread = 1"),
    answer("right = 2"),
]


def test_every_span_but_the_run_has_a_parent_that_is_there(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS))
    (root,) = named(spans, "invoke_workflow")
    assert not orphans(spans)
    assert [span for span in spans if span.parent is None] == [root]
    assert {span.trace for span in spans} == {root.trace}


def test_a_program_is_below_the_request_that_it_came_from_and_its_executions_are_below_it(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS))
    chat = next(s for s in named(spans, "chat") if s.attributes["codesieve.request"] == 0)
    right, wrong = sorted(named(chat.children, "candidate"), key=lambda s: s.attributes["codesieve.sample"])
    assert [s.name for s in sorted(right.children, key=lambda s: s.begun)] == ["execute example", "execute generated"]
    assert [s.name for s in wrong.children] == ["execute example"]
    assert wrong.children[0].attributes["codesieve.verdict"] == "WA"


def test_a_request_with_two_answers_is_one_client_span_with_the_genai_attributes(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS), max_tokens=512, temperature=(0.5, 0.5))
    chat = next(s for s in named(spans, "chat") if s.attributes["codesieve.request"] == 0)
    assert (chat.name, chat.kind) == ("chat scripted", 3)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "scripted",
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.max_tokens": 512,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "scripted",
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
    }
    assert {name: chat.attributes.get(name) for name in expected} == expected


def test_an_answer_has_an_event_for_its_extraction_and_a_program_one_for_each_stage_it_reached(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS))
    extracted = {e["gen_ai.response.id"]: e for chat in named(spans, "chat") for e in chat.events}
    labels = {response: e["gen_ai.evaluation.score.label"] for response, e in extracted.items()}
    assert labels == {"0.0": "ok", "0.1": "ok", "1.0": "no_code", "1.1": "duplicate", "2.0": "ok", "2.1": "ok"}
    stages = {s.attributes["codesieve.sample"]: s.evaluations() for s in named(spans, "candidate")}
    assert stages == {
        0: {"compile": "pass", "examples": "AC", "behaviour": "complete"},
        1: {"compile": "pass", "examples": "WA"},
        4: {"compile": "fail"},
        5: {"compile": "pass", "examples": "AC", "behaviour": "complete"},
    }


def test_the_choice_is_an_event_of_each_program_in_its_cluster(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS))
    (cluster,) = named(spans, "cluster")
    ranks = {e["codesieve.rank"] for e in cluster.events}
    assert (cluster.attributes["codesieve.cluster.samples"], ranks) == (3, {1, 2})


def test_no_text_of_prompts_answers_or_programs_is_in_a_trace(tmp_path: Path) -> None:
    run(tmp_path, Sampling([answer("right = 'ANSWER-CANARY'")]))
    written = (tmp_path / "traces.jsonl").read_text()
    assert "STATEMENT-CANARY" not in written
    assert "ANSWER-CANARY" not in written


def test_with_content_the_messages_are_in_the_shape_of_the_conventions(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling([answer("right = 'ANSWER-CANARY'")] * 2), content=True, samples=2)
    (chat,) = named(spans, "chat")
    asked = json.loads(chat.attributes["gen_ai.input.messages"])
    answered = json.loads(chat.attributes["gen_ai.output.messages"])
    assert "STATEMENT-CANARY" in asked[-1]["parts"][0]["content"]
    assert asked[-1]["role"] == "user"
    assert answered[0] == {
        "role": "assistant",
        "parts": [{"type": "text", "content": answer("right = 'ANSWER-CANARY'")}],
        "finish_reason": "stop",
    }
    (candidate,) = named(spans, "candidate")
    assert "ANSWER-CANARY" in candidate.attributes["codesieve.source"]


def test_a_sampler_that_dies_is_an_error_of_the_request_under_way_and_not_of_answered_ones(tmp_path: Path) -> None:
    reason, spans = run(tmp_path, Sampling(TEXTS[:3], SamplerFailed("the engine died")), rate=0.0)
    assert reason is StopReason.SAMPLER_FAILED
    (chat,) = named(spans, "chat")
    assert (chat.error, chat.attributes["error.type"]) == ("the engine died", "SamplerFailed")
    assert chat.attributes["codesieve.request"] == 1


def test_requests_that_we_cut_off_are_no_errors(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS), samples=3)
    cut = [s for s in named(spans, "chat") if s.attributes.get("codesieve.cut_off")]
    assert [s.error for s in spans if s.error is not None] == []
    assert len(cut) <= 1


def test_an_internal_error_is_kept_when_no_candidate_is(tmp_path: Path) -> None:
    texts = [answer("right = 1"), answer("broken = 1"), answer("wrong = 1"), answer("right = 2")]
    _, spans = run(tmp_path, Sampling(texts), rate=0.0)
    (candidate,) = named(spans, "candidate")
    (execution,) = candidate.children
    assert candidate.error == "internal error"
    assert (execution.error, execution.attributes["error.type"]) == ("internal error: the sandbox tripped", "IE")
    assert not named(spans, "chat")
    assert not orphans(spans)


def test_a_wrong_or_crashing_program_is_no_error(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling([answer("wrong = 1"), answer("unread = 1")]))
    assert len(named(spans, "candidate")) == 2
    assert all(span.error is None for span in spans)


def test_a_broken_executor_is_the_error_of_its_program_and_of_the_run(tmp_path: Path) -> None:
    def broken(source: str) -> Outcome:
        raise OSError("disk on fire")

    traces = open_traces(TraceOptions(file=tmp_path / "traces.jsonl"))
    with pytest.raises(OSError, match="on fire"):
        run(tmp_path, Sampling(TEXTS), traces=traces, outcome=broken)
    assert traces.close() is None
    _, spans = run(tmp_path, Sampling([]), samples=1)
    failed = {s.name: s.attributes.get("error.type") for s in spans if s.error is not None}
    assert failed["candidate"] == failed["invoke_workflow solve"] == "OSError"


def test_a_resumed_run_goes_on_in_the_same_trace_with_the_parents_of_before(tmp_path: Path) -> None:
    run(tmp_path, Sampling([*TEXTS[:2], answer("broken = 1")]), samples=3)
    _, spans = run(tmp_path, Sampling([]), samples=3, outcome=lambda _: honest("right"))
    roots = named(spans, "invoke_workflow")
    assert len(roots) == 2
    assert len({(r.id, r.trace, r.begun) for r in roots}) == 1
    again = [s for s in named(spans, "candidate") if s.attributes["codesieve.sample"] == 2]
    assert [s.error for s in again] == ["internal error", None]
    assert not orphans(spans)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.7])
def test_with_some_candidates_left_out_no_span_is_without_its_parent(tmp_path: Path, rate: float) -> None:
    texts = [answer(f"right = {i}") for i in range(60)]
    _, spans = run(tmp_path, Sampling(texts), rate=rate, samples=60)
    assert not orphans(spans)
    assert len(named(spans, "candidate")) == pytest.approx(60 * rate, abs=16)
    assert bool(named(spans, "candidate")) == bool(rate)


def test_what_hidden_tests_say_is_below_the_program_and_an_event_of_its_own(tmp_path: Path) -> None:
    _, spans = run(tmp_path, Sampling(TEXTS))
    program = named(spans, "candidate")[0]
    judgement = Judgement(program.attributes["codesieve.program"], Verdict.WA, 3, 4, 0.5, True, time.time_ns())
    traces = open_traces(TraceOptions(file=tmp_path / "traces.jsonl"))
    with Store(tmp_path / "run.sqlite") as store:
        traces.judged(RunConfig(), store, judgement)
    assert traces.close() is None
    (judge,) = named(read(tmp_path / "traces.jsonl"), "judge")
    assert (judge.parent, judge.trace) == (program.id, program.trace)
    assert judge.evaluations() == {"hidden tests": "WA"}
    assert (judge.attributes["codesieve.tests_passed"], judge.attributes["codesieve.tests"]) == (3, 4)


def test_a_run_that_was_not_traced_is_not_judged_in_a_trace(tmp_path: Path) -> None:
    traces = open_traces(TraceOptions(file=tmp_path / "traces.jsonl"))
    with Store(tmp_path / "run.sqlite") as store:
        traces.judged(RunConfig(), store, Judgement("ab" * 32, Verdict.AC, 4, 4, 0.5, True, time.time_ns()))
    assert traces.close() is None
    assert read(tmp_path / "traces.jsonl") == []
