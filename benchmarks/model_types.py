"""Surveys every ``model_type`` of the installed transformers: by formula, counted by torch, or refused.

    python benchmarks/model_types.py            # survey what has changed, write docs/model-types.md
    python benchmarks/model_types.py --check    # the page against our families and the library's types
    python benchmarks/model_types.py TYPE ...   # survey these anew, and write the page

A type without a family is built with the library's default config, cut to two layers if it has such a
key, and counted by torch without data, as in `footprint flops`. Each runs in a separate child process
with a time limit, because foreign code may do anything.

Each result is kept in model_types.json with a digest of the libraries and of the code that found it, so a
survey counts only what has changed (all of it: about half an hour of one core) and may be interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.flops_proof import paragraph
from benchmarks.kept_types import Found, is_new, keep, kept, state
from benchmarks.type_attempts import attempt
from footprint.flops import model_families
from footprint.flops.torch.torch_counter import AUTO_CLASSES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "model-types.md"
LIMIT_S = 60
"""Limit of the processor time for one type [s]."""
WORDS = {"footprint", "counted", "traced"}
"""What the page writes as code beside types."""
NO_CLASS = "part of another model: no class of its own"
OUT_OF_TIME = "not counted within"


def known_types() -> list[str]:
    """Every type that the installed transformers can read, in alphabetical order."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return sorted(CONFIG_MAPPING_NAMES)


def has_class(model_type: str) -> bool:
    """Whether transformers has a model of this type with a head."""
    import transformers

    mappings = (getattr(transformers, name)._model_mapping for name in AUTO_CLASSES[""])
    return any(model_type in mapping._model_mapping for mapping in mappings)


def survey(model_type: str) -> dict[str, Any]:
    """`attempt` in a child process; without a ``state`` if it ran out of time."""
    if not has_class(model_type):
        return {"reason": NO_CLASS, "state": state(counted=False)}
    with tempfile.TemporaryFile() as said:  # no pipe: what the child leaves behind would keep it open
        child = os.fork()
        if not child:
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
            signal.setitimer(signal.ITIMER_REAL, 10 * LIMIT_S)  # for a process that only waits
            try:
                found = attempt(model_type)
            except BaseException as error:  # noqa: BLE001 - other people's code; the child ends either way
                found = {"reason": f"{type(error).__name__}: {error}"}
            os.pwrite(said.fileno(), json.dumps(found).encode(), 0)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        text = said.read()
    if code in (-signal.SIGPROF, -signal.SIGALRM):  # perhaps the machine was busy: not kept as an answer
        return {"reason": f"{OUT_OF_TIME} {LIMIT_S} s of processor time"}
    found = json.loads(text) if not code else {"reason": f"ends its process with code {code}"}
    shown = {key: short(found[key]) for key in ("reason", "traced") if key in found}
    return {**found, **shown, "state": state(counted="forward_flop" in found)}


def is_late(result: dict[str, Any]) -> bool:
    """Whether a type has never been answered in time."""
    return str(result.get("reason")).startswith(OUT_OF_TIME)


def short(reason: str) -> str:
    """A reason in a few words: the first message of torch or transformers."""
    said = re.sub(r"^torch cannot run model_type '.*?' without data \((?:meta: )?", "", reason)
    said = re.sub(r"^torch ran model_type '.*?' without", "runs without", said).split("; meta: ")[0]
    said = " ".join(said.split(", so the count")[0].split()).replace("|", "/").replace("`", "'")
    return said if len(said) <= 110 else said[:107] + "..."


