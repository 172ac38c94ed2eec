"""What a Hugging Face model says beyond its config, and a model that has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integrations.training_helpers import options

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers' and torch's own
LENGTH, BATCH, STEPS, VOCABULARY = 16, 4, 12, 100


def test_the_attention_kernel_and_the_targets_of_adapters(tmp_path: Path) -> None:
    from footprint.integrations.pretrained import attention_of, method_of

    for kernel, ours in (("eager", "eager"), ("sdpa", "flash")):
        config = transformers.GPT2Config(n_embd=32, n_layer=1, n_head=2)
        model = transformers.GPT2LMHeadModel(config)
        model.set_attn_implementation(kernel)
        assert attention_of(model) == {"attention": ours}

    class Adapted(torch.nn.Module):
        """As the peft library wraps a layer: two narrow ones beside it."""

        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.base_layer, self.lora_A, self.lora_B = layer, torch.nn.ModuleDict(), torch.nn.ModuleDict()

    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    model = transformers.LlamaForCausalLM(config)
    for layer in model.model.layers:
        layer.self_attn.q_proj = Adapted(layer.self_attn.q_proj)
        layer.mlp.up_proj = Adapted(layer.mlp.up_proj)
    model.peft_config = {"default": type("Config", (), {"r": 4})()}
    found = {"method": "lora", "lora_rank": 4, "lora_targets": ("q_proj", "up_proj")}
    assert method_of(model) == found
    model.peft_config["default"].lora_dropout = 0.05
    assert method_of(model) == {**found, "lora_dropout": "each"}
    model.model.layers[0].mlp.router = Adapted(torch.nn.Linear(4, 4))  # a name that no formula has
    assert "lora_targets" not in method_of(model)


def test_a_model_without_a_config_is_traced(tmp_path: Path) -> None:
    from footprint.integrations.huggingface import attach

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = torch.nn.Embedding(VOCABULARY, 8), torch.nn.Linear(8, VOCABULARY)

        def forward(self, input_ids: Any, labels: Any = None) -> dict[str, Any]:
            logits = self.head(self.table(input_ids))
            return {"loss": torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())}

    rows = [dict.fromkeys(("input_ids", "labels"), torch.arange(LENGTH)) for _ in range(64)]
    arguments = transformers.TrainingArguments(
        str(tmp_path), per_device_train_batch_size=BATCH, max_steps=STEPS, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    trainer = transformers.Trainer(Plain(), arguments, train_dataset=rows)
    callback = attach(trainer, **options(tmp_path))
    trainer.train()
    run = callback.loop.ended
    tokens = STEPS * BATCH * LENGTH
    assert run.measurement.flop.model_flop == pytest.approx(3 * 2 * tokens * 8 * VOCABULARY)
    assert trainer.state.log_history[-1]["footprint/predicted_mfu"] > 0
