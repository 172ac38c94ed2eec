"""One load on one layout: times, shares and energy at any batch; plain numbers only."""

from __future__ import annotations

from collections.abc import Callable
from math import log

from footprint.named_tuples import NamedTuple
from footprint.records import record
from footprint.results import Quantity
from footprint.schema import Accelerator
from footprint.serving.engine import Constants, Engine
from footprint.serving.model import Context, Served
from footprint.serving.power import PowerConstants, board_share
from footprint.serving.room import Room
from footprint.serving.steps import Layout, Terms, Weights, decode_terms, ideal, prompt_ideal


class Point(NamedTuple):
    """A load at one batch."""

    batch: float
    """Of one copy of the model."""
    decode: Terms
    prompt: Terms
    """One prompt alone."""
    output: float

    @property
    def shared_prompt_s(self) -> float:
        """Time that one more prompt adds to steps that run anyway [s]."""
        added = self.prompt.compute_s + self.prompt.exchange_s
        return added + (self.prompt.time_s - added) / self.batch

    @property
    def itl_s(self) -> float:
        """Time between two tokens of a sequence, prompts of the others included [s]."""
        return self.decode.time_s + (self.batch - 1.0) / self.output * self.shared_prompt_s

    @property
    def request_s(self) -> float:
        """Time of one copy of the model that a request takes [s]."""
        return self.shared_prompt_s + self.output * self.decode.time_s / self.batch

    @property
    def read_s(self) -> float:
        """Memory traffic of a request at the full bandwidth [s]."""
        return self.prompt.read_s / self.batch + self.output * self.decode.read_s / self.batch

    @property
    def expand_s(self) -> float:
        """Traffic of weights that are expanded to 16 bits, of a request [s]."""
        return self.prompt.expand_s / self.batch + self.output * self.decode.expand_s / self.batch

    @property
    def multiply_s(self) -> float:
        """Products of a request at the full peak [s]."""
        return self.prompt.multiply_s + self.output * self.decode.multiply_s / self.batch


@record
class Serving:
    """A model on its chips, with the lengths of a request."""

    model: Served
    context: Context
    """Of the token in the middle of the output."""
    full: Context
    """Of the last token."""
    prompt_flop: float
    prompt: int
    output: float
    weights: Weights
    chip: Accelerator
    layout: Layout
    engine: Engine
    power: PowerConstants
    measured_power: bool
    """Whether the mean power of a board is known, so that it does not follow the load."""

    def point(self, batch: float, reached: Constants | None = None) -> Point:
        """The load at a batch of one copy of the model; of another engine where its constants are given."""
        reached = reached or self.engine.constants
        once = self.engine.one_stage_at_a_time
        one = ideal(
            self.model, self.context, self.weights, self.chip, self.layout, batch, one_stage_at_a_time=once
        )
        prompt = prompt_ideal(
            self.prompt_flop, self.prompt, self.model, self.weights, self.chip, self.layout,
            one_stage_at_a_time=once,
        )  # fmt: skip
        return Point(batch, decode_terms(one, reached), decode_terms(prompt, reached), self.output)

    def board_over_limit(self, point: Point, slower: float = 1.0) -> float:
        """Mean power of a board over its limit when all takes ``slower`` times as long [1]."""
        if self.measured_power:
            return 1.0
        time_s = point.request_s * slower
        shares = (point.read_s / time_s, point.multiply_s / time_s, point.expand_s / time_s)
        return board_share(*shares, self.power)

    @property
    def room(self) -> Room:
        """The memory that the load takes and that its chips have."""
        return Room(self.model, self.context, self.full, self.weights, self.chip, self.layout)


class Range(NamedTuple):
    """A batch with the ends of what it may be, and the ends of the engine's error at any batch."""

    batch: float
    least: float
    most: float
    ends: Callable[[float], tuple[float, float]]
    """Measured over predicted time at the fast and at the slow end [1]."""
    cause: str
    """The cause of the engine's error."""
    quicker: float = 1.0
    """Time of a request at the largest batch with the cache of 8 bits that holds it, over its own."""
    unset: bool = False
    """Whether nobody said anything of the batch: its ends are those of any server at any load."""


def quantity(value: Callable[[float, float], float], over: Range) -> Quantity:
    """A quantity of ``value(batch, slower)``, with its responses to the batch and to the engine's error."""
    middle = value(over.batch, 1.0)
    engines = over.ends(over.batch)
    low, high = (log(value(over.batch, slower) / middle) for slower in engines)
    spread = {over.cause: (low, high)}
    if over.least < over.most:
        # An engine whose host is quick gains more from a large batch: the largest response counts. Of a batch
        # that nobody gave an end is the quickest engine at full load, or the slowest with one sequence.
        at_batch = [middle, *(middle if over.unset else value(over.batch, slower) for slower in engines)]
        least, most = (
            max(
                (
                    log(value(end, slower * quicker) / at)
                    for slower, at in zip((1.0, *over.ends(end)), at_batch, strict=True)
                ),
                key=abs,
            )
            for end, quicker in ((over.least, 1.0), (over.most, over.quicker))
        )
        spread["batch_size"] = least, most
    return Quantity(middle, spread)
