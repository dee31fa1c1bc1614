"""Turns one GGUF file into a Hugging Face directory in bfloat16: `python convert.py MODEL.gguf DIRECTORY`.

Runs as a child of `conversion.py` and imports nothing of ours. Reports on stdout, one JSON object a line:
`{"share": 0.4}` while it works (of the whole, from 0 to 1) and `{"versions": {...}}` at the end.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

_TIED_DIFFERENCE = 0.2
_SAMPLED_ROWS = 4096
_END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>")


def convert(gguf: Path, directory: Path) -> None:
    """Load, restore the tied embedding, save the weights, tokenizer and end tokens."""
    import gguf as gguf_library
    import torch
    import transformers

    # transformers parses the file anew for the tokenizer, the configuration and the weights: 6 s each time.
    gguf_library.GGUFReader = functools.cache(gguf_library.GGUFReader)

    report(share=0.1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    report(share=0.25)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16
    )
    report(share=0.8)
    tie_embeddings(model)
    model.hf_quantizer = None  # the weights are plain now; else saving would go through the GGUF quantizer
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.generation_config.eos_token_id = end_tokens(tokenizer)
    model.save_pretrained(directory)
    report(share=0.98)
    tokenizer.save_pretrained(directory)
    report(versions={"torch": str(torch.__version__), "transformers": str(transformers.__version__)})


def tie_embeddings(model: Any) -> None:
    """Some GGUF files of tied models hold the matrix twice: coarse for the input, finer for the output.

    Two quantisations of one matrix differ by a few per cent (4 to 8 for four to eight bits), matrices trained
    apart by more than 100. Keeping the finer one alone saves memory and is nearer to the original.
    """
    rough, fine = model.get_input_embeddings(), model.get_output_embeddings()
    if fine is None or rough.weight is fine.weight or rough.weight.shape != fine.weight.shape:
        return
    a, b = (side.weight[:_SAMPLED_ROWS].detach().float() for side in (rough, fine))
    if float((a - b).norm() / b.norm()) < _TIED_DIFFERENCE:
        rough.weight = fine.weight
        model.config.tie_word_embeddings = True


def end_tokens(tokenizer: Any) -> list[int]:
    """Ids that end an answer. A GGUF names one, chat models use several."""
    vocabulary = tokenizer.get_vocab()
    ids = [tokenizer.eos_token_id, *(vocabulary.get(token) for token in _END_TOKENS)]
    return list(dict.fromkeys(i for i in ids if i is not None))


def report(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
