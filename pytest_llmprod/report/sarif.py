"""SARIF: the lines of an audit that are not fulfilled, as scanners tell them (OASIS SARIF 2.1.0).

GitHub and others show such a file beside the code. A waived line is there as suppressed.
"""

import json
from typing import Any
from urllib.parse import quote

from pytest_llmprod.core.checklist import Audit, AuditLine, Evidence

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: Where a line stands of which nothing was found anywhere.
_NOWHERE = Evidence(path="pyproject.toml")


def to_sarif(audit: Audit, version: str) -> str:
    """Return the audit as JSON text; `version` is that of this package."""
    told = [line for line in audit.lines if line.blocks or line.status == "waived"]
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "llmprod audit",
                        "version": version,
                        "rules": [_rule(line) for line in audit.lines],
                    }
                },
                "results": [_result(line, audit) for line in told],
                "properties": {"level": audit.level},
            }
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _rule(line: AuditLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": "".join(word.capitalize() for word in line.id.split("-")),
        "shortDescription": {"text": f"{line.asks} ({line.level})"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(line: AuditLine, audit: Audit) -> dict[str, Any]:
    mend = f" Mend it: {line.mend}" if line.mend else ""
    result: dict[str, Any] = {
        "ruleId": line.id,
        "ruleIndex": audit.lines.index(line),
        "level": "error",
        "message": {"text": f"{line.asks}: {line.status}, {line.says}.{mend}"},
        "locations": [_location(each) for each in line.evidence or (_NOWHERE,)],
        "partialFingerprints": {"llmprod/v1": line.id},
    }
    if line.status == "waived":
        why = f"{line.waived_by}, until {line.waived_until}: {line.why}"
        result["suppressions"] = [{"kind": "external", "justification": why}]
    return result


def _location(evidence: Evidence) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(evidence.path)}}
    place["region"] = {"startLine": evidence.line or 1}
    return {"physicalLocation": place}
