"""Data set: the cases of an eval, read from JSONL, CSV, YAML or JSON.

A row has `id`, `input`, `expected`, and optionally `tags` and `cluster`. In a CSV file a column
named `input.text` fills the key `text` of `input`. Other columns are left alone, unless their name
looks like a misspelling of these.
"""

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pytest_llmprod.core.errors import DatasetError

FIELDS = ("id", "input", "expected", "tags", "cluster")
FORMATS = (".jsonl", ".csv", ".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of a data set. `input` and `expected` are any JSON value."""

    id: str
    input: Any
    expected: Any
    tags: tuple[str, ...] = ()
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The cases of a file in file order, and the SHA-256 of its content.

    The digest is that of the bytes with line ends as LF, so that a checkout on Windows keeps it.
    """

    path: Path
    cases: tuple[Case, ...]
    sha256: str


def _id_as_text(value: Any) -> Any:
    if isinstance(value, str):
        value.encode()  # half a surrogate pair is a ValueError: no report could name the case
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tags_as_list(value: Any) -> Any:
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",") if tag.strip()]
    return value


class _Row(BaseModel):
    """A row as strangers write it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: Annotated[str, BeforeValidator(_id_as_text), Field(min_length=1)]
    input: Any = None
    expected: Any = None
    tags: Annotated[list[str], BeforeValidator(_tags_as_list)] = []
    cluster: Annotated[str | None, BeforeValidator(_id_as_text)] = None


NumberedRow = tuple[int, Any]


def load(path: Path) -> Dataset:
    """Read the data set at `path`.

    Raises DatasetError, which names file, line and cure, where the file is missing, empty, not
    UTF-8, cannot be parsed, or holds a row without an id, a row with neither `input` nor
    `expected`, or two rows with one id.
    """
    content = read_bytes(path)
    cases = read_cases(path, content)
    if not cases:
        raise DatasetError(f"{path}: has no rows. Add at least one row with id, input, expected.")
    return Dataset(path=path, cases=cases, sha256=digest(content))


def read_cases(path: Path, content: bytes) -> tuple[Case, ...]:
    """Return the cases of a data set that holds `content`, none where it is empty.

    Raises DatasetError as `load` does.
    """
    cases: dict[str, Case] = {}
    lines: dict[str, int] = {}
    for line, row in read_rows(path, content):
        case = as_case(path, line, row)
        if case.id in cases:
            raise DatasetError(
                f"{path}, line {line}: the id {case.id!r} was used before, in line "
                f"{lines[case.id]}. Give each row an id of its own."
            )
        cases[case.id] = case
        lines[case.id] = line
    return tuple(cases.values())


def digest(content: bytes) -> str:
    """Return the SHA-256 of a data-set file, line ends read as LF."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`; raise DatasetError where it cannot be had."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(
            f"{path}: there is no such file. Create it, or correct the path in the marker (it is "
            f"looked up from the folder of the test file, then from pytest's rootdir)."
        ) from None
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}). Name a file that you may read."
        ) from error


def read_rows(path: Path, content: bytes) -> Iterator[NumberedRow]:
    """Yield the line number and the decoded value of each row, by the ending of the name."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(
            f"{path}: the ending {path.suffix!r} is not known. Use one of {', '.join(FORMATS)}."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8. Save the file "
            f"as UTF-8."
        ) from error
    if text.strip():
        yield from reader(path, text)


def _read_jsonl(path: Path, text: str) -> Iterator[NumberedRow]:
    # Not splitlines(): it would also split at U+2028, which JSON strings may hold.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DatasetError(
                f"{path}, line {number}: is not valid JSON ({reason}). Write one JSON object a "
                f"line."
            ) from error


def _read_json(path: Path, text: str) -> Iterator[NumberedRow]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise DatasetError(
            f"{path}, line {line}: is not valid JSON ({reason}). Write a list of objects."
        ) from error
    if not isinstance(document, list):
        raise DatasetError(f"{path}: holds no list. Write a list of objects, one for each case.")
    decoder = json.JSONDecoder()
    position = text.find("[") + 1
    for row in document:
        while text[position] in " \t\r\n,":
            position += 1
        yield text.count("\n", 0, position) + 1, row
        _, position = decoder.raw_decode(text, position)


