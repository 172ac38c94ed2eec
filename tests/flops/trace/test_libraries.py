"""Traced modules of timm, torchvision and diffusers against torch's own counter, where they are installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")

from footprint.flops.passes.methods import prepare  # noqa: E402
from footprint.flops.passes.totals import totals  # noqa: E402
from footprint.flops.torch.torch_counter import convolution_backward  # noqa: E402
from footprint.flops.trace.calls import call_of  # noqa: E402
from footprint.flops.trace.door import trace_made  # noqa: E402
from footprint.schema import TrainingMethod  # noqa: E402
from tests.flops.trace.libraries import MODULES, Made  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def by_torch(made: Made) -> tuple[int, int, int]:
    """(forward FLOP, backward FLOP, parameters) by torch's counter, plain attention, on empty tensors.

    Its count of the weight gradient of grouped convolutions is mended.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    mended = {torch.ops.aten.convolution_backward: convolution_backward}
    with torch.device("meta"), sdpa_kernel(SDPBackend.MATH):
        model, inputs = made()
        arguments, keywords = call_of(inputs)
        with FlopCounterMode(display=False) as forward:
            found = model(*arguments, **keywords)
        with FlopCounterMode(display=False, custom_mapping=mended) as backward:
            (found[0] if isinstance(found, tuple) else found).sum().backward()
    parameters = sum(one.numel() for one in model.parameters())
    return forward.get_total_flops(), backward.get_total_flops(), parameters


@pytest.mark.parametrize("name", MODULES)
def test_the_traced_list_is_what_torch_counts(name: str) -> None:
    library = name.split()[0]
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    traced = trace_made(MODULES[name])
    sums = totals(*prepare(traced.model, TrainingMethod()))
    found = (sums.dense_forward, sums.dense_backward, sums.parameters.total)
    assert found == by_torch(MODULES[name])
