"""From a published recipe and what the user changed to the steps that will be trained.

Rules (design, section 5): the recipe as published is the default; ``--tokens``,
``--samples``, ``--steps`` and ``--epochs`` scale it; ``--seq-len`` (or an image size)
replaces its phases by one and keeps the tokens; ``--batch-size`` keeps the tokens and the
lengths. A batch or a length that nobody gave or published is a default with an interval
(`footprint.estimator.resolve.defaults`). A fact without a defensible default is an error that
names the option that supplies it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from footprint.arithmetic import summed
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.request import AMOUNT_FIELDS, EstimateRequest
from footprint.estimator.resolve.defaults import Defaults
from footprint.estimator.workload import Workload, known, samples_of, tokens_of, tokens_per_sequence
from footprint.flops.schedule import main_phase, predicted_at
from footprint.records import replace
from footprint.results import Assumption
from footprint.schema import ModelConfig, Phase, Recipe, StepShape


def resolve_workload(
    request: EstimateRequest,
    model: ModelConfig,
    parameters: Callable[[Phase], tuple[float, float]] | None = None,
    fixed: Mapping[str, float] | None = None,
) -> Workload:
    """The phases that will be trained.

    ``parameters`` counts the model's parameters, all and active ones, for the shape of a phase. ``fixed``
    holds values that replace those of defaults, by the names of `Choice`.

    Raises MissingFactError where recipe and request lack a fact that has no default.
    """
    recipe = model.recipe if model.recipe is not None else Recipe()
    method = request.method or recipe.method
    if method != recipe.method:
        # A pre-training recipe says nothing about a fine-tuning.
        recipe = Recipe(precision=recipe.precision, optimizer=recipe.optimizer, objective=recipe.objective)
    if request.objective is not None:
        recipe = replace(recipe, objective=request.objective)
    if request.schedule is not None:
        from footprint.estimator.resolve.schedule import with_schedule

        request, recipe = with_schedule(request, model, recipe)
    notes: list[Assumption] = []
    published = model.parameters or 0.0
    defaults = Defaults(model, method, parameters or (lambda _: (published, published)), fixed or {})
    phases = _lengths(request, model, recipe, notes, defaults)
    tokens = _tokens(request, recipe, phases)
    if tokens is None and _lacks_amount(request, phases):
        tokens = defaults.tokens(phases[-1])
    phases = _batches(request, model, recipe, phases, defaults, tokens)
    phases = _amount(request, model, recipe, phases, notes, defaults, tokens)
    choices = defaults.choices
    if request.packing:
        from footprint.estimator.resolve.packing import packed

        phases, rows, more = packed(request, method, recipe.objective or "", phases, fixed or {})
        notes, choices = [*notes, *rows], [*choices, *more]
    return Workload(
        phases=phases,
        method=method,
        objective=recipe.objective,
        assumptions=(*notes, *defaults.rows),
        choices=tuple(choices),
        warnings=tuple(defaults.warnings),
    )


def _missing(
    model: ModelConfig, recipe: Recipe, what: Sequence[str], options: Sequence[str]
) -> MissingFactError:
    """The error that names everything that is missing at once; an unknown type of model is said first."""
    from footprint.flops.count import require_known

    require_known(model.config)
    known = recipe.phases or recipe.tokens
    many = len(what) > 1
    if known:
        why = f"{'were' if many else 'was'} never published"
    else:
        why = f"{'are' if many else 'is'} not known, as it comes without a recipe for this"
    return MissingFactError(f"{model.id}: {' and '.join(what)} {why}: give {', '.join(options)}")


def _lengths(
    request: EstimateRequest,
    model: ModelConfig,
    recipe: Recipe,
    notes: list[Assumption],
    defaults: Defaults,
) -> tuple[Phase, ...]:
    """Phases with their lengths settled, and the batch where it is known; steps may still be absent."""
    phases = recipe.phases
    replaces = any(v is not None for v in (request.seq_len, request.tgt_seq_len, request.image_size))
    if replaces or not phases:
        main = main_phase(phases)
        one = replace(
            main,
            steps=main.steps if len(phases) == 1 and not replaces else None,
            sequence_length=request.seq_len or main.sequence_length,
            target_sequence_length=request.tgt_seq_len or main.target_sequence_length,
            image_size=request.image_size or main.image_size,
        )
        one = replace(one, predicted_positions=predicted_at(phases, one.sequence_length))
        if len(phases) > 1:
            notes.append(_note("workload.phases", "replaced by one phase; tokens kept", "--seq-len"))
        phases = (one,)
    if request.document_length is not None:
        phases = tuple(replace(p, document_length=request.document_length) for p in phases)
    if request.predicted_positions is not None:
        phases = tuple(replace(p, predicted_positions=request.predicted_positions) for p in phases)
    if request.batch_size is not None:
        phases = tuple(
            replace(
                p, sequences_per_step=float(request.batch_size), steps=_rescaled_steps(p, request.batch_size)
            )
            for p in phases
        )
    if any(_no_size(p) for p in phases):
        phases = _own_sizes(model, recipe, phases, notes)
    if any(_no_size(p) for p in phases):
        length = defaults.sequence_length()
        if length is None:
            what, options = ["the sequence length"], ["`seq_len=` (or `image_size=` for images)"]
            raise _missing(model, recipe, what, options)
        phases = tuple(replace(p, sequence_length=length) if _no_size(p) else p for p in phases)
    return phases


def _no_size(phase: Phase) -> bool:
    return phase.sequence_length is None and phase.image_size is None


def _tokens(request: EstimateRequest, recipe: Recipe, phases: tuple[Phase, ...]) -> float | None:
    """The whole amount, as far as it is known without the batch [token]; epochs of the request apart."""
    if request.tokens is not None:
        return request.tokens
    if request.samples is not None:
        return request.samples * tokens_per_sequence(phases[-1]) or None
    return None if request.steps is not None else _recipe_tokens(recipe)


def _lacks_amount(request: EstimateRequest, phases: tuple[Phase, ...]) -> bool:
    """Whether neither request nor recipe says how much text is trained on."""
    # Given hours say how long the maker's own amount, which is unknown, took.
    given = request.among((*AMOUNT_FIELDS, "hours"))
    text = all(phase.image_size is None and phase.steps is None for phase in phases)
    return text and not given


def _no_tokens(model: ModelConfig, recipe: Recipe, defaults: Defaults, phase: Phase) -> MissingFactError:
    options = f"`tokens=`, `samples=` or `steps=`, such as {defaults.example(phase)}"
    return _missing(model, recipe, ["the number of training tokens"], [options])


def _batches(
    request: EstimateRequest,
    model: ModelConfig,
    recipe: Recipe,
    phases: tuple[Phase, ...],
    defaults: Defaults,
    tokens: float | None,
) -> tuple[Phase, ...]:
    """Phases with their batch; the usual one where nobody gave it."""
    whole = None if tokens is None else tokens * (request.epochs or 1.0)
    found = []
    for phase in phases:
        if phase.sequences_per_step is None:
            batch = defaults.batch(phase, whole)
            if batch is None and request.steps is not None:
                batches = "`batch_size=` (sequences or samples of one global step)"
                raise _missing(model, recipe, ["the batch of each of these steps"], [batches])
            if batch is None:
                raise _no_tokens(model, recipe, defaults, phase)
            phase = replace(phase, sequences_per_step=batch)
        found.append(phase)
    return tuple(found)


def _own_sizes(
    model: ModelConfig, recipe: Recipe, phases: tuple[Phase, ...], notes: list[Assumption]
) -> tuple[Phase, ...]:
    """Phases of the sizes that the model itself fixes: the side of its images, the frames of its audio."""
    from footprint.flops.own_sizes import with_own_sizes

    own = with_own_sizes(model.config, StepShape(sequences=1), recipe.objective)
    source = "the model's config"
    if own.image_size is not None:
        notes.append(_note("workload.image_size", own.image_size, "--image-size", "px", source))
    elif own.sequence_length is not None:
        notes.append(_note("workload.sequence_length", own.sequence_length, "--seq-len", "", source))
    return tuple(
        p
        if p.sequence_length or p.image_size
        else replace(p, sequence_length=own.sequence_length, image_size=own.image_size)
        for p in phases
    )


def _rescaled_steps(phase: Phase, batch: int) -> float | None:
    """Steps that keep a phase's samples at another batch."""
    if phase.steps is None or phase.sequences_per_step is None:
        return None
    return phase.steps * phase.sequences_per_step / batch


