"""The smallest named model for real: fetched, converted, and it answers. Run by scripts/test-model."""

import json
from pathlib import Path

import pytest

from solver.errors import UserError
from solver.models import fetch
from solver.models.fetch import convert_gguf

pytestmark = pytest.mark.model

NAME = "qwen2.5-coder-0.5b"


def test_the_small_model_holds_one_embedding_and_writes_code() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    directory = fetch(NAME)
    config = json.loads((directory / "config.json").read_text())
    assert config["tie_word_embeddings"] is True
    assert "quantization_config" not in config
    assert json.loads((directory / "generation_config.json").read_text())["eos_token_id"] == [151645, 151643]
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16)
    assert sum(weight.numel() for weight in model.parameters()) == 494_032_768
    tokenizer = AutoTokenizer.from_pretrained(directory)
    question = [{"role": "user", "content": "Write a Python function gcd(a, b). Answer with one code block only."}]
    prompt = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**prompt, max_new_tokens=60, do_sample=False)
    text = tokenizer.decode(answer[0, prompt["input_ids"].shape[1] :])
    assert "def gcd(a, b)" in text
    assert text.endswith("<|im_end|>")


def test_a_damaged_gguf_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "cache"))
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF\x03\x00\x00\x00" + bytes(64))
    with pytest.raises(UserError, match=r"cannot convert damaged\.gguf: ") as caught:
        convert_gguf(damaged)
    assert "\n" not in str(caught.value)


def test_matrices_trained_apart_are_not_tied() -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from solver.models.convert import tie_embeddings

    config = Qwen2Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config)
    tie_embeddings(model)
    assert model.get_input_embeddings().weight is not model.get_output_embeddings().weight
    with torch.no_grad():
        rough = model.get_output_embeddings().weight * (1 + 0.05 * torch.randn(64, 16))
        model.get_input_embeddings().weight.copy_(rough)
    tie_embeddings(model)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
