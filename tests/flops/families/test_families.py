"""Every family on small odd configs against torch's counter; on modules of ours where no library has one."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from footprint.flops import count_step
from footprint.flops.verify import verify
from footprint.schema import StepShape
from tests.conftest import ROOT
from tests.flops.small_configs import (
    DECODERS,
    ENCODERS,
    IMAGES,
    PATCHES,
    SEQ2SEQS,
    TEXT,
    VISION_LANGUAGE,
    names,
)
from tests.flops.torch_counts import counted, exact, ours

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")
SIDES = {"llama4": 112}
"""Images whose size the config fixes, by its table of positions."""
TEXTS = StepShape(sequences=2, sequence_length=33)


@pytest.mark.parametrize("config", DECODERS, ids=names(DECODERS))
def test_decoders(config: dict[str, Any]) -> None:
    exact(config, TEXTS, "clm")


ALWAYS = ("llama", "gpt2", "mixtral", "mamba", "bert", "t5", "vit", "qwen2_5_vl")
"""Of each the first configuration is counted by torch in each run of the tests, whatever is kept."""


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ALWAYS)
def test_what_is_kept_of_torchs_counts_is_what_it_counts(model_type: str) -> None:
    """The others: FOOTPRINT_COUNT_ANEW=1 pytest tests/flops."""
    pair = {"sequences": 2, "sequence_length": 40}
    every = [(config, StepShape(**pair), "clm") for config in DECODERS]
    every += [(config, StepShape(**pair), objective) for objective, config in ENCODERS]
    every += [(config, StepShape(**pair, target_sequence_length=13), "seq2seq") for config in SEQ2SEQS]
    every += [(config, StepShape(sequences=2, image_size=side), "") for side, config in IMAGES]
    every += [
        (config, StepShape(sequences=2, sequence_length=150, image_size=280), "")
        for config in VISION_LANGUAGE
    ]
    config, shape, objective = next(one for one in every if one[0]["model_type"] == model_type)
    proof = verify(config, shape, objective, full_depth=True)
    assert proof.residual == (0, 0, 0), proof


def test_the_delta_rule_over_several_chunks() -> None:
    """Two chunks of 64 and a part of a third."""
    exact(
        next(c for c in DECODERS if c["model_type"] == "qwen3_next"),
        StepShape(sequences=2, sequence_length=150),
    )


@pytest.mark.parametrize("length", [12, 16, 32, 40])
def test_lightning_attention_in_blocks(length: int) -> None:
    """Less than a block of 16, one, two, and two with a part of a third."""
    config = next(c for c in DECODERS if c["model_type"] == "minimax")
    exact(config, StepShape(sequences=2, sequence_length=length))


def test_the_makers_numbers_of_layers_are_the_librarys_words() -> None:
    config = next(c for c in DECODERS if c["model_type"] == "minimax" and "layer_types" in c)
    theirs = {key: value for key, value in config.items() if key != "layer_types"}
    for model_type in ("minimax_text_01", "minimax_m1"):
        named = {**theirs, "model_type": model_type, "attn_type_list": [0, 0, 1]}
        assert count_step(named, TEXTS).components == count_step(config, TEXTS).components


@pytest.mark.parametrize("rank", [96, None])
def test_mistral4(rank: int | None) -> None:
    """transformers has its class, and does not list it with the causal models."""
    config = next(c for c in DECODERS if c["model_type"] == "deepseek_v3")
    named = {
        **config,
        "model_type": "mistral4",
        "architectures": ["Mistral4ForCausalLM"],
        "q_lora_rank": rank,
    }
    exact(named, TEXTS)


@pytest.mark.parametrize(("objective", "config"), ENCODERS, ids=names([config for _, config in ENCODERS]))
def test_encoders(objective: str, config: dict[str, Any]) -> None:
    exact(config, StepShape(sequences=2, sequence_length=40), objective)


@pytest.mark.parametrize("config", SEQ2SEQS, ids=names(SEQ2SEQS))
def test_encoder_decoders(config: dict[str, Any]) -> None:
    exact(config, StepShape(sequences=2, sequence_length=40, target_sequence_length=13), "seq2seq")


@pytest.mark.parametrize(("side", "config"), IMAGES, ids=names([config for _, config in IMAGES]))
def test_image_models(side: int | None, config: dict[str, Any]) -> None:
    exact(config, StepShape(sequences=2, image_size=side))


@pytest.mark.parametrize("config", VISION_LANGUAGE, ids=names(VISION_LANGUAGE))
def test_vision_language_models(config: dict[str, Any]) -> None:
    # 280 pixels are 20 patches a side: windows of 8 patches, and smaller ones at two edges
    exact(
        config, StepShape(sequences=2, sequence_length=150, image_size=SIDES.get(config["model_type"], 280))
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"rope_scaling": {"type": "linear", "factor": 2.0}, "torch_dtype": "bfloat16"},
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4},
             "dtype": "bfloat16"},
        ),
        (
            {"model_type": "gemma3_text", "head_dim": 32, "sliding_window": 8, "sliding_window_pattern": 3,
             "rope_local_base_freq": 10_000, "torch_dtype": "bfloat16"},
            {"model_type": "gemma3_text", "head_dim": 32, "sliding_window": 8,
             "layer_types": ["sliding_attention"] * 2 + ["full_attention"], "dtype": "bfloat16"},
        ),
    ],
)  # fmt: skip
def test_old_and_new_spellings_are_one_model(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Keys of transformers 4 and of 5."""
    base = {"model_type": "llama", **TEXT, "num_key_value_heads": 2, "num_hidden_layers": 3}
    exact({**base, **old}, TEXTS, "clm")
    exact({**base, **new}, TEXTS, "clm")
    assert count_step({**base, **old}, TEXTS) == count_step({**base, **new}, TEXTS)


