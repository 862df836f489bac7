"""Schema instance: the plainest JSON value that a JSON schema allows."""

from collections.abc import Mapping
from typing import Any

_PLAIN: Mapping[str, Any] = {
    "string": "text",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "null": None,
}
_DEEPEST = 20


def instance_of(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """Return the plainest value of `schema`; references are looked up in `root`.

    It knows what models are asked for: objects, arrays, enums, constants, alternatives, bounds and
    references. Of a schema that holds itself it goes a few levels deep.
    """
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return instance_of(_referred(root, str(schema["$ref"])), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return instance_of(schema[word][0], root, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        wanted = schema.get("required", list(properties))
        return {name: instance_of(properties.get(name), root, depth + 1) for name in wanted}
    if kind == "array":
        count = int(schema.get("minItems", 0))
        return [instance_of(schema.get("items"), root, depth + 1) for _ in range(count)]
    return _scalar(schema, str(kind))


def _scalar(schema: Mapping[str, Any], kind: str) -> Any:
    value: Any = _PLAIN.get(kind)
    if kind in ("integer", "number"):
        value = schema.get("minimum", value)
        value = schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else value
    if kind == "string":
        value = value[: schema.get("maxLength", len(value))]
        value = value.ljust(schema.get("minLength", 0), "x")
    return value


def _referred(root: Any, reference: str) -> Any:
    found = root
    for part in reference.removeprefix("#/").split("/"):
        if reference != "#":
            found = found.get(part) if isinstance(found, Mapping) else None
    return found
