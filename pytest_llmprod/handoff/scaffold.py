"""Scaffold: the files with which a feature starts, and what becomes of those that are there.

Nothing that exists is overwritten: `pyproject.toml` and `.gitignore` get lines at their ends.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from pytest_llmprod.core.errors import HandoffError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.handoff import testing_setup
from pytest_llmprod.handoff.probing import Probed, probe, read_name

_TEMPLATES = files("pytest_llmprod.handoff") / "templates"
_TODO = "TODO: what a user writes"
_CANARY = "My order customer-4711-heliotrope is late."
#: Faults that every client raises, so that a feature which catches what it raises survives them.
_RAISED = (
    *("connection-refused", "closed-before-answer", "server-error", "overloaded", "invalid-key"),
    *("rate-limit", "model-not-found", "prompt-filtered"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What is known of a feature before anything is written.

    `probed` is None where the module of its callable is not there yet. `base` is the folder, below
    the root, from which its modules are imported, and `package` the one in which what is written
    can stand, '' for none; `needs_path` says that pytest must be told of `base`.
    """

    name: str
    module: str
    function: str
    probed: Probed | None
    package: str
    base: PurePosixPath
    needs_path: bool
    setup: testing_setup.TestingSetup

    @property
    def snake(self) -> str:
        """Return the name as a part of file names."""
        return self.name.replace("-", "_").lower()

    @property
    def gated_module(self) -> str:
        """Return the module with the gate and the fallback, beside that of the callable."""
        return ".".join(filter(None, (self.package, f"{self.snake}_gated")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of one file: `outcome` is "wrote", "added to" or "left alone", with the reason.

    `path` is relative to the root.
    """

    path: str
    outcome: str
    reason: str = ""


def read_feature(name: str) -> str:
    """Return the name of a feature without its outer blanks; raise HandoffError for none."""
    name = name.strip()
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name):
        raise HandoffError(
            f"{name!r} names no feature. Write letters, digits and -, for instance ticket-triage."
        )
    return name


def learn(name: str, callable_name: str, root: Path, environ: Mapping[str, str]) -> Feature:
    """Return what is known of a feature; raise HandoffError where its names cannot be used."""
    name = read_feature(name)
    module, function = read_name(callable_name)
    setup = testing_setup.read(root)
    configured = [root / each for each in setup.pythonpath]
    probed = probe(module, function, root, configured, environ)
    base, needs_path = PurePosixPath(setup.pythonpath[0] if setup.pythonpath else "."), False
    if probed is None and root not in configured:
        probed = probe(module, function, root, [root, *configured], environ)
        needs_path = probed is not None or not setup.pythonpath
        base = PurePosixPath(".") if needs_path else base
    package = module.rpartition(".")[0]
    if probed is None:
        _refuse_module_as_package(module, root / base)
    else:
        home = _home_of(module, probed, root)
        if home is None:  # it is installed elsewhere: what is written stands beside its package
            package, home, needs_path = "", PurePosixPath(), root not in configured
        base = home
    return Feature(
        name=name,
        module=module,
        function=function,
        probed=probed,
        package=package,
        base=base,
        needs_path=needs_path,
        setup=setup,
    )


def _refuse_module_as_package(module: str, base: Path) -> None:
    *parents, _ = module.split(".")
    for number in range(1, len(parents) + 1):
        path = base.joinpath(*parents[:number]).with_suffix(".py")
        if path.exists():
            raise HandoffError(f"{module}: {path.name} is a module, and no package. Name another.")


def _home_of(module: str, probed: Probed, root: Path) -> PurePosixPath | None:
    """Return the folder from which `module` is imported, None where that is not below the root."""
    levels = module.count(".") + (probed.path.name == "__init__.py")
    try:
        folder = probed.path.resolve().parents[levels].relative_to(root.resolve())
    except (IndexError, ValueError):
        return None
    if "site-packages" in folder.parts:  # of an environment that lies in the project
        return None
    return PurePosixPath(folder.as_posix())


def write(feature: Feature, root: Path) -> list[Written]:
    """Write what is missing, and return what became of each file.

    Raises HandoffError where a file cannot be written; those before it stay.
    """
    told = []
    for path, content in _new_files(feature, root):
        told.append(_write_new(root, path, content))
    return [*told, *_added(feature, root)]


def _new_files(feature: Feature, root: Path) -> Iterator[tuple[str, str]]:
    values = _values(feature, root)
    tests, snake = values["tests"], feature.snake
    if feature.probed is None:
        yield from _application(feature, root, values)
    gated = feature.base / f"{feature.gated_module.replace('.', '/')}.py"
    yield str(gated), _filled("gated.py", values)
    yield values["dataset"], _filled("dataset.jsonl", values)
    yield f"{tests}/test_{snake}_eval.py", _filled(_eval_template(feature), values)
    yield f"{tests}/test_{snake}_drill.py", _filled("drill.py", values)
    yield f"{tests}/test_{snake}_guardrails.py", _filled("guardrails.py", values)
    if feature.needs_path and feature.setup.is_configured:
        yield "conftest.py", _filled("conftest.py", values)
    if not (root / ".gitlab-ci.yml").exists():
        yield ".github/workflows/llmprod.yml", _filled("workflow.yml", values)


def _eval_template(feature: Feature) -> str:
    if feature.probed is None:
        return "eval_starter.py"
    return "eval_async.py" if feature.probed.is_async else "eval.py"


def _application(
    feature: Feature, root: Path, values: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the module of a callable that is not there yet, and the packages around it."""
    *parents, module = feature.module.split(".")
    for number in range(1, len(parents) + 1):
        folder = feature.base.joinpath(*parents[:number])
        if not (root / folder).is_dir():
            yield f"{folder}/__init__.py", _filled("package.py", values)
    yield str(feature.base.joinpath(*parents, f"{module}.py")), _filled("starter.py", values)


def _values(feature: Feature, root: Path) -> dict[str, str]:
    probed = feature.probed
    names = ("text",) if probed is None else probed.parameters
    is_keyworded = probed is not None and probed.is_keyworded
    is_async = probed is not None and probed.is_async
    stars = "**" if is_keyworded else ""
    callee = f"{feature.module}.{feature.function}"
    answer = f"{feature.gated_module}.answer({stars}GIVEN)"
    tests = _tests_folder(feature.setup)
    imported = [feature.gated_module, *([feature.module] if probed is None else [])]
    return {
        "feature": feature.name,
        "title": feature.name.replace("-", " ").replace("_", " ").capitalize(),
        "module": feature.module,
        "name": feature.function,
        "gated": feature.gated_module,
        "tests": tests,
        "depth": str(len(PurePosixPath(tests).parts)),
        "dataset": f"evals/{feature.snake}.jsonl",
        "prefix": feature.snake[0],
        "input": json.dumps(_given(names, is_keyworded, _TODO)),
        "canary_input": json.dumps(_given(names, is_keyworded, _CANARY)),
        "parameters": ", ".join(names),
        "arguments": ", ".join(f"{each}={each}" if is_keyworded else each for each in names),
        "call_of_case": f"{callee}({stars}llm_case.input)",
        "call_of_given": f"{callee}({stars}given)",
        "gated_call": f"asyncio.run({answer})" if is_async else answer,
        "import_asyncio": "import asyncio\n" if is_async else "",
        "async_def": "async " if is_async else "",
        "await_": "await " if is_async else "",
        "requirements": _requirements(root),
        "import_application": "".join(f"import {each}\n" for each in sorted(imported)),
        **_good(feature, is_new=probed is None),
        **_faults(is_new=probed is None),
    }


def _good(feature: Feature, *, is_new: bool) -> dict[str, str]:
    if is_new:
        return {"good": f"{feature.module}.LABELS[0]", "good_comment": ""}
    comment = f"  # TODO: an answer that {feature.function} takes for good"
    return {"good": '"yes"', "good_comment": comment}


def _given(names: Sequence[str], is_keyworded: bool, text: str) -> str | dict[str, str]:
    return dict.fromkeys(names, text) if is_keyworded else text


def _faults(*, is_new: bool) -> dict[str, str]:
    if is_new:
        comment = "Each way in which a provider fails; `pytest --llm-eval -rs` says which were met."
        return {"faults": '"all"', "faults_comment": comment}
    lines = "".join(f'    "{each}",\n' for each in _RAISED)
    comment = (
        'A start: faults that every client raises. Write "all" next, which has those too that none'
        "\n# does: half an answer, an empty one, one that never ends."
    )
    return {"faults": f"[\n{lines}]", "faults_comment": comment}


def _tests_folder(setup: testing_setup.TestingSetup) -> str:
    """Return the first folder that is searched for tests, `tests` where none is named."""
    plain = [each.strip("/") for each in setup.testpaths if not set(each) & set("*?[")]
    inside = [each for each in plain if each not in ("", ".") and ".." not in each.split("/")]
    return inside[0] if inside else "tests"


def _requirements(root: Path) -> str:
    if (root / "requirements.txt").is_file():
        return "-r requirements.txt pytest-llmprod"
    try:
        document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    return "-e . pytest-llmprod" if "project" in document else "pytest-llmprod"


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = (_TEMPLATES / f"{name}.template").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _write_new(root: Path, path: str, content: str) -> Written:
    if (root / path).exists():
        return Written(path=path, outcome="left alone", reason="it is there already")
    _write(root, path, content.encode())
    return Written(path=path, outcome="wrote")


def _write(root: Path, path: str, content: bytes) -> None:
    try:
        write_whole(root / path, content)
    except OSError as error:
        raise HandoffError(
            f"{path}: cannot be written ({error.strerror}). Make its folder writable, and run the "
            f"command again: what is written already is left alone then."
        ) from error


def _added(feature: Feature, root: Path) -> Iterator[Written]:
    values = {"feature": feature.name}
    yield _add_settings(feature, root, _filled("pyproject.toml", values))
    lines = _filled("gitignore", values)
    yield _add(root, ".gitignore", lines, is_there=lambda text: ".llmprod/" in text.split())
    if (root / ".gitlab-ci.yml").exists():
        reason = "add `pytest --llm-eval` to a job of it"
        yield Written(path=".gitlab-ci.yml", outcome="left alone", reason=reason)


def _add_settings(feature: Feature, root: Path, table: str) -> Written:
    path = "pyproject.toml"
    if feature.needs_path and not feature.setup.is_configured:
        table = f'[tool.pytest.ini_options]\npythonpath = ["."]\n\n{table}'
    text = _text(root, path)
    if not _llmprod_table(text):  # what others of its tests may send is not ours to forbid
        table = f"{table}\n{_filled('wire.toml', {})}"
    after = _joined(text, table)
    if feature.name in _features(text):
        reason = f"it has [tool.llmprod.features.{feature.name}] already"
        return Written(path=path, outcome="left alone", reason=reason)
    if feature.name not in _features(after):
        reason = f"add a table [tool.llmprod.features.{feature.name}] by hand"
        return Written(path=path, outcome="left alone", reason=reason)
    _write(root, path, after.encode())
    return Written(path=path, outcome="added to" if text else "wrote")


def _features(text: str) -> Mapping[str, object]:
    """Return the features of a pyproject.toml, none where it is no valid TOML."""
    return dict(_llmprod_table(text).get("features", {}))


def _llmprod_table(text: str) -> Mapping[str, Any]:
    """Return `[tool.llmprod]` of a pyproject.toml, empty where it has none or is no valid TOML."""
    try:
        return dict(tomllib.loads(text)["tool"]["llmprod"])
    except (ValueError, KeyError):
        return {}


def _add(root: Path, path: str, lines: str, *, is_there: Callable[[str], bool]) -> Written:
    text = _text(root, path)
    if is_there(text):
        return Written(path=path, outcome="left alone", reason="it has these lines already")
    _write(root, path, _joined(text, lines, gap="").encode())
    return Written(path=path, outcome="added to" if text else "wrote")


def _text(root: Path, path: str) -> str:
    """Return the text of a file with its line ends as they are, '' where there is none."""
    try:
        return (root / path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HandoffError(f"{path}: cannot be read ({error}). Mend it first.") from error


def _joined(text: str, addition: str, gap: str = "\n") -> str:
    """Return `text` as it is, and `addition` after it with the same line ends."""
    end = "\r\n" if "\r\n" in text else "\n"
    if text:
        addition = ("" if text.endswith("\n") else "\n") + gap + addition
    return text + addition.replace("\n", end)
