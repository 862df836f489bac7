"""Smoke: does a built wheel, or an sdist, work where nothing else of this checkout is?

`python -m scripts.smoke dist/*.whl dist/*.tar.gz` installs each into a fresh environment outside of
the checkout, by uv. There it starts a feature, runs what `llmprod init` wrote, and runs the example
with its gates: that of the sdist itself, where it is an sdist.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = Path("examples") / "support_triage"
EXTRAS = "report,strategies"
FEATURES = {"ticket-triage", "ticket-urgency"}


def try_package(package: Path, folder: Path) -> None:
    """Install one package below `folder` and use it; raises CalledProcessError or SystemExit."""
    python = _installed(package, folder / "env")
    llmprod = [str(python.with_name("llmprod"))]
    pytest = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "--llm-eval"]
    _refuse_checkout(python, folder)

    started = folder / "started"
    started.mkdir()
    _run(started, [*llmprod, "init", "--feature=greeting", "--callable=app.greet:greet"])
    _run(started, pytest)

    example = _example_of(package, folder)
    (example / "llmprod-gates.json").unlink(missing_ok=True)
    _run(example, [*pytest, "--llm-html=page.html"])
    gates = json.loads((example / "llmprod-gates.json").read_text(encoding="utf-8"))["gates"]
    if set(gates) != FEATURES or not all(gate["enabled"] for gate in gates.values()):
        raise SystemExit(f"{package.name}: the gates of the example are {gates}")
    if "ticket-triage" not in (example / "page.html").read_text(encoding="utf-8"):
        raise SystemExit(f"{package.name}: the page of the example tells nothing of ticket-triage")
    _run(example, [*llmprod, "selfcheck"])


def _installed(package: Path, environment: Path) -> Path:
    """Return the interpreter of a new environment in which a package is installed."""
    _run(ROOT, ["uv", "venv", "--quiet", "--python", sys.executable, str(environment)])
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = f"pytest-llmprod[{EXTRAS}] @ {package.resolve().as_uri()}"
    _run(ROOT, ["uv", "pip", "install", "--quiet", "--python", str(python), wanted])
    return python


def _refuse_checkout(python: Path, folder: Path) -> None:
    """Stop where `import pytest_llmprod` finds another one than that which was installed."""
    asked = [str(python), "-c", "import pytest_llmprod; print(pytest_llmprod.__file__)"]
    told = subprocess.check_output(asked, cwd=folder, env=_environment(), text=True).strip()
    if not Path(told).is_relative_to(folder / "env"):
        raise SystemExit(f"what is imported is {told}")


def _example_of(package: Path, folder: Path) -> Path:
    """Return a copy of the example: out of an sdist, or for a wheel, which has none, from here."""
    if package.suffix == ".whl":
        shutil.copytree(ROOT / EXAMPLE, folder / EXAMPLE)
        return folder / EXAMPLE
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    return folder / package.name.removesuffix(".tar.gz") / EXAMPLE


def _run(folder: Path, command: list[str]) -> None:
    """Run a command, and show what it printed only where it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        print(done.stdout.decode("utf-8", "replace"))
        raise SystemExit(f"{' '.join(command)} exited with {done.returncode}")


def _environment() -> dict[str, str]:
    """Return the environment without what would let a run see this checkout, or a provider."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "OPENAI_API_KEY", "OPENAI_BASE_URL")
    own = {name: value for name, value in os.environ.items() if name not in hidden}
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
    return own


def main(packages: list[str]) -> None:
    """Try each package, in a folder of its own that is removed afterwards."""
    if len(packages) < 2:
        raise SystemExit("name the wheel and the sdist")
    for name in packages:
        with tempfile.TemporaryDirectory() as folder:
            try_package(Path(name), Path(folder).resolve())
        print(f"{Path(name).name}: installs, starts a feature, and runs the example")


if __name__ == "__main__":
    main(sys.argv[1:])
