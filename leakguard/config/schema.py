"""The JSON schema of `leakguard.toml`: what an editor needs to complete and check one."""

from __future__ import annotations

from collections.abc import Mapping

from leakguard.checks import CHECKS
from leakguard.config.part import FILE
from leakguard.model import Confidence

_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "boolean"}
_BYTES = {"type": "integer", "minimum": 0, "maximum": 8192}
_CONFIDENCE = {"enum": [each.label for each in Confidence if each is not Confidence.KNOWN]}


def _texts(description: str) -> dict[str, object]:
    return {"type": "array", "items": _TEXT, "description": description}


def _said(kind: Mapping[str, object], description: str) -> dict[str, object]:
    return {**kind, "description": description}


def _table(properties: Mapping[str, object], *required: str) -> dict[str, object]:
    table = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    return {**table, "required": list(required)} if required else table


_OF_MATCHES = {
    "values": _texts("Regexes, one of which is found in the secret."),
    "matches": _texts("Regexes, one of which is found in all that the rule's regex matched."),
    "lines": _texts("Regexes, one of which is found in the lines of the secret; not in streams."),
    "stopwords": _texts("Words, one of which is in the secret, in any case."),
    "paths": _texts("Globs of a file or of a directory above it; not in streams."),
    "path_regexes": _texts("Regexes, one of which is found in the path; not in streams."),
    "reason": _said(_TEXT, "Why it is allowed, for people."),
}
_ALLOW = {
    "fingerprints": _texts("Fingerprints of values, as reports have them."),
    "rules": _texts("Globs of the ids of the rules that this is for."),
    **_OF_MATCHES,
}
_REQUIRES = {
    "rules": _texts("Ids of rules, one of which must match near."),
    "lines": _said(_BYTES, "How many lines apart both may begin."),
    "columns": _said(_BYTES, "How many columns apart both may begin."),
}
_RULE = {
    "description": _said(_TEXT, "What it finds, in words."),
    "regex": _said(_TEXT, "What it looks like; the group `secret` is the secret, or all of it."),
    "keywords": _texts("Literals, one of which is where the regex begins."),
    "before": _said(_BYTES, "Bytes in front of the keyword where the regex may begin."),
    "reach": _said(_BYTES, "Bytes from the keyword on that may decide."),
    "entropy": _said({"type": "number", "minimum": 0, "maximum": 8}, "Bits for each byte."),
    "check": _said({"enum": sorted(CHECKS)}, "What verifies the secret."),
    "preface": _said(_BYTES, "Bytes in front of the secret that the check sees."),
    "confidence": _said(_CONFIDENCE, "What a match is worth without a check."),
    "passed": _said(_CONFIDENCE, "What a match is worth whose check holds."),
    "failed": _said(_CONFIDENCE, "What a match is worth whose check does not hold."),
    "stopwords": _texts("Words in lower case that no secret contains."),
    "vendor": _said(_TEXT, "Whose credential it is."),
    "remediation": _said(_TEXT, "What to do about a leak."),
    "examples": _texts("Templates of texts with one secret each."),
    "counterexamples": _texts("Templates of texts without any."),
    "path": _said(_TEXT, "Regex found in the path of a file that the rule is for."),
    "lead": _said(_BYTES, "Bytes of the word in front of a match that `matches` sees."),
    "silent": _said(_FLAG, "Whether matches only count for rules that require them."),
    "allow": {"type": "array", "items": _table(_OF_MATCHES)},
    "requires": {"type": "array", "items": _table(_REQUIRES, "rules")},
}
_NEW = {
    "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
    "ignore_case": _said(_FLAG, "Whether keywords count in lower, upper and title case, too."),
}


def schema(options: Mapping[str, object]) -> dict[str, object]:
    """Return the schema.

    Args:
        options: The schema of the options' defaults.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE,
        **_table(
            {
                "extends": _texts("Configurations to begin with, gitleaks' among them."),
                "builtin": _said(_FLAG, "Whether the rules that come with leakguard are used."),
                "disable": _texts("Globs of the ids of rules that are not used."),
                "override": {"type": "object", "additionalProperties": _table(_RULE)},
                "options": _said(options, "Defaults of options, by their names without dashes."),
                "allow": {"type": "array", "items": _table(_ALLOW)},
                "vendor": _said(_TEXT, "Whose credentials the rules of this file find."),
                "remediation": _said(_TEXT, "What to do about a leak of what they find."),
                "rules": {
                    "type": "array",
                    "items": _table(_NEW | _RULE, "id", "description"),
                },
            }
        ),
    }