def _amount(
    request: EstimateRequest,
    model: ModelConfig,
    recipe: Recipe,
    phases: tuple[Phase, ...],
    notes: list[Assumption],
    defaults: Defaults,
    amount: float | None,
) -> tuple[Phase, ...]:
    """Phases with their steps: the request's amount, else ``amount`` tokens, times the epochs."""
    epochs = _epoch_factor(request, model, recipe, notes)
    if any(phase.steps is None for phase in phases):
        if len(phases) > 1:
            raise _missing(model, recipe, ["how its steps divide into phases"], ["`seq_len=` and `tokens=`"])
        return _scaled((_sized(request, model, recipe, phases[0], defaults, amount),), epochs)
    if request.steps is not None:
        return _scaled(phases, request.steps / summed(known(p.steps) for p in phases))
    if request.tokens is not None:
        tokens = summed(tokens_of(p) for p in phases)
        if tokens == 0:
            raise FootprintError("`tokens=`: this model trains on images: give `samples=`")
        return _scaled(phases, request.tokens / tokens * epochs)
    if request.samples is not None:
        return _scaled(phases, request.samples / summed(samples_of(p) for p in phases) * epochs)
    return _scaled(phases, epochs)


def _epoch_factor(
    request: EstimateRequest, model: ModelConfig, recipe: Recipe, notes: list[Assumption]
) -> float:
    """What ``--epochs`` multiplies: the given amount is one epoch, else the recipe's own count."""
    if request.epochs is None:
        return 1.0
    if request.tokens is not None or request.samples is not None:
        return request.epochs
    if recipe.epochs is None:
        raise _missing(
            model,
            recipe,
            ["how many epochs its recipe is"],
            ["one epoch's `tokens=` or `samples=` beside `epochs=`"],
        )
    notes.append(_note("workload.recipe_epochs", recipe.epochs, "--epochs"))
    return request.epochs / recipe.epochs


