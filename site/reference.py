"""The pages of the documentation that are written from docstrings and data: Python, formulas, sources."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parent.parent
DATA = ("hardware_profiles", "reference_data")
BESIDE_THE_PUBLIC = (
    ("footprint.results.measurement", "Measurement"),
    ("footprint.results.assumption", "Assumption"),
    ("footprint.tracking.run.run", "Run"),
    ("footprint.meters.base", "Meter"),
    ("footprint.meters.base", "Reading"),
    ("footprint.integrations.huggingface", ""),
    ("footprint.integrations.lightning", ""),
    ("footprint.integrations.accelerate", ""),
    ("footprint.integrations.keras", ""),
    ("footprint.integrations.metrics", ""),
    ("footprint.integrations.slurm", ""),
)
"""What public functions return or take, and the integrations; an empty name is the whole module."""
FORMULAS = (
    "footprint.equations",
    "footprint.performance.roofline.terms",
    "footprint.performance.roofline.communication",
    "footprint.performance.roofline.memory",
)


def pages() -> dict[str, str]:
    """Each written page by its name."""
    return {"api.md": api(), "formulas.md": formulas(), "data.md": data()}


def visited(module: str) -> griffe.Module:
    """A module as its source says it, without running it."""
    file = ROOT / (module.replace(".", "/") + ".py")
    if not file.is_file():
        file = ROOT / module.replace(".", "/") / "__init__.py"
    return griffe.visit(module, filepath=file, code=file.read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------ Python


def api() -> str:
    """The public names, then what they return and the integrations."""
    import footprint

    lines = ["# Python", "", "The names of `footprint`, and what they return. Options of an estimate are on"
             " [their own page](../options.md).", ""]  # fmt: skip
    for name in footprint.__all__:
        if not name.startswith("__"):
            defined = getattr(footprint, name).__module__
            lines += _object(visited(defined)[name], f"footprint.{name}")
    for module, name in BESIDE_THE_PUBLIC:
        found = visited(module)
        if name:
            lines += _object(found[name], f"{module}.{name}")
            continue
        lines += [f"## `{module}`", "", *_docstring(found)]
        for one in _public_members(found):
            lines += _object(one, f"{module}.{one.name}", 3)
    return "\n".join(lines) + "\n"


def _public_members(module: griffe.Module) -> Iterator[griffe.Object]:
    for one in module.members.values():
        if not one.is_alias and (one.is_function or one.is_class) and not one.name.startswith("_"):
            yield one


def _object(one: griffe.Object, name: str, level: int = 2) -> list[str]:
    """A function or a class: heading, signature, docstring, fields and methods."""
    lines = [f"{'#' * level} `{name}`", "", *_signature(one), *_docstring(one)]
    if not one.is_class:
        return lines
    fields = [
        part
        for part in one.members.values()
        if part.is_attribute and part.annotation and _is_public(part) and "property" not in part.labels
    ]
    if fields:
        said = _meanings(one)
        lines += ["| field | type | meaning |", "|---|---|---|"]
        lines += [
            f"| `{part.name}` | `{part.annotation}` | {_cell(_first(part) or said.get(part.name, ''))} |"
            for part in fields
        ]
        lines.append("")
    for part in one.members.values():
        if (part.is_function or "property" in part.labels) and _is_public(part) and part.docstring:
            lines += _object(part, f"{one.name}.{part.name}", level + 1)
    return lines


def _meanings(one: griffe.Object) -> dict[str, str]:
    """What the keys of a record's JSON hold, by docs/output.md; a run shares most with an estimate."""
    schema = one.module.members.get("SCHEMA")
    if schema is None or "schema" not in one.members:
        return {}
    text = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name in ("footprint/estimate/1", ast.literal_eval(str(schema.value))):
        section = text.partition(f"schema `{name}`\n")[2].partition("\n## ")[0]
        for names, holds in re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE):
            moved = re.sub(r"\]\((?!\w+://|#)", "](../", holds)  # the page stands a folder deeper
            found |= dict.fromkeys(re.findall(r"`(\w+)`", names), moved)
    return found


def _is_public(one: griffe.Object) -> bool:
    return not one.name.startswith("_")


def _signature(one: griffe.Object) -> list[str]:
    """How it is called, an argument a line where it is long; nothing for a class of fields or a property."""
    if not one.is_function:
        return []
    shown, starred, positional = [], False, False
    for part in one.parameters:
        if part.name in ("self", "cls"):
            continue
        kind = part.kind.value
        if kind == "positional-only":
            positional = True
        elif positional:
            shown.append("/")
            positional = False
        if kind == "keyword-only" and not starred:
            shown.append("*")
            starred = True
        mark = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        starred = starred or mark == "*"
        text = f"{mark}{part.name}" + (f": {part.annotation}" if part.annotation else "")
        shown.append(text + (f" = {part.default}" if part.default and not mark else ""))
    returned = f" -> {one.returns}" if one.returns else ""
    line = f"{one.name}({', '.join(shown)}){returned}"
    if len(line) > 88:
        line = f"{one.name}(\n" + "".join(f"    {text},\n" for text in shown) + f"){returned}"
    return ["```python", line, "```", ""]


