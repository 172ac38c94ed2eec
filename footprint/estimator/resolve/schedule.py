"""A training written out as phases, in the place of the recipe's."""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.estimator.request import EstimateRequest
from footprint.flops.schedule import predicted_at, read_schedule
from footprint.records import replace
from footprint.schema import ModelConfig, Recipe

OWN_RECIPE = "recipe"
_SET_BY_IT = ("tokens", "samples", "steps", "epochs", "batch_size")
_SIZES = {"sequence_length": "seq_len", "target_sequence_length": "tgt_seq_len", "image_size": "image_size"}


def with_schedule(
    request: EstimateRequest, model: ModelConfig, recipe: Recipe
) -> tuple[EstimateRequest, Recipe]:
    """The recipe with the phases of the schedule; sizes that it does not write come from the request.

    A phase predicts the share of positions that the recipe predicts.

    Raises FootprintError for a schedule of another form, and for what it already sets.
    """
    assert request.schedule is not None  # noqa: S101 - the caller has seen it
    if request.schedule.strip().lower() == OWN_RECIPE:
        return request, recipe
    for name in _SET_BY_IT:
        if getattr(request, name) is not None:
            raise FootprintError(f"`schedule=` sets what `{name}=` says: leave out `{name}=`")
    own = recipe.phases
    image_size = request.image_size or (own[0].image_size if own else None)
    phases = []
    for phase in read_schedule(request.schedule):
        sizes = {name: getattr(phase, name) or getattr(request, option) for name, option in _SIZES.items()}
        if sizes["sequence_length"] is None:
            sizes["image_size"] = image_size
        elif own and all(each.image_size for each in own):
            raise FootprintError(
                f"{model.id} trains on images, which have no length: write `schedule=` as STEPSxIMAGES[,...]"
            )
        positions = predicted_at(own, sizes["sequence_length"])
        phases.append(replace(phase, **sizes, predicted_positions=positions))
    unsized = replace(request, **dict.fromkeys(_SIZES.values()))
    return unsized, replace(recipe, phases=tuple(phases))
