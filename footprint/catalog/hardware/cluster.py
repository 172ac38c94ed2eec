"""Clusters as people write them: ``v100:8``, ``v100x8``, ``8xv100``, ``mine.toml:8``, ``tpu-v3-32``.

Grammar: a name alone means one accelerator; ``NAME:COUNT`` is the canonical form. The longest
catalogue name that matches is used. A text with two meanings, or one that needs the final x of a chip's
name as the separator (``mi300x8``), is an error; the message gives the canonical forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from footprint.catalog.hardware.find import (
    LONGEST_NAME,
    compact,
    find_accelerator,
    is_path,
    scanned_names,
    shipped_id,
    shipped_ids,
)
from footprint.catalog.hardware.misread import HINT, TIMES, identity, is_digits, misread, shown
from footprint.errors import FootprintError
from footprint.records import replace
from footprint.schema import Accelerator, Cluster, NodeForm

GIVEN_BESIDE = ("accelerators_per_node", "cooling", "network_byte_per_s")
"""What a user may say of a cluster beside its name: arguments of `parse_cluster` and fields of a scenario."""
MAX_COUNT = 10_000_000
MAX_PER_NODE = 1024
_LONGEST = 1000

Reading = tuple[str, int]
"""A name of the catalogue (or a path) and a count."""


def parse_cluster(
    text: str,
    *,
    accelerators_per_node: int | None = None,
    cooling: str | None = None,
    network_byte_per_s: float | None = None,
    preferred: str | None = None,
) -> tuple[Cluster, list[str]]:
    """The cluster of a text, and the notices to print with it.

    ``network_byte_per_s`` is the bandwidth of one node to the others, in one direction [byte/s]. Of the
    variants that a plain name stands for, the one with the id ``preferred`` is taken instead of the usual.

    Raises
    ------
    UnknownNameError
        If no accelerator has the name.
    FootprintError
        If the text has two meanings, a count is out of range, or no node form fits.
    """
    if not text.strip():
        raise FootprintError(f"no cluster given; {HINT}")
    name, count, notices = _read(text.strip())
    chip = find_accelerator(name)
    variants = _variants(name, chip)
    if preferred is not None and preferred in variants:
        variants = [chip.id, *(other for other in variants if other != preferred)]
        chip = find_accelerator(preferred)
    notices += _variant_notices(name, chip, variants)
    node, node_notices = _choose_node(chip, count, accelerators_per_node, cooling)
    notices += node_notices
    if network_byte_per_s is not None:
        if not (math.isfinite(network_byte_per_s) and 0 < network_byte_per_s < 1e15):
            raise FootprintError(
                f"the network bandwidth of a node must be above 0 byte/s, not {network_byte_per_s!r}"
            )
        node = replace(node, network_byte_per_s=network_byte_per_s)
    nodes = count / node.accelerators
    if count % node.accelerators:
        what = chip.unit if chip.kind == "cpu" else "accelerator"
        filling = f"{count} {what}s fill" if count > 1 else f"1 {what} fills"
        notices.append(
            f"{filling} {nodes:.4g} nodes ({node.name}, {node.accelerators} each): "
            "a node that is partly used is counted with its share of the host"
        )
    return Cluster(accelerator=chip, count=count, node=node, nodes=nodes), notices


def _read(text: str) -> tuple[str, int, list[str]]:
    """Name, count and notices of a cluster's text."""
    if text.lower().endswith(".toml"):
        return text, 1, []
    if len(text) > _LONGEST:
        raise FootprintError(f"{shown(text)} is too long for a cluster; {HINT}")
    for known in (_is_shipped, _scanned()):
        found = _interpret(text, known)
        if found is not None:
            return found
    raise misread(text, known)


def _is_shipped(name: str) -> bool:
    return shipped_id(name) is not None


def _scanned() -> Callable[[str], bool]:
    """A test for names outside the index; it reads the files at its first call."""
    read: list[Mapping[str, object]] = []

    def is_known(name: str) -> bool:
        if len(name) > LONGEST_NAME:
            return False
        if not read:
            read.append(scanned_names())
        return compact(name) in read[0] or shipped_id(name) is not None

    return is_known


def _interpret(text: str, known: Callable[[str], bool]) -> tuple[str, int, list[str]] | None:
    """Name, count and notices of a text; None if it has no meaning, FootprintError if it has several."""
    if known(text):
        return text, 1, []
    head, colon, tail = text.rpartition(":")
    if colon and (is_path(head) or known(head.strip())):
        return head.strip(), _count(tail, head.strip()), []
    type_reading = _cloud_type(text, known)
    if type_reading is not None:
        return type_reading
    proper, stolen = _around_x(text, known)
    meanings = {(identity(name), count): (name, count) for name, count in (*proper, *stolen)}
    if len(meanings) == 1 and proper:
        name, count = proper[0]
        return name, count, []
    if meanings:
        forms = " or ".join(f"{identity(name)}:{count}" for name, count in meanings.values())
        raise FootprintError(f"{text!r} can be misread; write {forms}")
    return None


def _around_x(text: str, known: Callable[[str], bool]) -> tuple[list[Reading], list[Reading]]:
    """Readings of a text split at an x: regular ones, and those that take the final x of a name."""
    proper: list[Reading] = []
    stolen: list[Reading] = []
    for at, letter in enumerate(text):
        if letter not in TIMES:
            continue
        before, after = text[:at].strip(), text[at + 1 :].strip()
        if is_digits(after):
            if is_path(before) or known(before):
                proper.append((before, _count(after, before)))
            if known(f"{before}x"):
                stolen.append((f"{before}x", _count(after, f"{before}x")))
        if is_digits(before) and known(after):
            proper.append((after, _count(before, after)))
    return proper, stolen


