"""Open the page: the calculator in your browser, served from this machine."""

from __future__ import annotations

import click

from footprint.cli.shared.say import note, say

_EPILOG = """\b
Examples:
  footprint app
  footprint app --port 8765 --no-browser

The page is served on 127.0.0.1 alone and uses none of your own data and
defaults. Stop it with Ctrl-C.
"""


@click.command(epilog=_EPILOG)
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Port (any free one).")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
def command(port: int, no_browser: bool) -> None:
    """Open the calculator in your browser.

    It is the page of the static site; here this program computes the answers.
    """
    from footprint.cli.page.server import HOST, serving
    from footprint.errors import FootprintError

    try:
        with serving(port) as server:
            say(server.address)
            if not no_browser:
                import webbrowser

                webbrowser.open(server.address)
            server.serve_forever()
    except KeyboardInterrupt:
        note("stopped")
    except OSError as error:
        raise FootprintError(f"port {port} of {HOST} cannot be used: {error.strerror or error}") from None
