"""What ``footprint paper`` writes, typeset by LaTeX itself; left out where no engine is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from footprint.reports.exports import as_filed
from footprint.reports.texts.paper import PARTS
from tests.reports.exports.records import estimated, measured, nasty

ENGINE, BIBTEX = shutil.which("pdflatex"), shutil.which("bibtex")
PAGE = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{booktabs}\usepackage{url}\usepackage{textcomp}
\newcommand{\answerYes}[1]{[Yes] #1}
\begin{document}
%s
\begin{itemize}
%s
\end{itemize}
\bibliographystyle{plain}\bibliography{sources}
\end{document}
"""


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.skipif(ENGINE is None or BIBTEX is None, reason="no LaTeX engine is installed")
def test_every_part_is_typeset_and_every_citation_found(tmp_path: Path) -> None:
    records = [as_filed(one) for one in (estimated(), measured(), nasty())]
    (tmp_path / "sources.bib").write_text(PARTS["bibtex"](records), encoding="utf-8")
    text = PAGE % (PARTS["sentence"](records), PARTS["checklist"](records))
    (tmp_path / "page.tex").write_text(text, encoding="utf-8")
    latex = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex")
    run(tmp_path, *latex)
    assert "error" not in run(tmp_path, "bibtex", "page").lower()
    run(tmp_path, *latex)
    said = run(tmp_path, *latex)
    assert "undefined" not in said, "a citation or a reference leads nowhere"
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