def _scaled(phases: tuple[Phase, ...], factor: float) -> tuple[Phase, ...]:
    return tuple(replace(p, steps=known(p.steps) * factor) for p in phases)


def _sized(
    request: EstimateRequest,
    model: ModelConfig,
    recipe: Recipe,
    phase: Phase,
    defaults: Defaults,
    tokens: float | None,
) -> Phase:
    """One phase with its steps from the amount that is known."""
    batch = known(phase.sequences_per_step)
    if request.steps is not None:
        return replace(phase, steps=request.steps)
    if request.samples is not None:
        return replace(phase, steps=request.samples / batch)
    if tokens is not None and tokens_per_sequence(phase):
        return replace(phase, steps=tokens / (batch * tokens_per_sequence(phase)))
    samples = summed(samples_of(p) for p in recipe.phases if p.steps and p.sequences_per_step)
    if request.tokens is None and samples and phase.image_size is not None:
        return replace(phase, steps=samples / batch)
    if phase.image_size is not None:
        raise _missing(model, recipe, ["the number of training images"], ["`samples=` or `steps=`"])
    raise _no_tokens(model, recipe, defaults, phase)


def _recipe_tokens(recipe: Recipe) -> float | None:
    """Tokens of the published recipe, from its phases or as published."""
    if recipe.phases and all(p.steps and p.sequences_per_step for p in recipe.phases):
        return summed(tokens_of(p) for p in recipe.phases) or None
    return recipe.tokens


def _note(
    name: str, value: float | str, option: str, unit: str = "", source: str = "published recipe"
) -> Assumption:
    return Assumption(name=name, value=value, unit=unit, basis="derived", source=source, option=option)
