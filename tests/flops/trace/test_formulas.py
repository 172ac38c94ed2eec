"""Two proofs at once: the formula of a type and the traced list of its module say the same.

The forward and backward FLOP of every (query, key) pair, and the parameters, to the last one; what
transformers executes beyond the model itself is named by `footprint.flops.verify`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from footprint.flops import model_families, operation_list  # noqa: E402
from footprint.flops.own_sizes import with_own_sizes  # noqa: E402
from footprint.flops.passes.methods import prepare  # noqa: E402
from footprint.flops.passes.totals import totals  # noqa: E402
from footprint.flops.torch.dummy_inputs import runner  # noqa: E402
from footprint.flops.torch.torch_counter import UNNAMED, build  # noqa: E402
from footprint.flops.trace.door import trace, trace_made  # noqa: E402
from footprint.flops.verify import USUAL, explained  # noqa: E402
from footprint.performance.predict import work_of  # noqa: E402
from footprint.schema import StepShape, TrainingMethod  # noqa: E402
from tests.flops.kept import TRACES  # noqa: E402
from tests.flops.proof_cases import cases as proof_cases  # noqa: E402
from tests.flops.small_configs import (  # noqa: E402
    AUDIO,
    DECODERS,
    ENCODERS,
    IMAGES,
    PATCHES,
    SEQ2SEQS,
    VISION_LANGUAGE,
)

Case = tuple[dict[str, Any], StepShape, str]
QUICK = {"llama", "gpt2", "mixtral", "bert", "t5", "vit", "resnet", "mamba", "clip", "deepseek_v3"}
"""Types that are traced by the quick tests, too."""


UNMASKED = {"modernbert", "siglip_text_model"}
"""Types that ask their mask for its values."""
SIDES = {"llama4": 112}
"""Images whose size the config fixes, by its table of positions."""


class Whole(torch.nn.Module):
    """A model that is run as `footprint.flops.torch.dummy_inputs` runs it."""

    def __init__(self, model: torch.nn.Module, run: Any, shape: StepShape) -> None:
        super().__init__()
        self.model, self.run, self.shape = model, run, shape

    def forward(self, _: Any) -> Any:
        return self.run(self.model, self.shape)


TOWERS = [
    {"model_type": "pixtral", **PATCHES},
    {"model_type": "clip_vision_model", "architectures": ["CLIPVisionModel"], **PATCHES},
    {"model_type": "siglip_vision_model", "architectures": ["SiglipVisionModel"], **PATCHES},
]
WORDS = [
    {
        "model_type": f"{name.lower()}_text_model", "architectures": [f"{name}TextModel"], "hidden_size": 64,
        "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        "max_position_embeddings": 16,
    }
    for name in ("CLIP", "Siglip")
]  # fmt: skip


def cases() -> Iterator[Any]:
    seen: dict[str, int] = {}
    text, pair = StepShape(sequences=2, sequence_length=24), {"sequences": 2, "sequence_length": 24}
    every: list[Case] = [(config, text, "") for config in DECODERS]
    every += [(config, text, objective) for objective, config in ENCODERS]
    every += [(config, StepShape(sequences=2, sequence_length=803), objective) for objective, config in AUDIO]
    every += [(config, StepShape(**pair, target_sequence_length=16), "") for config in SEQ2SEQS]
    every += [(config, StepShape(sequences=2, image_size=side), "") for side, config in IMAGES]
    every += [
        (
            config,
            StepShape(sequences=2, sequence_length=160, image_size=SIDES.get(config["model_type"], 56)),
            "",
        )
        for config in VISION_LANGUAGE
    ]
    every += [(config, StepShape(sequences=2), "") for config in TOWERS]
    every += [(config, StepShape(sequences=2, sequence_length=10), "") for config in WORDS]
    known = {config["model_type"] for config, _, _ in every}
    published = [(case.config, case.shape, case.objective) for case in proof_cases()]
    every += [case for case in published if case[0]["model_type"] not in known]
    for config, shape, objective in every:
        name = config["model_type"]
        seen[name] = seen.get(name, 0) + 1
        quick = name in QUICK and seen[name] == 1
        marks = () if quick else (pytest.mark.slow,)
        yield pytest.param(config, shape, objective, quick, marks=marks, id=f"{name}-{seen[name]}")


@pytest.mark.parametrize(("config", "shape", "objective", "anew"), list(cases()))
def test_the_traced_list_is_the_formulas(
    config: dict[str, Any], shape: StepShape, objective: str, anew: bool
) -> None:
    """What was traced is kept; the quick types are traced each time (see tests/flops/kept.py)."""
    shape = with_own_sizes(config, shape, objective)
    usual, run = USUAL.get(config["model_type"], ("", None))
    formula = operation_list(config, shape, objective)

    def made() -> tuple[torch.nn.Module, Any]:
        model = build(config, objective or usual or ("" if "architectures" in config else UNNAMED))
        return Whole(model, run or runner(masked=config["model_type"] not in UNMASKED), shape), torch.zeros(2)

    def ask() -> list[Any]:
        traced = trace_made(made)
        sums = totals(*prepare(traced.model, TrainingMethod()))
        counts = [sums.dense_forward, sums.dense_backward, sums.parameters.total]
        return [*counts, traced.forward_flop, traced.backward_flop]

    question = [config, asdict(shape), objective, usual, getattr(run, "__name__", "")]
    found = ask() if anew else TRACES.answer(config["model_type"], question, ask)
    forward, backward, parameters, *torchs = found
    ours = totals(*prepare(formula, TrainingMethod()))
    # the trace knows triangular systems, of which torch's counter knows nothing
    known = [one for one in explained(config, formula) if "triangular" not in one.reason]
    assert forward == ours.dense_forward + sum(one.forward_flop for one in known)
    assert parameters == ours.parameters.total + sum(one.parameters for one in known)
    grouped = sum(one.backward_flop for one in known if "grouped" in one.reason)  # a fault of torch's counter
    assert backward == ours.dense_backward - grouped + sum(one.backward_flop for one in known)
    assert torchs == [forward, backward]


KERNELS = [
    ("llama", "_attn_implementation", "flash_attention_2"),
    ("llama", "_attn_implementation", "flex_attention"),
    ("qwen3_moe", "_experts_implementation", "eager"),
]


@pytest.mark.parametrize(("model_type", "setting", "kernel"), KERNELS)
def test_a_model_that_names_a_kernel_of_an_accelerator_is_traced(
    model_type: str, setting: str, kernel: str
) -> None:
    """As a program on an accelerator has it; eager experts ask which tokens are theirs."""
    config = next(one for one in DECODERS if one["model_type"] == model_type)
    model = build(config, UNNAMED)
    setattr(model.config, setting, kernel)
    traced = trace(model, {"input_ids": torch.zeros(2, 24, dtype=torch.long), "use_cache": False})
    ours = totals(
        *prepare(operation_list(config, StepShape(sequences=2, sequence_length=24)), TrainingMethod())
    )
    found = totals(*prepare(traced.model, TrainingMethod()))
    assert (found.dense_forward, found.dense_backward) == (ours.dense_forward, ours.dense_backward)
    assert getattr(model.config, setting) == kernel


STRUCTURE = ("llama", "gpt2", "bert", "vit", "mixtral", "qwen3")


@pytest.mark.parametrize("model_type", STRUCTURE)
def test_what_layouts_and_memory_rest_on_is_the_formulas(model_type: str) -> None:
    """Layers, width, heads, scores, sums over ranks, parameters of blocks; and what is kept within 25 %."""
    config, shape, objective, _ = next(
        one.values for one in cases() if one.values[0]["model_type"] == model_type
    )
    shape = with_own_sizes(config, shape, objective)
    formula = work_of(operation_list(config, shape, objective), TrainingMethod())

    def made() -> tuple[torch.nn.Module, Any]:
        return Whole(build(config, objective or UNNAMED), runner(masked=True), shape), torch.zeros(2)

    traced = work_of(trace_made(made).model, TrainingMethod())
    for name in (
        "layers", "width", "heads", "scores", "reductions", "boundary", "logits", "block_parameters",
        "expert_parameters", "other_parameters", "experts", "chosen",
    ):  # fmt: skip
        assert getattr(traced, name) == getattr(formula, name), name
    assert traced.stored_block == pytest.approx(formula.stored_block, rel=0.25)


def test_every_type_with_a_formula_has_a_case() -> None:
    """But for those that transformers does not have, or runs on real tensors only."""
    covered = {one.values[0]["model_type"] for one in cases()}
    missing = set(model_families()) - covered
    assert missing <= NOT_SMALL, sorted(missing - NOT_SMALL)


NOT_SMALL = {
    "elmo",
    "lstm",
    "gru",
    "rnn",
    "dit",
    "gopher",
    "switch_transformers",
    "kimi_k2",
    "mistral4",
    "minimax_text_01",
    "minimax_m1",
}