def _docstring(one: griffe.Object) -> list[str]:
    if one.docstring is None:
        return []
    lines = []
    for section in griffe.parse_auto(one.docstring):
        if section.kind.value == "text":
            lines += [_linked(section.value), ""]
        elif section.kind.value == "raises":
            lines += ["Raises:", ""]
            lines += [f"- `{part.annotation}`: {_one_line(part.description)}" for part in section.value]
            lines.append("")
        elif section.kind.value in ("parameters", "returns", "yields"):
            lines += [f"{section.kind.value.capitalize()}:", ""]
            lines += [f"- `{part.name}`: {_one_line(part.description)}" for part in section.value]
            lines.append("")
        else:
            raise SystemExit(
                f"{one.path}: a docstring with a section of {section.kind.value}; write its page"
            )
    return lines


def _linked(text: str) -> str:
    """Names of pages as links; numbered references as they are."""
    return re.sub(r"\bdocs/([\w-]+)\.md\b", r"[\1](../\1.md)", text)


def _first(one: griffe.Object) -> str:
    return _one_line(one.docstring.value) if one.docstring else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# ---------------------------------------------------------------------------- formulas


def formulas() -> str:
    """Every formula with its unit, its text and its lines of code."""
    lines = [
        "# Formulas", "",
        "Written from the source. `[kWh]` is the unit of what a formula gives, `(2)` its reference."
        " The same lines take floats, intervals and arrays."
        " [Method](../method.md) says in which order they are used.", "",
    ]  # fmt: skip
    for module in FORMULAS:
        found, bodies = visited(module), _bodies(module)
        summary, _, rest = found.docstring.value.partition("\n")
        lines += [f"## `{module}`", "", summary, "", *_references(rest)]
        for one in found.members.values():
            if not one.is_alias and one.is_function and one.docstring and one.name != "formula":
                lines += [
                    f"### `{one.name}`",
                    "",
                    _linked(one.docstring.value),
                    "",
                    "```python",
                    bodies[one.name],
                    "```",
                    "",
                ]
    return "\n".join(lines) + "\n"


def _references(text: str) -> list[str]:
    found = re.findall(r"^\[(\d+)\] (.+)$", text, re.MULTILINE)
    return [*(f"{number}. {reference}" for number, reference in found), ""] if found else []


def _bodies(module: str) -> dict[str, str]:
    """The lines of each function of a module, without decorators, types and docstring."""
    text = visited(module).filepath.read_text(encoding="utf-8")
    lines, found = text.splitlines(), {}
    for function in ast.parse(text).body:  # a formula without a docstring is an inner part, and not shown
        if isinstance(function, ast.FunctionDef) and ast.get_docstring(function):
            names = ", ".join(argument.arg for argument in (*function.args.posonlyargs, *function.args.args))
            kept = lines[function.body[0].end_lineno : function.end_lineno]
            found[function.name] = "\n".join([f"def {function.name}({names}):", *kept])
    return found


# -------------------------------------------------------------------------------- data


def data() -> str:
    """Every shipped file with what it holds, and every source with the files that cite it."""
    cited: dict[str, list[str]] = {}
    own: dict[str, dict[str, object]] = {}
    shared: dict[str, dict[str, object]] = {}
    files = [
        path
        for folder in DATA
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".toml", ".csv")
    ]
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if path.parent.name == "sources":
            shared |= tomllib.loads(text)
            continue
        if path.suffix == ".toml":
            own |= tomllib.loads(text).get("sources", {})
        for word in set(re.findall(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", text)):
            cited.setdefault(word, []).append(name)
    lines = [
        "# Data and sources", "",
        f"{len(files)} files hold what is not computed; {len(shared) + len(own)} sources are described."
        " Each number names its source and its basis (datasheet, measured, derived, assumed, fitted)."
        " `footprint hardware show`, `models show` and `regions show` print them.",
        "", "[How sources are kept](sources.md), [assumed numbers](../assumed.md), [ages](../ages.md).", "",
        "| file | rows or tables |", "|---|---:|",
    ]  # fmt: skip
    lines += [f"| `{folder}/` | {count} files |" for folder, count in _many(files).items()]
    lines += [f"| `{path.relative_to(ROOT).as_posix()}` | {_rows(path):,} |" for path in files
              if path.parent.relative_to(ROOT).as_posix() not in _many(files)]  # fmt: skip
    lines += ["", "## Sources", "", "| source | what | where | licence | cited by |", "|---|---|---|---|---|"]
    for key, source in sorted((shared | own).items()):
        places = cited.get(key, [])
        by = ", ".join(f"`{Path(place).name}`" for place in places[:3])
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        lines.append(
            f"| `{key}` | {_cell(str(source['title']))} ({source.get('year', '')}) "
            f"| {_cell(str(source['locator']))} "
            f"| {_cell(str(source.get('licence', '')))} | {by}{more} |"
        )
    return "\n".join(lines) + "\n"


def _many(files: list[Path]) -> dict[str, int]:
    """Folders of many files of one kind, which are counted and not listed."""
    counts: dict[str, int] = {}
    for path in files:
        name = path.parent.relative_to(ROOT).as_posix()
        counts[name] = counts.get(name, 0) + (path.suffix == ".toml")
    return {name: count for name, count in counts.items() if count > 12}


def _rows(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    return len(tomllib.loads(text)) if path.suffix == ".toml" else max(0, text.count("\n") - 1)


if __name__ == "__main__":
    for page in pages().values():
        sys.stdout.write(page)
