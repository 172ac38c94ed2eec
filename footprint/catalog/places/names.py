"""What people call a place: codes, names, towns, and the beginning of one of these.

One search serves ``--region`` and ``footprint regions search``. It tries a code, then a name of a
country, state, group or cloud region, then a town, then the beginning of a name. Codes are never
compared by likeness: Paris is not Pakistan (``PAK``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from footprint.catalog.names import nearest, normalise
from footprint.catalog.places.tables import cloud_regions, rows_of, table
from footprint.errors import FootprintError, UnknownNameError
from footprint.named_tuples import NamedTuple

LEAST_LETTERS = 4
"""A shorter beginning of a name is no name: it would meet codes of two and three letters."""
MEANT_TIMES = 2.0
"""Of towns of one name the largest is meant if it has this many times the people of the next."""
MOST_NAMED = 6
"""Candidates that an error names."""

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "đ": "d", "\u0131": "i", "ə": "e",
     "\u2019": "'", "\u2018": "'"}
)  # fmt: skip
"""Letters that have no accent to leave out."""


class Found(NamedTuple):
    """The place that a text means."""

    key: str
    town: str = ""
    """The town as it is written, where the text names one."""
    read_as: str = ""
    """What an incomplete name was read as; empty for a complete one."""


def resolve(key: str) -> str:
    """The canonical key of a place name: ``FRA``, ``US-VA``, ``aws:us-east-1``, ``EU``, ``WLD``.

    Raises:
        UnknownNameError: no such place.
        FootprintError: not text, or a name of several places.
    """
    return meaning(key).key


def meaning(text: str) -> Found:
    """The one place that a text means; errors as of `resolve`."""
    if not isinstance(text, str):
        raise FootprintError(f"a place is text such as FRA, US-VA or aws:us-east-1, not {text!r}")
    wanted = normalise(text)
    for name, spelling in (("grid.csv", wanted.upper()), ("regions.csv", wanted)):
        if rows_of(name, spelling):  # an exact key does not need the table of names
            return Found(spelling)
    candidates = names().get(wanted, ())
    if len(candidates) == 1:
        return Found(candidates[0])
    if candidates:
        raise _ambiguous(text, sorted(candidates))
    found = _town(text) or _qualified(text) or _beginning(text)
    if found is None:
        raise _unknown(text, wanted)
    return found


def matches(text: str) -> list[Found]:
    """Every place that a text may mean, best first: complete names, towns, parts of names, likeness."""
    wanted, part = normalise(text), fold(text)
    if not part:
        return [Found(key) for key in (*places(), *cloud_regions())]
    regions = [(key, fold(row["location"])) for key, row in cloud_regions().items()]
    spoken = [(key, fold(name)) for key, name in _spoken()]
    found = [Found(key) for key in names().get(wanted, ())]
    found += [one] if (one := _qualified(text)) else []
    found += _towns(row for row in table("towns.csv") if row["town"] == part)
    found += [Found(key) for key, name in spoken if _begins(part, name)]
    if len(part) >= LEAST_LETTERS:
        found += _towns(row for row in table("towns.csv") if _begins(part, row["town"]))
    found += [Found(key) for key, name in regions if _begins(part, name)]
    found += [Found(key) for key, name in (*spoken, *regions) if part in name or part in key.lower()]
    if not found:
        for name in nearest(text[:80], _alike(wanted), 5):
            found += [Found(key) for key in names().get(normalise(name), ())]
            found += _towns(row for row in table("towns.csv") if row["name"] == name)
    return list(dict.fromkeys(found))


def fold(text: str) -> str:
    """A name for comparison: lower case, one kind of dash, letters without accents."""
    import unicodedata

    letters = unicodedata.normalize("NFKD", normalise(text).translate(_LETTERS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).replace(",", "")


@functools.cache
def places() -> dict[str, dict[str, str]]:
    """Rows of ``places.csv`` by key."""
    return {row["key"]: row for row in table("places.csv")}


@functools.cache
def names() -> dict[str, tuple[str, ...]]:
    """Normalised spelling -> the keys it may mean; a code takes precedence over a name."""
    codes: dict[str, tuple[str, ...]] = {}
    spoken: dict[str, set[str]] = {}
    for key, row in places().items():
        codes[normalise(key)] = (key,)
        if row["alpha2"]:
            codes[normalise(row["alpha2"])] = (key,)
        for name in (row["name"], *row["aliases"].split("|")):
            if name:
                spoken.setdefault(normalise(name), set()).add(key)
    for key in cloud_regions():
        codes[key] = (key,)
        spoken.setdefault(key.partition(":")[2], set()).add(key)
    return {name: tuple(sorted(keys)) for name, keys in spoken.items()} | codes


def _spoken() -> Iterable[tuple[str, str]]:
    """Keys with each of their names, but for those of cloud regions."""
    for key, row in places().items():
        for name in (row["name"], *row["aliases"].split("|")):
            if name:
                yield key, name


def _alike(wanted: str) -> list[str]:
    """Names that a misspelt one is compared with: codes only for a text that looks like a code."""
    if len(wanted) < LEAST_LETTERS:
        return []
    found = [key.partition(":")[2] for key in cloud_regions()]
    if "-" in wanted or ":" in wanted or any(sign.isdigit() for sign in wanted):
        found += [*cloud_regions(), *(key for key in places() if len(key) > 3)]
    found += [name for _, name in _spoken()]
    # A town whose first letters are others is a chance likeness of two long lists.
    found += [row["name"] for row in table("towns.csv") if row["town"][:2] == fold(wanted)[:2]]
    return list(dict.fromkeys(found))


def _begins(part: str, name: str) -> bool:
    """Whether a name, or a word within it, begins with this part."""
    return bool(part) and f"-{part}" in f"-{name}"


def _towns(rows: Iterable[dict[str, str]]) -> list[Found]:
    return [Found(row["place"], row["name"]) for row in _largest_first(rows)]


def _largest_first(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: -int(row["people_count"]))


def _town(text: str) -> Found | None:
    """The town of this name; the largest if it is much larger than the next one elsewhere."""
    rows = _largest_first(rows_of("towns.csv", fold(text)))
    if not rows:
        return None
    others = [row for row in rows if row["place"] != rows[0]["place"]]
    if others and int(rows[0]["people_count"]) < MEANT_TIMES * int(others[0]["people_count"]):
        raise _ambiguous(text, [f"'{row['name']}, {row['place']}'" for row in rows])
    return Found(rows[0]["place"], rows[0]["name"])


def _qualified(text: str) -> Found | None:
    """``Cambridge, MA``: a town with its country, state or province, which must be known."""
    town, comma, home = (part.strip() for part in text.rpartition(","))
    if not (comma and town and home):
        return None
    for row in rows_of("towns.csv", fold(town)):
        country = row["place"].partition("-")[0]
        if normalise(home) in (row["place"].lower(), row["place"].lower().rpartition("-")[2]):
            return Found(row["place"], row["name"])
        if {row["place"], *names().get(country.lower(), ())} & set(names().get(normalise(home), ())):
            return Found(row["place"], row["name"])
    inside = names().get(f"us-{normalise(home)}") or names().get(normalise(home), ())
    if len(inside) == 1 and ":" not in inside[0] and all(sign not in town for sign in ",:\n"):
        return Found(inside[0], town[:60], places()[inside[0]]["name"])
    return None


def _beginning(text: str) -> Found | None:
    """The only place, or else the only town, whose name or a word of it begins with this text."""
    part = fold(text)
    if len(part) < LEAST_LETTERS or any(sign.isdigit() or sign in ":," for sign in part):
        return None
    keys = sorted({key for key, row in places().items() if _any_begins(part, row)})
    if len(keys) > 1:
        raise _ambiguous(text, keys)
    if keys:
        return Found(keys[0], read_as=places()[keys[0]]["name"])
    rows = [row for row in table("towns.csv") if row["town"].startswith(part)]
    homes = {row["place"] for row in rows}
    if len(homes) > 1:
        raise _ambiguous(text, [f"'{row['name']}, {row['place']}'" for row in _largest_first(rows)])
    return Found(rows[0]["place"], rows[0]["name"], rows[0]["name"]) if rows else None


def _any_begins(part: str, row: dict[str, str]) -> bool:
    return any(_begins(part, fold(name)) for name in (row["name"], *row["aliases"].split("|")))


def _ambiguous(text: str, candidates: list[str]) -> FootprintError:
    shown = [one[:60] for one in candidates[:MOST_NAMED]]
    more = f" and {len(candidates) - MOST_NAMED} more" if len(candidates) > MOST_NAMED else ""
    name = text.strip()[:60]
    return FootprintError(f"{name!r} is ambiguous: write one of {', '.join(shown)}{more}")


def _unknown(key: str, wanted: str) -> UnknownNameError:
    hint = "`region=` takes FRA, US-VA, EU, Paris, aws:us-east-1, ... or give `grid_g_per_kwh=`"
    country, _, part = wanted.partition("-")
    parent = names().get(country, ()) if len(country) == 2 and 1 <= len(part) <= 3 else ()
    if parent and parent[0] not in ("USA", "EU"):
        hint = f"no factor for this part of {parent[0]}: use {parent[0]}, or give `grid_g_per_kwh=`"
        return UnknownNameError("place", key[:80], [parent[0]], hint)
    name = key if len(key) <= 80 else key[:77] + "..."
    own = [region for region in cloud_regions() if region.startswith(f"{wanted}:")]
    if own:
        hint = (
            f"{wanted} is a provider; its regions are {', '.join(own[:3])}, ... (`footprint regions search`)"
        )
        return UnknownNameError("place", name, (), hint)
    return UnknownNameError("place", name, _short(wanted) or nearest(name, _alike(wanted)), hint)


def _short(wanted: str) -> list[str]:
    """What two or three letters may stand for: a state, or the countries that begin with them.

    Codes are not compared by likeness: any three letters are near the codes of many countries.
    """
    if len(wanted) >= LEAST_LETTERS:
        return []
    state = [key for key in places() if key.lower() == f"us-{wanted}"]
    begun = [
        row["name"] for key, row in places().items() if len(key) == 3 and _begins(wanted, fold(row["name"]))
    ]
    return [*state, *begun][:3]
