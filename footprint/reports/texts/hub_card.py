"""A model card of the Hugging Face Hub: ``co2_eq_emissions`` in grams, and the section on the environment.

The Hub's documentation (docs/hub/model-cards-co2) asks for a number in grams of CO2e. The section has the
lines of the Hub's card template; it stands between two marks, so that the next run replaces it.
"""

from __future__ import annotations

import re

from footprint.errors import DataFileError
from footprint.plain_text import escaped, in_markdown
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.written import boundary, how, required, with_interval
from footprint.reports.texts.front_matter import page_of, with_key
from footprint.units import G_PER_KG

KEY = "co2_eq_emissions"
BEGIN, END = "<!-- footprint: begin -->", "<!-- footprint: end -->"
_HEADING = re.compile(
    r"^#{1,6}[ \t]+environmental impact[ \t]*#*[ \t]*(\r?\n|$)", re.IGNORECASE | re.MULTILINE
)
_FENCED = re.compile(r"^(```+|~~~+).*?^\1[`~]*[ \t]*\r?$", re.MULTILINE | re.DOTALL)


def with_footprint(card: str, record: Filed, origin: object) -> str:
    """The card with the record's CO2e in its front matter and its section on the environment.

    Raises DataFileError for front matter that cannot be read, FootprintError for a record without CO2e.
    """
    page = page_of(card, origin)
    text = with_key(page, KEY, emissions(record), origin)
    return _with_section(text, page.newline.join(section(record)), page.newline, origin)


def emissions(record: Filed) -> dict[str, float | str]:
    """The value of ``co2_eq_emissions``: grams, and what the Hub's documentation lists beside them."""
    co2e = required(record.co2e_kg, "CO2e", "a model card")
    made = "measured during the run" if record.was_metered else "estimated"
    found: dict[str, float | str] = {
        "emissions": co2e.mid * G_PER_KG,
        "source": f"footprint {record.footprint_version}, {made}",
        "training_type": {"": "", "pretrain": "pre-training"}.get(record.method, "fine-tuning"),
        "geographical_location": record.place,
        "hardware_used": record.on,
    }
    return {name: value for name, value in found.items() if value != ""}


def section(record: Filed) -> list[str]:
    """The lines of the section, without its heading."""
    co2e = required(record.co2e_kg, "CO2e", "a model card")
    lines = {
        "Hardware Type": record.on,
        "Hours used": with_interval(record.duration_h, "h"),
        "Cloud Provider": record.provider,
        "Compute Region": record.place,
        "Energy": record.energy_kwh and with_interval(record.energy_kwh, "kwh"),
        "Carbon Emitted": f"{with_interval(co2e, 'kg')} CO2e, operational, location-based",
        "Boundary": boundary(record),
    }
    shown = [f"- **{name}:** {in_markdown(value)}" for name, value in lines.items() if value]
    return [BEGIN, *shown, "", in_markdown(how(record)), END]


def _with_section(text: str, block: str, newline: str, origin: object) -> str:
    """The text with the block in place of the older one, else under its heading, else at its end."""
    if text.count(BEGIN) > 1 or text.count(BEGIN) != text.count(END):
        raise DataFileError(f"{origin}: the marks {BEGIN} and {END} do not stand there once, in pairs")
    block = escaped(block.replace("\r\n", "\n")).replace("\n", newline)
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        _, mark, after = rest.partition(END)
        if not mark:
            raise DataFileError(f"{origin}: the mark {END} stands before {BEGIN}")
        return f"{before}{block}{after}"
    code = [found.span() for found in _FENCED.finditer(text)]
    for heading in _HEADING.finditer(text):
        if not any(begin <= heading.start() < end for begin, end in code):
            at = heading.end()
            gap = "" if heading.group(1) else newline
            return f"{text[:at]}{gap}{newline}{block}{newline}{text[at:]}"
    gap = "" if text.endswith("\n") else newline
    return f"{text}{gap}{newline}## Environmental Impact{newline}{newline}{block}{newline}"
