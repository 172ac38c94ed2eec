"""Serving software by name: what it reaches of a chip's bandwidth and compute, and its host's time.

An engine is one file of ``reference_data/engines``, fitted by ``calibration/serving.py`` on measured rows.
`UNSET` is the typical engine, for which the interval is that of an engine that no fit has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from footprint.catalog.files import shipped
from footprint.catalog.folder import Names, ids, read_record
from footprint.named_tuples import NamedTuple
from footprint.records import record
from footprint.results import Assumption
from footprint.vocabulary import FEW_BITS

FOLDER = "reference_data/engines"
NAMES = Names({"aliases": ("id", "aliases")}, dashes=True)
UNSET = "typical"


class Constants(NamedTuple):
    """What an engine reaches; times are those of one step of the whole batch."""

    memory_share: float
    """Reached bandwidth over the data sheet's [1]."""
    matmul_share: float
    """Reached FLOP/s over the dense peak [1]."""
    step_host_s: float
    """Time of the host in each step that the device waits for [s]."""
    layer_host_s: float
    """The same for each layer [s]."""
    sequence_host_s: float
    """The same for each sequence of the batch, in a model of 32 layers [s]."""
    hop_s: float
    """Latency of one exchange between the chips of a layer [s]."""
    expert_factor: float
    """Time to read experts over that of as many bytes of a dense layer [1]."""
    narrow_factor: float
    """Time to read weights below 16 bits over that of as many bytes in 16 [1]."""
    divided_factor: float = 1.0
    """Time of experts that are divided among the chips over that of an even share: the step waits for the
    chip whose experts get most tokens [1]."""
    quantise_s: float = 0.0
    """Time in each step for each layer of experts whose inputs are brought to the few bits of weights [s]."""
    word_host_s: float = 0.0
    """Time of the host in each step for each sequence and 100,000 words of the vocabulary [s]."""
    overlap_exponent: float = 1.0
    """How far the host works ahead of the device: 1, a step is their sum; large, the longer of both [1]."""

    def scaled(self, device: float, host: float) -> Constants:
        """The engine whose device and host take so many times as long; no faster than the data sheet."""
        quick = min(device, 1.0)
        return self._replace(
            memory_share=min(self.memory_share / device, 1.0),
            matmul_share=min(self.matmul_share / device, 1.0),
            expert_factor=max(self.expert_factor * quick, 1.0),
            narrow_factor=max(self.narrow_factor * quick, min(self.narrow_factor, 1.0)),
            divided_factor=max(self.divided_factor * quick, 1.0),
            step_host_s=self.step_host_s * host,
            layer_host_s=self.layer_host_s * host,
            sequence_host_s=self.sequence_host_s * host,
            hop_s=self.hop_s * host,
            quantise_s=self.quantise_s * host,
            word_host_s=self.word_host_s * host,
        )


class Spread(NamedTuple):
    """Ends of the 90 % interval of measured over predicted time [1].

    Where the host has ends of its own, the others are those of the device, and the interval of a load follows
    from how much of its time is the host's.
    """

    low_factor: float
    high_factor: float
    host_low_factor: float | None = None
    host_high_factor: float | None = None

    def ends(self, time_s: Callable[[Constants], float], reached: Constants) -> tuple[float, float]:
        """The ends for a load, whose time by an engine's constants is given."""
        if self.host_low_factor is None or self.host_high_factor is None:
            return self.low_factor, self.high_factor
        fast = reached.scaled(self.low_factor, self.host_low_factor)
        slow = reached.scaled(self.high_factor, self.host_high_factor)
        middle = time_s(reached)
        return time_s(fast) / middle, time_s(slow) / middle


@record
class Engine:
    """One serving software of a time."""

    id: str
    name: str
    since_year: int
    constants: Constants
    dense: Spread
    experts: Spread
    source: str
    basis: str = "fitted"
    aliases: tuple[str, ...] = ()
    one_stage_at_a_time: bool = False
    """Layers are divided among the chips and only one chip works at a time."""
    narrow_cache: bool = False
    """The cache has 8 bits where weights are floats of 8 or fewer."""
    most_dense_sequences: float = 0.0
    """Most sequences at once in its measured rows of models without experts; 0 without such rows."""
    most_expert_sequences: float = 0.0
    """The same of models with experts."""
    note: str = ""

    def beyond(self, batch: float, *, experts: bool) -> tuple[str, ...]:
        """A warning where nothing like a batch of so many sequences was measured with this engine."""
        most = self.most_expert_sequences if experts else self.most_dense_sequences
        if batch <= most:
            return ()
        kind = "with experts" if experts else "without experts"
        known = f"have a batch of at most {most:,.0f}" if most else "are not known"
        return (
            f"measured rows of {self.name} {kind} {known}: at {batch:,.0f} the time may lie outside "
            "the interval",
        )

    def caches_narrow(self, precision: str) -> bool:
        """Whether cached values have 8 bits beside weights of this precision."""
        return self.narrow_cache and precision in FEW_BITS

    def spread(self, *, experts: bool) -> Spread:
        """The interval of times for models with or without experts."""
        return self.experts if experts else self.dense

    def rows(self) -> tuple[Assumption, ...]:
        """What the answer takes from this engine, as assumption rows."""
        return tuple(
            Assumption(
                name=f"engine {name}",
                value=value,
                unit="s" if name.endswith("_s") else "1",
                basis="fitted",
                source=f"{self.id}: {self.source}",
                option="--engine",
            )
            for name, value in zip(Constants._fields, self.constants, strict=True)
        )


def engine_ids() -> list[str]:
    """Ids of the engines that people name, sorted."""
    return [name for name in ids(shipped(FOLDER)) if name != UNSET]


def find_engine(name: str | None) -> Engine:
    """The engine of that id or alias; the typical one without a name; UnknownNameError for others."""
    if name is None:
        return load_engine(UNSET)
    found = NAMES.find(shipped(FOLDER), name)
    if found is None:
        from footprint.catalog.names import unknown

        names = engine_ids()
        raise unknown("engine", name, names, f"one of: {', '.join(names)}")
    return load_engine(found)


def load_engine(engine_id: str) -> Engine:
    """The engine of a shipped file."""
    return build_engine(read_record(shipped(FOLDER), engine_id))


def build_engine(raw: dict[str, Any]) -> Engine:
    """The engine that a file's tables describe."""
    fields = {**raw, "aliases": tuple(raw.get("aliases", ()))}
    return Engine(
        **{
            **fields,
            "constants": Constants(**raw["constants"]),
            "dense": Spread(**raw["dense"]),
            "experts": Spread(**raw["experts"]),
        }
    )
