"""How Sphinx builds these pages: `make docs`."""

from typing import Any

from pygments.lexers.javascript import JavascriptLexer

project = "pytest-llmprod"
author = "the pytest-llmprod developers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = project
html_copy_source = False
myst_heading_anchors = 4
nitpicky = True


def setup(app: Any) -> None:
    """Show JSON with comments as what it is nearest to."""
    app.add_lexer("jsonc", JavascriptLexer)