def test_classification_with_a_decoder() -> None:
    config = {"model_type": "llama", **TEXT, "num_labels": 7}
    exact(config, TEXTS, "classification")


def test_towers_alone() -> None:
    exact({"model_type": "pixtral", **PATCHES}, StepShape(sequences=2))
    words = {
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "vocab_size": 100, "max_position_embeddings": 16,
    }  # fmt: skip
    for name, library in (("clip", "CLIP"), ("siglip", "Siglip")):
        image = {"model_type": f"{name}_vision_model", "architectures": [f"{library}VisionModel"], **PATCHES}
        exact(image, StepShape(sequences=2))
        text = {"model_type": f"{name}_text_model", "architectures": [f"{library}TextModel"], **words}
        exact(text, StepShape(sequences=2, sequence_length=10))


class LanguageModel(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Embedding, recurrent layers, vocabulary: the textbook recurrent language model."""

    def __init__(self, cell: str, projection: int, bidirectional: bool) -> None:
        super().__init__()
        nn = torch.nn
        options = {"proj_size": projection} if projection else {}
        kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
        self.embedding = nn.Embedding(1000, 96)
        self.layers = kind(96, 128, 3, batch_first=True, bidirectional=bidirectional, **options)
        self.head = nn.Linear((projection or 128) * (2 if bidirectional else 1), 1000)

    def forward(self, ids: Any) -> Any:
        return self.head(self.layers(self.embedding(ids))[0])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "projection"), [("lstm", 0), ("lstm", 64), ("gru", 0), ("rnn", 0)])
def test_recurrent_models(cell: str, projection: int, bidirectional: bool) -> None:
    with torch.device("meta"):
        theirs = counted(LanguageModel(cell, projection, bidirectional), torch.zeros(4, 20, dtype=torch.long))
    config = {
        "model_type": cell, "vocab_size": 1000, "embedding_size": 96, "hidden_size": 128, "num_layers": 3,
        "proj_size": projection, "bidirectional": bidirectional,
    }  # fmt: skip
    assert ours(config, StepShape(sequences=4, sequence_length=20)) == theirs


class BidirectionalLanguageModel(torch.nn.Module):  # type: ignore[misc,name-defined]
    """ELMo as bilm-tf trains it: a character CNN and a stack a direction, a sampled softmax."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        nn = torch.nn
        cnn, lstm = options["char_cnn"], options["lstm"]
        self.samples = options["n_negative_samples_batch"]
        width, joined = cnn["embedding"]["dim"], sum(n for _, n in cnn["filters"])
        self.characters = nn.Embedding(cnn["n_characters"], width)
        self.filters = nn.ModuleList(nn.Conv1d(width, n, taps) for taps, n in cnn["filters"])
        gates = range(2 * cnn["n_highway"])
        self.highways = nn.ModuleList(nn.Linear(joined, joined) for _ in gates)
        self.projection = nn.Linear(joined, lstm["projection_dim"])
        self.stacks = nn.ModuleList(
            nn.LSTM(lstm["projection_dim"], lstm["dim"], lstm["n_layers"], proj_size=lstm["projection_dim"],
                    batch_first=True) for _ in range(2)
        )  # fmt: skip
        self.softmax = nn.Parameter(torch.empty(options["n_tokens_vocab"], lstm["projection_dim"]))

    def forward(self, *directions: Any) -> list[Any]:
        scores = []
        for ids, stack in zip(directions, self.stacks, strict=True):
            batch, length, _ = ids.shape
            letters = self.characters(ids.reshape(batch * length, -1)).transpose(1, 2)
            x = torch.cat([conv(letters).max(-1).values.relu() for conv in self.filters], -1)
            for carry, transform in zip(self.highways[::2], self.highways[1::2], strict=True):
                gate = carry(x).sigmoid()
                x = gate * transform(x).relu() + (1 - gate) * x
            hidden, _ = stack(self.projection(x).reshape(batch, length, -1))
            scores.append(hidden.reshape(batch * length, -1) @ self.softmax[: self.samples].T)
        return scores


def test_elmo_at_its_published_size() -> None:
    path = ROOT / "reference_data" / "models" / "elmo.toml"
    options = tomllib.loads(path.read_text(encoding="utf-8"))["config"]
    characters = options["char_cnn"]["max_characters_per_token"]
    with torch.device("meta"):
        model = BidirectionalLanguageModel(options)
        ids = [torch.zeros(4, 20, characters, dtype=torch.long) for _ in range(2)]
        forward, backward, parameters = counted(model, *ids)
        biases = sum(p.numel() for name, p in model.stacks.named_parameters() if "bias_hh" in name)
    found = ours(options, StepShape(sequences=4, sequence_length=20))
    assert found[:2] == (forward, backward)
    # torch keeps two bias vectors a cell, bilm-tf one; the softmax table stays on the host, uncounted
    assert found[2] == parameters - biases - model.softmax.numel()


def test_switch_transformer_on_real_tensors() -> None:
    from footprint.flops.torch.torch_counter import build

    config = {
        "model_type": "switch_transformers",
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 4,
        "num_decoder_layers": 4,
        "num_heads": 4,
        "vocab_size": 100,
        "num_experts": 4,
        "num_sparse_encoder_layers": 2,
        "num_sparse_decoder_layers": 2,
        "expert_capacity": 100,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
    }
    model = build(config, "seq2seq")
    ids = torch.randint(0, 100, (2, 20), generator=torch.Generator().manual_seed(0))

    class Logits(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, source: Any, target: Any) -> Any:
            return self.model(input_ids=source, decoder_input_ids=target, use_cache=False).logits

    shape = StepShape(sequences=2, sequence_length=20, target_sequence_length=7)
    assert ours(config, shape) == counted(Logits(), ids, ids[:, :7])


def test_a_capacity_factor_multiplies_the_experts_rows_only() -> None:
    base = {
        "model_type": "mixtral",
        **TEXT,
        "num_key_value_heads": 2,
        "num_local_experts": 16,
        "num_experts_per_tok": 2,
    }
    plain = count_step(base, TEXTS).components
    padded = count_step({**base, "capacity_factor": 1.25}, TEXTS).components
    assert padded["experts"] == pytest.approx(1.25 * plain["experts"], rel=1e-12)
    assert {k: v for k, v in padded.items() if k != "experts"} == {
        k: v for k, v in plain.items() if k != "experts"
    }