def _read_csv(path: Path, text: str) -> Iterator[NumberedRow]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, len(text)))  # a cell may be as long as in the other formats
    try:
        _refuse_text_and_object(path, reader.fieldnames or ())
        for record in reader:
            if None in record or None in record.values():
                raise DatasetError(
                    f"{path}, line {reader.line_num}: has not as many cells as the first line has "
                    f"names ({len(reader.fieldnames or ())}). Quote cells that hold a comma."
                )
            yield reader.line_num, unfold(record)
    except csv.Error as error:
        # The reader counts the lines of whole rows: the broken one begins on the next.
        raise DatasetError(
            f"{path}, line {reader.line_num + 1}: is not valid CSV ({error}). Close every quote."
        ) from error
    finally:
        csv.field_size_limit(limit)


def _refuse_text_and_object(path: Path, columns: Sequence[str]) -> None:
    names = {column.strip() for column in columns}
    for column in columns:
        name = column.strip().partition(".")[0]
        if name in names and name != column.strip():
            raise DatasetError(
                f"{path}, line 1: has both the columns {name!r} and {column.strip()!r}. Keep one: "
                f"{name} is either a text or an object."
            )


def unfold(record: Mapping[str, str]) -> dict[str, Any]:
    """Turn columns such as `input.text` into nested objects, and empty cells into nothing."""
    row: dict[str, Any] = {}
    for column, cell in record.items():
        name, _, inner = column.strip().partition(".")
        if inner:
            row.setdefault(name, {})[inner] = cell
        elif cell or name not in ("tags", "cluster"):
            row[name] = cell
    return row


def _read_yaml(path: Path, text: str) -> Iterator[NumberedRow]:
    import yaml  # only a data set in YAML needs it

    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise DatasetError(f"{path}: holds no list. Write a list of rows, each begun by '- '.")
        for child in node.value:
            line = child.start_mark.line + 1
            try:
                row = loader.construct_object(child, deep=True)
            except ValueError as error:  # such as 2026-02-30, which looks like a date
                raise _not_yaml(path, line, str(error)) from error
            _refuse_dates(path, line, row)
            yield line, row
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_yaml(path, line, f"it cannot hold the character {error.character:#x}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "cannot be parsed"
        raise _not_yaml(path, mark.line + 1 if mark else 1, reason) from error
    except RecursionError as error:
        raise _not_yaml(path, 1, "it is nested too deeply") from error
    finally:
        if loader is not None:
            loader.dispose()


def _not_yaml(path: Path, line: int, reason: str) -> DatasetError:
    return DatasetError(f"{path}, line {line}: is not valid YAML ({reason}). Correct the line.")


def _refuse_dates(path: Path, line: int, value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"{path}, line {line}: holds a value that JSON does not know, such as a date "
            f"({error}). Put it in quotes."
        ) from error


def as_case(path: Path, line: int, row: Any) -> Case:
    """Return a decoded row as a case; raise DatasetError, which names `path` and `line`."""
    if not isinstance(row, dict):
        raise DatasetError(
            f"{path}, line {line}: is no object but {type(row).__name__}. Write an object with id, "
            f"input and expected."
        )
    _refuse_misspelt(path, line, row)
    try:
        checked = _Row.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        problem = _PROBLEMS.get(first["type"], first["msg"].lower())
        raise DatasetError(
            f"{path}, line {line}: {name}: {problem}. Every row needs an id of its own (text or "
            f"whole number); tags are a list of texts, cluster is a text."
        ) from error
    _refuse_empty(path, line, row)
    return Case(
        id=checked.id,
        input=checked.input,
        expected=checked.expected,
        tags=tuple(checked.tags),
        cluster=checked.cluster,
    )


_PROBLEMS = {"missing": "is missing", "too_short": "is empty", "string_too_short": "is empty"}


def _refuse_misspelt(path: Path, line: int, row: Mapping[str, Any]) -> None:
    for name in row:
        if name in FIELDS:
            continue
        folded = str(name).casefold()
        # A customer is no misspelt cluster: they are alike by 0.8.
        alike = [each for each in FIELDS if folded == f"{each}s" or sorted(folded) == sorted(each)]
        close = alike or difflib.get_close_matches(folded, FIELDS, n=1, cutoff=0.82)
        if close and close[0] not in row:
            raise DatasetError(
                f"{path}, line {line}: the key {name!r} is not known. Did you mean {close[0]!r}?"
            )


def _refuse_empty(path: Path, line: int, row: Mapping[str, Any]) -> None:
    if "input" in row or "expected" in row:
        return
    found = ", ".join(repr(name) for name in row)
    if path.suffix.lower() == ".csv":
        cure = "Name the columns input.text, expected.label, or input and expected"
    else:
        cure = "Name the keys input and expected"
    raise DatasetError(
        f"{path}, line {line}: has neither input nor expected, only {found}. {cure}."
    )


_READERS: Mapping[str, Callable[[Path, str], Iterator[NumberedRow]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_json,
}
