"""Text of a stranger in LaTeX and BibTeX: every sign that would be a command is written as a letter."""

from __future__ import annotations

from footprint.plain_text import in_line

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
}  # fmt: skip


def in_latex(text: str) -> str:
    """A text within a line of LaTeX; nothing in it is a command, a comment or mathematics."""
    return "".join(_SIGNS.get(sign, sign) for sign in in_line(text))


def in_url(text: str) -> str | None:
    r"""A locator for ``\url``; None where it is no plain address."""
    plain = in_line(text)
    if not plain.startswith(("https://", "http://")) or any(sign in plain for sign in '\\{}%#^~<>"` '):
        return None
    return plain
