"""The page: the same program behind a form, in a browser (Pyodide) or on loopback (``footprint app``).

``answers.answer`` takes one question as JSON text and returns its answer as JSON text; both ways call it.
``static/`` holds the page itself. The page does no arithmetic and rounds nothing.
"""