def _cloud_type(text: str, known: Callable[[str], bool]) -> tuple[str, int, list[str]] | None:
    """The reading of a cloud TPU type, ``tpu-v3-32`` or ``v5litepod-8``, which counts cores or chips."""
    head, dash, tail = text.replace("_", "-").rpartition("-")
    if not (dash and is_digits(tail) and known(head)):
        return None
    chip = find_accelerator(head)
    if chip.kind != "tpu":
        return None
    number = _count(tail, chip.id)
    cores = chip.cores_per_chip or 1
    if number % cores:
        raise FootprintError(
            f"{text!r} counts cores, {cores} a chip, so its number must be a multiple of {cores}; "
            f"{chip.id}:{number} is {number} chips"
        )
    chips = number // cores
    counted = f"{number} cores, so {chips} chips" if cores > 1 else f"{chips} chips"
    return head, chips, [f"{text} is the cloud's type with {counted} ({chip.id}:{chips})"]


def _count(text: str, name: str) -> int:
    """A number of accelerators, from 1 to 10 million."""
    digits = text.strip()
    if is_digits(digits):
        digits = digits.lstrip("0")
        if digits and len(digits) <= len(str(MAX_COUNT)) and int(digits) <= MAX_COUNT:
            return int(digits)
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise FootprintError(
        f"the number of accelerators must be a whole number from 1 to {MAX_COUNT:,}, not {shown!r}; "
        f"write {name}:8 for eight"
    )


def _choose_node(
    chip: Accelerator, count: int, per_node: int | None, cooling: str | None
) -> tuple[NodeForm, list[str]]:
    """The node form for ``count`` accelerators; a scaled form if none has the wanted size."""
    forms = [form for form in chip.nodes if cooling is None or form.cooling == cooling]
    if not forms:
        known = ", ".join(dict.fromkeys(form.cooling for form in chip.nodes))
        raise FootprintError(f"no {cooling}-cooled node of {chip.id} is known (known: {known})")
    if cooling is None:
        forms = [form for form in forms if form.cooling == forms[0].cooling]
    if per_node is None:
        return _usual_form(forms, count), []
    if isinstance(per_node, bool) or not isinstance(per_node, int) or not 1 <= per_node <= MAX_PER_NODE:
        raise FootprintError(
            f"accelerators per node must be a whole number from 1 to {MAX_PER_NODE}, not {per_node!r}"
        )
    nearest = min(forms, key=lambda form: abs(math.log(form.accelerators / per_node)))
    if nearest.accelerators == per_node:
        return nearest, []
    return _scaled(nearest, per_node), [
        f"no node with {per_node} {chip.id} is known; "
        f"host scaled from {nearest.name} ({nearest.accelerators} accelerators, {nearest.host_w:.0f} W)"
    ]


def _usual_form(forms: list[NodeForm], count: int) -> NodeForm:
    """The usual form: the first, or the smallest that holds all cards if the first holds only one card."""
    if forms[0].accelerators > 1 or count == 1:
        return forms[0]
    fitting = [form for form in forms if form.accelerators >= count]
    if fitting:
        return min(fitting, key=lambda form: form.accelerators)
    return max(forms, key=lambda form: form.accelerators)


def _scaled(form: NodeForm, per_node: int) -> NodeForm:
    """A form whose host power, rating and network are scaled with the number of accelerators."""
    share = per_node / form.accelerators
    return replace(
        form,
        id=f"{form.id}-scaled-{per_node}",
        name=f"{per_node}-accelerator node (scaled from {form.name})",
        accelerators=per_node,
        cpu_w=form.cpu_w * share,
        ram_w=form.ram_w * share,
        other_w=form.other_w * share,
        host_low_w=form.host_low_w * share,
        host_high_w=form.host_high_w * share,
        max_w=form.max_w and form.max_w * share,
        memory_gib=form.memory_gib and form.memory_gib * share,
        network_byte_per_s=form.network_byte_per_s and form.network_byte_per_s * share,
        embodied_kg=form.embodied_kg and form.embodied_kg * share,
    )


def variants_of(text: str) -> list[str]:
    """Ids of the other variants that a cluster's text could stand for, if its name is a plain one."""
    name, _, _ = _read(text.strip())
    return _variants(name, find_accelerator(name))


def _variants(name: str, chip: Accelerator) -> list[str]:
    """Ids of the other variants that a plain name could stand for."""
    stem = compact(name)
    if is_path(name) or stem == compact(chip.id) or not compact(chip.id).startswith(stem):
        return []
    alike = (i for i in shipped_ids() if i[0] == stem[0])  # compacting every id takes milliseconds
    return [i for i in alike if compact(i).startswith(stem) and i != chip.id]


def _variant_notices(name: str, chip: Accelerator, others: list[str]) -> Iterator[str]:
    """Notices: the variant chosen for a plain name, and the counted unit if it is not a chip."""
    if others:
        yield f"{name} is taken as {chip.id} ({chip.name}); other variants: {', '.join(others)}"
    if chip.devices_per_unit > 1:
        yield f"{chip.id} is counted in {chip.unit}s of {chip.devices_per_unit} devices each"
