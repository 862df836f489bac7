"""Screenshots of a page that `--llm-html` wrote, at two widths, in light and in dark.

    pip install playwright && apt-get install chromium
    python scripts/sample_page.py run.html
    python scripts/screenshots.py run.html docs/images --axe axe.min.js

The top of the page is taken each time, its sections once wide and light, and once narrow and dark.

`--axe` names the file of axe-core, whose checks then run on the page; findings end with status 1.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDTHS = (1280, 400)
SCHEMES = ("light", "dark")
HEIGHT = 1600
SECTIONS = ("drills", "guardrails", "spread", "trend", "audit")


def main() -> int:
    """Take the pictures and return 1 where the page has a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--browser", default=shutil.which("chromium"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    faults = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in SCHEMES:
                # The rules of the page allow no script at all: axe needs an exception.
                context = browser.new_context(
                    viewport={"width": width, "height": HEIGHT},
                    color_scheme=scheme,
                    bypass_csp=options.axe is not None,
                )
                page = context.new_page()
                asked = []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.goto(options.page.resolve().as_uri())
                page.screenshot(path=options.folder / f"page-{width}-{scheme}.png")
                if (width, scheme) in zip(WIDTHS, SCHEMES, strict=True):
                    _sections(page, options.folder, f"{width}-{scheme}")
                name = f"{width} {scheme}"
                faults += [f"{name}: asks {url}" for url in asked[1:]]
                faults += [f"{name}: {fault}" for fault in _layout(page)]
                if options.axe is not None:
                    faults += [f"{name}: {fault}" for fault in _axe(page, options.axe)]
                context.close()
        browser.close()
    print("\n".join(faults) or "no fault")
    return int(bool(faults))


def _sections(page: Page, folder: Path, name: str) -> None:
    for section in SECTIONS:
        found = page.locator(f'section[aria-labelledby="{section}"]')
        if found.count():
            found.screenshot(path=folder / f"{section}-{name}.png")


def _layout(page: Page) -> list[str]:
    """Return that the page is wider than the window, if it is."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"the page is {wide} pixels too wide"] if wide > 0 else []


def _axe(page: Page, axe: Path) -> list[str]:
    """Return what axe finds, with everything opened that a reader can open."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run()")
    return [
        f"{each['id']} ({len(each['nodes'])} times): {each['nodes'][0]['html'][:120]}"
        for each in found["violations"]
    ]


if __name__ == "__main__":
    sys.exit(main())
