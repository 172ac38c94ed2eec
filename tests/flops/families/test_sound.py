"""Encoders of sound, and objectives that need a class or a mode of their own, against torch's counter."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.schema import StepShape
from tests.flops.small_configs import AUDIO, IMAGES, names
from tests.flops.torch_counts import counted, exact, ours

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


class Logits(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A model of transformers that returns its predictions only."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Any) -> Any:
        return self.model(*arguments).logits


@pytest.mark.parametrize(("objective", "config"), AUDIO, ids=names([config for _, config in AUDIO]))
def test_encoders_of_sound(objective: str, config: dict[str, Any]) -> None:
    exact(config, StepShape(sequences=2, sequence_length=803), objective)


def test_the_pre_training_of_wav2vec2() -> None:
    """In training, because only then the choice of code words has a gradient."""
    from footprint.flops.torch.torch_counter import build

    config = next(config for _, config in AUDIO if config["model_type"] == "wav2vec2")
    off = ("layerdrop", "mask_time_prob", "hidden_dropout", "attention_dropout", "activation_dropout")
    quiet = {**config, **dict.fromkeys(off, 0.0), "architectures": ["Wav2Vec2ForPreTraining"]}

    class Both(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = build(quiet).train()
            self.model.wav2vec2.feature_extractor._requires_grad = False  # asks for the gradient of the wave

        def forward(self, wave: Any) -> list[Any]:
            out = self.model(wave)
            return [out.projected_states, out.projected_quantized_states]

    forward, backward, parameters = counted(Both(), torch.zeros(2, 803))
    shape = StepShape(sequences=2, sequence_length=803)
    found = ours(quiet, shape, "contrastive")
    groups, taps = config["num_conv_pos_embedding_groups"], config["num_conv_pos_embeddings"]
    frames = (((803 - 10) // 5 + 1 - 3) // 2 + 1 - 2) // 2 + 1
    once = 2 * 2 * (frames + 1) * config["hidden_size"] ** 2 // groups * taps
    assert found == (forward, backward - (groups - 1) * once, parameters)  # a fault of torch's counter


def test_beit_names_the_hidden_patches() -> None:
    """A head over all patches as transformers runs it; over the hidden ones where their number is given."""
    from footprint.flops.torch.torch_counter import build

    config = next(config for _, config in IMAGES if config["model_type"] == "beit")
    with torch.device("meta"):
        model = build({**config, "vocab_size": 50, "architectures": ["BeitForMaskedImageModeling"]})
        theirs = counted(Logits(model), torch.empty(2, 3, 64, 64))
    everywhere = ours({**config, "vocab_size": 50}, StepShape(sequences=2, image_size=64), "mim")
    assert everywhere == theirs
    hidden = ours(
        {**config, "vocab_size": 50}, StepShape(sequences=2, image_size=64, predicted_positions=6), "mim"
    )
    assert everywhere[0] - hidden[0] == 2 * 2 * (16 - 6) * config["hidden_size"] * 50
