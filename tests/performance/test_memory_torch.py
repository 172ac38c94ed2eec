"""Memory beside what torch keeps: tensors saved for the backward pass, and states of optimisers.

torch's own hooks see each tensor that a transformers model saves; each storage counts once, parameters
do not. What one layer keeps is the difference between two depths, so heads and embeddings drop out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from footprint.catalog.assumptions import assumed
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.memory import activation_byte, parameter_bytes
from tests.performance.test_memory import BEFORE_FUSION, machine, work

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
SEQUENCES, LENGTH, WIDTH = 2, 256, 128
ELEMENTS = SEQUENCES * LENGTH * WIDTH
BYTES = {"fp32": 4, "bf16": 2}
TEXT = {"vocab_size": 500, "max_position_embeddings": 512}
LLAMA = {
    "model_type": "llama", "hidden_size": WIDTH, "intermediate_size": 344, "num_attention_heads": 4,
    "num_key_value_heads": 2, **TEXT,
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": WIDTH, "intermediate_size": 512, "num_attention_heads": 4, **TEXT,
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2", "n_embd": WIDTH, "n_head": 4, "vocab_size": 500, "n_positions": 512,
    "activation_function": "gelu", "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
"""``gelu_new``, GPT-2's own, is written out in eight operations, each of which keeps what it reads."""
DEPTH = {"gpt2": "n_layer"}
NO_DROPOUT = {
    "llama": {}, "bert": {"attention_probs_dropout_prob": 0.0}, "gpt2": {"attn_pdrop": 0.0},
}  # fmt: skip
"""With dropout of its scores a processor has no fused attention."""


def at_depth(config: dict[str, Any], layers: int) -> dict[str, Any]:
    return {**config, DEPTH.get(config["model_type"], "num_hidden_layers"): layers}


def built(config: dict[str, Any], precision: str, kernel: str) -> Any:
    settings = dict(config)
    loaded = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    family = (
        transformers.AutoModelForMaskedLM
        if config["model_type"] == "bert"
        else transformers.AutoModelForCausalLM
    )
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return family.from_config(loaded, attn_implementation=kernel, dtype=dtype).train()


def saved_byte(model: Any, call: Callable[[Any], Any], *, autocast: bool = False) -> int:
    """Bytes of the tensors that one forward pass saves, each storage once, parameters left out."""
    owned = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    sizes: dict[int, int] = {}
    alive = []

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        call(model)
    return sum(sizes.values())


def on_text(model: Any) -> Any:
    tokens = torch.zeros(SEQUENCES, LENGTH, dtype=torch.long)
    return model(input_ids=tokens, labels=tokens)


def saved_on_text(config: dict[str, Any], precision: str, kernel: str, *, checkpoints: bool = False) -> int:
    model = built(config, precision, kernel)
    if checkpoints:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return saved_byte(model, on_text)


def layer_byte(config: dict[str, Any], *arguments: Any, **options: Any) -> float:
    two, four = (saved_on_text(at_depth(config, layers), *arguments, **options) for layers in (2, 4))
    return (four - two) / 2


def formula_byte(config: dict[str, Any], precision: str, year: int = BEFORE_FUSION, **layout: Any) -> float:
    """What one layer keeps by our formula."""
    job = machine(year, precision)
    split = Layout(micro_batch=SEQUENCES, **layout)
    two, four = (
        activation_byte(work(at_depth(config, n), sequences=SEQUENCES, sequence_length=LENGTH), split, job)
        for n in (2, 4)
    )
    return float(four - two) / 2


CONFIGS = pytest.mark.parametrize("config", [LLAMA, BERT, GPT2], ids=["llama", "bert", "gpt2"])
PRECISIONS = pytest.mark.parametrize("precision", ["fp32", "bf16"])


@PRECISIONS
@CONFIGS
def test_fused_attention(config: dict[str, Any], precision: str) -> None:
    """Plain code keeps more than the list, by 12 to 23 % here: the list is too low for it.

    Beyond the list it keeps norms in 32 bits, rotated queries and keys beside the plain ones, and
    GPT-2's merged heads, which fused kernels do not. docs/decisions/memory.md has the table.
    """
    kept = layer_byte({**config, **NO_DROPOUT[config["model_type"]]}, precision, "sdpa")
    assert 0.78 < formula_byte(config, precision, flash=True) / kept <= 1.0


@PRECISIONS
@CONFIGS
def test_eager_attention(config: dict[str, Any], precision: str) -> None:
    """Scores are kept as Korthikanti et al. have it: softmax, dropout and its mask.

    Too low by up to a fifth in 16 bits, where plain code computes the softmax in 32; too high by a
    third for Llama in 32 bits, which has no dropout.
    """
    ratio = formula_byte(config, precision, flash=False) / layer_byte(config, precision, "eager")
    assert 0.78 < ratio < 1.35


@PRECISIONS
@CONFIGS
def test_checkpoints_keep_the_inputs_of_blocks(config: dict[str, Any], precision: str) -> None:
    """Exactly; the block that is being recomputed comes on top, once, and is left out of both here."""
    kept = layer_byte(config, precision, "sdpa", checkpoints=True)
    assert kept == BYTES[precision] * ELEMENTS
    two, four = (work(at_depth(config, n), sequences=SEQUENCES, sequence_length=LENGTH) for n in (2, 4))
    assert (four.boundary - two.boundary) / 2 == ELEMENTS


def state_byte(model: Any, optimizer: Any) -> float:
    """Bytes a parameter of weights, gradients and the optimiser's tensors, after one step."""
    tokens = torch.zeros(1, 8, dtype=torch.long)
    model(input_ids=tokens, labels=tokens).loss.backward()
    optimizer.step()
    weights = list(model.parameters())
    states = [
        value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)
    ]
    tensors = [*weights, *(weight.grad for weight in weights), *(value for value in states if value.dim())]
    return sum(tensor.nbytes for tensor in tensors) / sum(weight.numel() for weight in weights)


@pytest.mark.parametrize(("precision", "published"), [("fp32", 16), ("bf16", 8)])
def test_states_of_adamw(precision: str, published: int) -> None:
    """torch holds 16 B a parameter in 32 bits; all in 16 bits, which few trust, 8 B.

    Ours are the 18 B of mixed precision with 32-bit gradients, as Megatron-LM has them; in 32 bits they
    are torch's.
    """
    model = built(at_depth(LLAMA, 2), precision, "sdpa")
    assert state_byte(model, torch.optim.AdamW(model.parameters())) == published
    byte = parameter_bytes(precision, machine().constants)
    ours = byte.weight + byte.gradient + byte.optimiser
    assert ours == {"fp32": published, "bf16": 2 + 4 + 12}[precision]


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("adamw", lambda p: torch.optim.AdamW(p)),
        ("adam", lambda p: torch.optim.Adam(p)),
        ("adagrad", lambda p: torch.optim.Adagrad(p)),
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        ("adafactor", lambda p: torch.optim.Adafactor(p)),
    ],
)
def test_the_table_of_optimisers_is_torchs_and_a_master_weight(name: str, build: Any) -> None:
    model = built(at_depth(LLAMA, 2), "fp32", "sdpa")
    states = state_byte(model, build(model.parameters())) - 2 * 4
    # Adafactor keeps a row and a column a matrix: some percent of 4 B on matrices as small as these
    assert assumed(f"optimisers.{name}").value - 4 == pytest.approx(states, abs=0.1)
