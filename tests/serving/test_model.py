"""What serving reads off a model's operation list, against numbers that were published or worked by hand."""

from __future__ import annotations

import pytest

from footprint.catalog.models import find_model
from footprint.serving.model import Lists


def lists(name: str, prompt: int = 1024) -> Lists:
    return Lists(find_model(name).config, prompt)


@pytest.mark.parametrize(
    ("name", "byte"),
    [
        ("llama3.1-8b", 2 * 32 * 8 * 128 * 2),  # layers x grouped heads x width, keys and values, 16 bits
        ("llama2-7b", 2 * 32 * 4096 * 2),
        ("llama3.1-405b", 2 * 126 * 8 * 128 * 2),
        ("gpt2", 2 * 12 * 768 * 2),
        ("deepseek-v3", 61 * (512 + 64) * 2),  # DeepSeek-V3, table of its report: 70.272 KB a token
        ("gpt-oss-20b", 2 * 24 * 8 * 64 * 2),
        ("falcon-7b", 2 * 32 * 64 * 2),  # one head of keys and values for all queries
    ],
)
def test_cached_bytes_of_a_token(name: str, byte: int) -> None:
    assert 2 * lists(name).served().kv_elements == byte


def test_windows_hold_the_cache_of_their_layers() -> None:
    one = lists("gpt-oss-20b")
    model = one.served()
    # 12 of 24 layers see 128 tokens, the others all 4,096.
    cached = one.context(4096, model.token_flop).cached
    assert cached == 2 * 8 * 64 * (12 * 128 + 12 * 4096)


@pytest.mark.parametrize(
    ("name", "share", "within"), [("deepseek-v4-pro", 0.27, 0.005), ("deepseek-v4-flash", 0.10, 0.03)]
)
def test_a_token_of_deepseek_v4_after_a_million(name: str, share: float, within: float) -> None:
    """FLOP beside those of V3.2 (arXiv:2606.19348, Figure 1, which weighs FLOP by their precision)."""
    flop = []
    for model in (name, "deepseek-v3.2-exp"):
        one = lists(model)
        flop.append(one.context(1_000_000, one.served().token_flop).flop)
    assert flop[0] / flop[1] == pytest.approx(share, abs=within)


def test_a_key_that_is_the_value_is_cached_once() -> None:
    """DeepSeek-V4-Pro: 61 windows of 128; 30 layers read 1,024 entries of 4 tokens, 31 read all of 128."""
    one = lists("deepseek-v4-pro")
    context = one.context(131_072, one.served().token_flop)
    window, heavy, sparse = 61 * 128, 31 * 131_072 // 128, 30 * 131_072 // 4
    assert context.cached == (window + heavy + 30 * 1024) * 512 + sparse * 128
    assert context.held == (31 * 128 + heavy + sparse) * 512 + sparse * 128


@pytest.mark.parametrize(("name", "layers", "indexers"), [("deepseek-v3.2-exp", 61, 61), ("glm-5", 78, 78)])
def test_sparse_attention_keeps_all_and_reads_what_it_chose(name: str, layers: int, indexers: int) -> None:
    one = lists(name)
    context = one.context(100_000, one.served().token_flop)
    index = 100_000 * 128 * indexers
    assert context.cached == layers * 2048 * (512 + 64) + index
    assert context.held == layers * 100_000 * (512 + 64) + index


def test_a_new_token_does_what_two_lengths_differ_by() -> None:
    """FLOP of Llama 3.1 8B by hand: all matrices but the table, and 4 FLOP a cached pair of values."""
    one = lists("llama3.1-8b")
    model = one.served()
    blocks = 32 * (4096 * (4096 + 2 * 1024) + 4096 * 4096 + 3 * 4096 * 14336)
    head = 4096 * 128_256
    assert model.token_flop == 2 * (blocks + head)
    assert model.read_narrow == blocks
    assert model.read_wide == head
    pairs = 4 * 32 * 4096 * 2000
    assert one.context(2000, model.token_flop).flop == 2 * (blocks + head) + pairs


def test_a_prompt_makes_logits_once() -> None:
    model = lists("llama3.1-8b", 1000)
    blocks = 32 * (4096 * (4096 + 2 * 1024) + 4096 * 4096 + 3 * 4096 * 14336)
    pairs = 4 * 32 * 4096 * (1000 * 1001 // 2)
    assert model.prompt_flop() == 2 * 1000 * blocks + 2 * 4096 * 128_256 + pairs


def test_experts_that_a_batch_touches() -> None:
    (group,) = lists("mixtral-8x7b").served().experts
    assert group.elements == 32 * 8 * 3 * 4096 * 14336
    assert (group.experts, group.chosen) == (8, 2)
    assert group.touched_share(1) == pytest.approx(2 / 8)
    assert group.touched_share(3) == pytest.approx(1 - 0.75**3)
    assert group.touched_share(1000) == pytest.approx(1.0)


def test_recurrent_states_do_not_grow() -> None:
    """Nemotron 3 Nano: 23 Mamba-2 layers of 64 heads x 64 x 128 (its config); 6 layers with attention."""
    model = lists("nemotron-3-nano-30b-a3b").served()
    config = find_model("nemotron-3-nano-30b-a3b").config
    mamba = config["hybrid_override_pattern"].count("M")
    state = config["mamba_num_heads"] * config["mamba_head_dim"] * config["ssm_state_size"]
    assert model.state_elements == mamba * state


def test_an_encoder_decoder_reads_its_decoder_alone() -> None:
    """T5 base: 12 decoder layers; what a token reads is its blocks and the table as the head."""
    one = lists("t5-base", 512)
    model = one.served()
    layer = 2 * 4 * 768 * 768 + 2 * 768 * 3072  # own and cross-attention without the cached cross keys, MLP
    cross_keys = 2 * 768 * 768
    assert model.read_narrow == 12 * (layer - cross_keys)
    assert model.layers == 12
    # its own keys so far, and those of the source
    assert one.context(10, model.token_flop).cached == 12 * 2 * 768 * (10 + 512)


@pytest.mark.parametrize(("name", "decodes"), [("bert-base", False), ("llama2-7b", True), ("t5-base", True)])
def test_who_decodes(name: str, decodes: bool) -> None:
    assert lists(name).served().decodes is decodes
