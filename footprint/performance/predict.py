"""The median time of a step: the sum of the roofline's terms times fitted factors for era and software."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Number, power, summed, where
from footprint.flops.operations import Model
from footprint.flops.passes.gradients import Trained
from footprint.flops.passes.methods import prepare
from footprint.performance.layouts.finder import find_layout
from footprint.performance.roofline.constants import Constants, load_constants
from footprint.performance.roofline.holding import held_by, is_known
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.terms import CONVOLUTIONAL, step_terms, tuned_before
from footprint.performance.roofline.work import Work, summarise
from footprint.records import record
from footprint.schema import Cluster, TrainingMethod
from footprint.vocabulary import ADAPTED, WIDE

SOFTWARE = "software"
"""The term with the seconds that the fitted factors add."""
MIDDLE_YEAR, LAST_YEAR = 2024, 2026
"""Years of the software: that of the factor since 2023, and the last of which rows were fitted."""
MIDDLE_OF_YEAR = 0.5
"""Part of a year at which its rows of published steps are taken to lie [years]."""
EXPOSED = (
    "tensor_parallel",
    "expert_parallel",
    "context_parallel",
    "pipeline_parallel",
    "pipeline_bubble",
    "data_parallel",
    "launch",
    "waiting",
)
"""Terms during which the accelerator waits."""


@record
class RawStep:
    """The median time of one step with its terms, layout and fitted factor."""

    seconds: float
    terms: Mapping[str, float]
    """Seconds by term; the last one is what the fitted factors add."""
    layout: Layout
    fits: bool
    factor: float
    """The fitted factor on the sum of the terms [1]."""

    @property
    def busy_share(self) -> float:
        """Share of the step in which the accelerator computes or reads its own memory [1]."""
        return float(busy_share(self.terms))


def busy_share(terms: Mapping[str, Number]) -> Number:
    """Share of a step in which the accelerator computes or reads its own memory, from its terms [1]."""
    whole = summed(value for name, value in terms.items() if name != SOFTWARE)
    waiting = summed(terms[name] for name in EXPOSED)
    return 1.0 - waiting / where(whole == 0, 1.0, whole)


def work_of(operations: Model, training: TrainingMethod) -> Work:
    """The work of one step; for LoRA and QLoRA, ``operations`` already includes the adapters."""
    masked = training.attention == "masked"
    if training.method in ADAPTED:
        return summarise(operations, Trained(adapters_only=True), masked=masked)
    return summarise(*prepare(operations, training), masked=masked)


def predict_raw(
    work: Work,
    cluster: Cluster,
    precision: str,
    year: int,
    *,
    given: Mapping[str, int | float | str] | None = None,
    flash: bool = False,
    sequence_length: float = 0.0,
    native: bool | None = None,
    constants: Constants | None = None,
) -> RawStep:
    """The median step time [s] of this work, on the given layout or on the fastest common one that fits."""
    constants = constants or load_constants()
    if native is not None and not is_known(constants):
        from footprint.catalog.stacks import find_stack

        kind = find_stack("native" if native else "tuned")
        constants = constants.but(**held_by(constants, kind.holds, kind.keeps, kind.loss))
    machine = Machine(cluster, precision, year, constants, native)
    layout, fitting = find_layout(
        work, machine, given=dict(given or {}), flash=flash, sequence_length=sequence_length
    )
    searched = None if given and "tp" in given else layout.is_split
    factor = software_factor(work, cluster, precision, year, native, searched, constants)
    terms, seconds = with_software(step_terms(work, layout, machine), factor)
    return RawStep(seconds=seconds, terms=terms, layout=layout, fits=fitting, factor=factor)


def with_software(terms: Mapping[str, Number], factor: Number) -> tuple[dict[str, Number], Number]:
    """The terms of a step, with the time that software adds as the last term, and their sum [s]."""
    whole = summed(terms.values())
    return {**terms, SOFTWARE: whole * (factor - 1.0)}, whole * factor


def software_factor(
    work: Work,
    cluster: Cluster,
    precision: str,
    year: int,
    native: bool | None,
    searched: Number | None,
    constants: Constants,
) -> Number:
    """Step time of real software over the roofline's sum, fitted on published throughput [1].

    ``searched`` says whether the layout that was found splits the model; None if the layout is given.
    """
    era = techniques_of(year).era
    if era == "before_2020" and work.family == CONVOLUTIONAL:
        # The factor of that time was fitted on transformers; cuDNN computed convolutions as it does since.
        era = "2020_to_2022"
    if precision in WIDE and era != "before_2020":
        factor: Number = constants["software_wide"]
    else:
        factor = constants[f"software_{era}"]
        if era == "since_2023" and cluster.accelerator.kind == "gpu":
            factor *= gain_of_years(work, native, min(year, LAST_YEAR) - MIDDLE_YEAR, constants)
            factor *= power(
                constants["software_2020_to_2022"] / factor, tuned_before(work, native, constants)
            )
    if searched is not None:
        # People do not run the fastest layout where many are possible.
        of_search = where(searched, constants["layout_split"], constants["layout_replicas"])
        factor = factor * where(cluster.count > 1, of_search, 1.0)
    return factor


def gain_of_years(work: Work, native: bool | None, years: float, constants: Constants) -> Number:
    """Step time of software for GPUs over that of so many years before [1].

    Experts on PyTorch's own stacks are new: their published steps show no gain.
    """
    share = (constants["native_share_unknown"] if native is None else float(native)) if work.experts else 0.0
    return power(constants["software_yearly"], years * (1.0 - share))


def releases_factor(
    work: Work,
    cluster: Cluster,
    precision: str,
    year: int,
    released: float,
    native: bool | None,
    constants: Constants,
) -> float:
    """Step time of a release of one month over that of the middle of its year [1].

    The time of software for GPUs is fitted by year (`software_factor`).
    """
    era = techniques_of(year).era
    if era != "since_2023" or precision in WIDE or cluster.accelerator.kind != "gpu":
        return 1.0
    later = min(released - MIDDLE_OF_YEAR, LAST_YEAR) - min(year, LAST_YEAR)
    return float(gain_of_years(work, native, later, constants))
