"""The command `llmprod`: what is done outside of a test run.

Every command exits with 0 when all is well, with 1 when it found something, and with 2 when it was
called in a wrong way.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.core.errors import CassetteError, LlmprodError, PricesError
from pytest_llmprod.core.exchange import usage_to_json
from pytest_llmprod.core.text import printable, shorten

if TYPE_CHECKING:
    from pytest_llmprod.wire.recording import Recording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except LlmprodError as error:
        print(f"llmprod: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llmprod", description=__doc__)
    nouns = parser.add_subparsers(metavar="NOUN", required=True)

    dataset = nouns.add_parser("dataset", help="data sets of evals").add_subparsers(
        metavar="VERB", required=True
    )
    check = dataset.add_parser("check", help="say whether data sets can be read")
    check.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="in JSONL, CSV, YAML or JSON"
    )
    check.set_defaults(run=_dataset_check)

    cassette = nouns.add_parser("cassette", help="recordings").add_subparsers(
        metavar="VERB", required=True
    )
    show = cassette.add_parser("show", help="list the exchanges in a cassette, ours or vcrpy's")
    show.add_argument("file", type=Path, metavar="FILE", help="below a folder named cassettes")
    show.add_argument("--json", action="store_true", help="print JSON instead of a table")
    show.set_defaults(run=_cassette_show)

    prices = nouns.add_parser("prices", help="what models cost").add_subparsers(
        metavar="VERB", required=True
    )
    lock = prices.add_parser(
        "lock", help="write llmprod.prices.toml for the models in the recordings below a folder"
    )
    lock.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="default: here"
    )
    lock.set_defaults(run=_prices_lock)
    return parser


def _dataset_check(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import dataset  # brings pydantic; other commands do without

    status = 0
    for path in options.files:
        try:
            cases = dataset.load(path).cases
        except LlmprodError as error:
            print(f"llmprod: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{path}: {len(cases)} cases")
    return status


def _cassette_show(options: argparse.Namespace) -> int:
    exchanges = list(_exchanges(options.file))
    if options.json:
        print(json.dumps(exchanges, indent=1))
        return 0
    import tabulate  # only a table needs it

    rows = [
        (
            printable(each["case"]),
            printable(each["operation"]) + (" (stream)" if each["stream"] else ""),
            printable(each["model"]),
            each["status"],
            each["usage"]["input_tokens"] if each["usage"] else "-",
            each["usage"]["output_tokens"] if each["usage"] else "-",
            f"{each['latency_s']:.2f} s",
            shorten(printable(each["text"]), 40),
        )
        for each in exchanges
    ]
    headers = ("case", "operation", "model", "status", "in", "out", "latency", "text")
    align = ("left", "left", "left", "right", "right", "right", "right", "left")
    print(
        tabulate.tabulate(
            rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=align
        )
    )
    return 0


def _exchanges(path: Path) -> Iterator[dict[str, Any]]:
    from pytest_llmprod.wire import cassette_file, foreign

    if not path.is_file():
        raise LlmprodError(
            f"{path}: there is no such file. Name a cassette, a file under cassettes/."
        )
    content = path.read_bytes()
    is_vcrpys = b'"interactions"' in content and b'"llmprod"' not in content
    is_ours = path.suffix == ".json" and not is_vcrpys
    for recording in cassette_file.load(path).all() if is_ours else foreign.load(path):
        try:
            row = _exchange(recording)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CassetteError(
                f"{path}: the recording of case {recording.case!r} cannot be understood "
                f"({type(error).__name__}: {error}). Restore the file from version control, or "
                f"delete it and record it again with --llm-record=once."
            ) from error
        yield row


def _exchange(recording: "Recording") -> dict[str, Any]:
    from urllib.parse import urlsplit

    from pytest_llmprod.wire import bodies, dialects

    if not isinstance(recording.model, str):
        raise TypeError(f"model is {recording.model!r}")
    uri = recording.request["uri"]
    url = urlsplit(uri)
    dialect = dialects.find_dialect(dialects.BUILT_IN, uri)
    asked = bodies.decode_document(recording.request["body"])
    return {
        "case": recording.case,
        "provider": dialects.provider_of(dialect, uri) if dialect else url.netloc,
        "operation": dialect.operation if dialect else url.path,
        "stream": "stream" in recording.response["body"],
        "model_requested": dialects.asked_model(dialect, uri, asked) or None,
        "model": recording.model,
        "status": recording.status,
        "usage": usage_to_json(recording.usage) if recording.usage else None,
        "latency_s": recording.latency_s,
        "ttft_s": recording.ttft_s,
        "recorded_at": recording.recorded_at,
        "text": dialects.stored_text(dialect, recording.response["body"]),
    }


def _prices_lock(options: argparse.Namespace) -> int:
    import importlib.metadata

    from pytest_llmprod.budgets import prices
    from pytest_llmprod.core.files import write_whole

    found = {
        (each["provider"], each["model"])
        for path in sorted(options.folder.rglob("cassettes/**/*.json"))
        for each in _exchanges(path)
    }
    if not found:
        raise PricesError(
            f"{options.folder}: there is no cassette below this folder. Record one with "
            f"`pytest --llm-eval --llm-record=once`, then lock its prices."
        )
    path = options.folder / prices.FILE_NAME
    by_hand = prices.load(path) if path.exists() else prices.PriceList({})
    now = datetime.now(UTC)
    known = {}
    unknown = []
    for provider, model in sorted(found):
        try:
            known[provider, model] = prices.look_up(provider, model, now)
        except PricesError as error:
            kept = by_hand.find(provider, model)
            if kept is None:
                unknown.append(str(error))
            else:
                known[provider, model] = kept
    source = f"genai-prices {importlib.metadata.version('genai-prices')}"
    text = prices.dump(known, source=source, locked_on=now.date())
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise PricesError(
            f"{path}: cannot be written ({error.strerror}). Make the file and its folder writable."
        ) from error
    print(f"{path}: {len(known)} models priced, from {source}")
    for problem in unknown:
        print(f"llmprod: {problem}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
