#!/usr/bin/env python
"""Write a data set's own reference solutions as recorded samples, so that `solve bench` can be checked with them.

    scripts/references_as_samples.py apps --data PATH --out references.jsonl.gz [--each N]
    solve bench apps --data PATH --recorded references.jsonl.gz --samples N --allow-repeats --agreement 0

A benchmark that does not solve nearly all problems with right programs as samples has a fault in loading, running or
judging. Python 2 solutions are left out. Prints one JSON object. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from eval.datasets import DATA_SETS, DatasetSpec, reference_solutions
from solver.errors import UserError
from solver.samplers import Sample
from solver.samplers.recorded import SampleWriter


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_set", choices=sorted(DATA_SETS))
    parser.add_argument("--data", default="", help="local file or folder, or hub id (default: the hub)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=5, help="solutions a problem, at most (default: 5)")
    options = parser.parse_args()
    written: Counter[str] = Counter()
    try:
        with SampleWriter(options.out) as writer:
            for name, language, source in reference_solutions(DatasetSpec(name=options.data_set, path=options.data)):
                if language != "python2" and written[name] < options.each:
                    writer.write(name, reference_sample(written[name], language, source))
                    written[name] += 1
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"problems": len(written), "samples": written.total(), "file": str(options.out)}))
    return 0


def reference_sample(request: int, language: str, source: str) -> Sample:
    """An answer as a model would give it."""
    return Sample(
        request=request,
        choice=0,
        text=f"``````{language}\n{source}\n``````\n",
        model="reference",
        plan="reference",
        language=language,
        temperature=0.0,
        seed=0,
        prompt_tokens=0,
        completion_tokens=0,
        mean_logprob=None,
        finish_reason="stop",
    )


if __name__ == "__main__":
    sys.exit(main())
