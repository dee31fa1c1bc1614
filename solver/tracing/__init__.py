"""What a run did, as OpenTelemetry spans: off by default, one line of JSON a batch of spans when on.

`NO_TRACES` costs nothing. `open_traces(options)` needs the extra `traces`; nothing of OpenTelemetry is imported before.
"""

from solver.tracing.base import NO_TRACER, NO_TRACES, Judgement, Tracer, Traces
from solver.tracing.options import TraceOptions, open_traces

__all__ = ["NO_TRACER", "NO_TRACES", "Judgement", "TraceOptions", "Tracer", "Traces", "open_traces"]
