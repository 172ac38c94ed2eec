"""What torch's counter gets wrong, pinned: a test that fails here says that torch has mended something."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


def counts(run: Any) -> int:
    """FLOP that the counter sees in a call."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    total: int = counter.get_total_flops()
    return total


def test_fused_attention_on_a_processor_counts_nothing() -> None:
    q = torch.randn(1, 2, 16, 8)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert counts(lambda: attention(q, q, q)) == 0
    with torch.device("meta"):
        empty = torch.empty(1, 2, 16, 8)
    assert counts(lambda: attention(empty, empty, empty)) == 2 * 2 * 2 * 16 * 16 * 8


def test_masks_are_never_seen() -> None:
    with torch.device("meta"):
        q = torch.empty(1, 2, 16, 8)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert counts(lambda: attention(q, q, q, is_causal=True)) == counts(lambda: attention(q, q, q))


def test_recurrent_layers_on_a_processor_count_nothing() -> None:
    x = torch.randn(2, 5, 8)
    assert counts(lambda: torch.nn.LSTM(8, 16, batch_first=True)(x)) == 0
    with torch.device("meta"):
        layer, empty = torch.nn.LSTM(8, 16, batch_first=True), torch.empty(2, 5, 8)
    assert counts(lambda: layer(empty)) == 2 * 2 * 5 * 4 * 16 * (8 + 16)


def test_grouped_matrix_products_count_nothing() -> None:
    if not hasattr(torch, "_grouped_mm"):
        pytest.skip("this torch has no grouped matrix product")
    with torch.device("meta"):
        rows = torch.empty(32, 16, dtype=torch.bfloat16)
        experts = torch.empty(4, 16, 8, dtype=torch.bfloat16)
        ends = torch.empty(4, dtype=torch.int32)
    assert counts(lambda: torch._grouped_mm(rows, experts, offs=ends)) == 0


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_the_weight_gradient_of_a_grouped_convolution_counts_once_a_group(groups: int) -> None:
    with torch.device("meta"):
        convolution = torch.nn.Conv2d(8, 16, 3, padding=1, groups=groups, bias=False)
        image = torch.empty(2, 8, 10, 10, requires_grad=True)
        outputs = convolution(image).sum()
    forward = 2 * 2 * 100 * 16 * (8 // groups) * 9
    assert counts(outputs.backward) == forward + groups * forward


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_our_formula_for_it_counts_two_forward_passes(groups: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    from footprint.flops.torch.torch_counter import convolution_backward

    formulas = {torch.ops.aten.convolution_backward: convolution_backward}
    for kind in (torch.nn.Conv2d, torch.nn.ConvTranspose2d):
        with torch.device("meta"):
            convolution = kind(8, 16, 3, padding=1, stride=2, groups=groups, bias=False)
            image = torch.empty(2, 8, 11, 11, requires_grad=True)
            with FlopCounterMode(display=False) as forward:
                outputs = convolution(image).sum()
            with FlopCounterMode(display=False, custom_mapping=formulas) as backward:
                outputs.backward()
        assert backward.get_total_flops() == 2 * forward.get_total_flops()


def test_the_registered_backward_of_fused_attention_includes_recomputation() -> None:
    """2.5 x forward: hardware FLOPs, where eager attention's backward is 2 x."""
    from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

    shape = (1, 2, 16, 8)
    assert 2 * sdpa_backward_flop_count(shape, shape, shape, shape) == 5 * sdpa_flop_count(
        shape, shape, shape
    )