def page(found: Found) -> str:
    """The page of all types."""
    import torch
    import transformers

    families = model_families()
    known = known_types()
    covered = [name for name in known if name in families]
    counted = [name for name in known if name in found and "forward_flop" in found[name]]
    parts = [name for name in known if found.get(name, {}).get("reason") == NO_CLASS]
    refused = [name for name in known if name in found and name not in {*counted, *parts}]
    ours = [name for name in families if name not in known]
    alone = [name for name in counted if found[name].get("traced", "equal") not in ("equal", "near")]
    near = [name for name in counted if found[name].get("traced") == "near"]
    almost = f"Lists of {', '.join(near)} give it to one part in a thousand, others exactly. " if near else ""
    answers = [found[name] for name in (*counted, *parts, *refused)]
    old = [one for one in answers if not (is_new(one) or is_late(one))]
    earlier = f"{len(old)} of these results are of an earlier state of the program." if old else ""
    lines = [
        "# Model types",
        "",
        paragraph(
            f"The {len(known)} values of `model_type` that transformers {transformers.__version__} knows,",
            "and what `footprint flops` does with each. Written by `python benchmarks/model_types.py` with",
            f"torch {torch.__version__.partition('+')[0]}; how our counts are proved:",
            f"[flops-proof.md](flops-proof.md). {earlier}".rstrip(),
        ),
        "",
        f"## By formula: {len(covered)}",
        "",
        "Exact, without torch, for every method, with memory and traffic.",
        "",
        names(covered),
        "",
        f"And {len(ours)} that transformers does not have: {names(ours)}",
        "",
        f"## Counted by torch: {len(counted)}",
        "",
        paragraph(
            "No family of ours describes them. Where torch and transformers are installed they are run",
            "without data: full attention. If the traced operation list gives what torch counts, times,",
            "memory, layouts, LoRA and frozen parts follow from it (`traced`); else the total alone is known",
            f"(`counted`{': ' * bool(alone)}{', '.join(alone)}). {almost}A model that runs only in part",
            "(images beside text that nobody gave) is refused rather than counted too low.",
        ),
        "",
        names(counted),
        "",
        f"## Refused: {len(refused)}",
        "",
        paragraph(
            "Torch cannot run the library's default config of these without data; what it said. A config",
            "that differs may do better. The parts of a pair (its text or vision config) can be counted",
            "alone.",
        ),
        "",
        "| type | why |",
        "|---|---|",
        *(f"| {name} | {short(found[name]['reason'])} |" for name in refused),
        "",
        f"## Parts: {len(parts)}",
        "",
        "Configs of parts of other models, without a class of their own to run: refused alone.",
        "",
        names(parts),
        "",
    ]
    return "\n".join(lines)


def names(types: list[str]) -> str:
    """The types as one paragraph of code words."""
    return paragraph(", ".join(f"`{name}`" for name in types) + ".")


def problems(text: str) -> list[str]:
    """Differences of the page from the present families and the installed library's types."""
    sections = {part.split(":")[0]: part for part in text.split("\n## ")[1:]}
    listed = {
        title: set(re.findall(r"`([\w.-]+)`", part.partition("\n\n")[2])) for title, part in sections.items()
    }
    listed["Refused"] = set(re.findall(r"^\| ([\w.-]+) \|", sections["Refused"], re.MULTILINE)) - {"type"}
    formula = set(model_families())
    results = {name: one for name, one in kept().items() if name not in model_families()}
    counted = {name for name, one in results.items() if "forward_flop" in one}
    found = [f"not as it was found: {name}" for name in (listed["Counted by torch"] - WORDS) ^ counted]
    found += [f"not by formula: {name}" for name in listed["By formula"] - formula - WORDS]
    found += [f"by formula, but not listed so: {name}" for name in formula - listed["By formula"]]
    try:
        import transformers
    except ImportError:
        return found
    if f"transformers {transformers.__version__} knows" in text:
        everything = set().union(*listed.values())
        found += [f"not on the page: {name}" for name in known_types() if name not in everything]
    return found


def main() -> None:
    """Survey what has changed, or some types, and write the page; or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the page with what there is now")
    parser.add_argument("types", nargs="*")
    asked = parser.parse_args()
    if asked.check:
        wrong = problems(PAGE.read_text(encoding="utf-8"))
        if wrong:
            raise SystemExit("\n".join(wrong))
        return
    import warnings

    import torch  # noqa: F401 - imported once, before the children
    import transformers

    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    families = model_families()
    rest = [name for name in known_types() if name not in families]
    found = {name: one for name, one in kept().items() if name in rest}
    attempt("bert")  # loads what each child would load anew
    try:
        for name in asked.types or [name for name in rest if not is_new(found.get(name, {}))]:
            answer = survey(name)
            if "state" in answer or name not in found:
                found[name] = answer
            said = answer["reason"] if "reason" in answer else answer["forward_flop"]
            print(name, said, answer.get("traced", ""), sep="\t", flush=True)
            keep(found)
    except KeyboardInterrupt:
        print("interrupted: the next survey goes on from here")
    if all(name in found for name in rest):
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
