"""Where people put secrets: twelve kinds of files, each written as people write them.

A surrounding is a function from what is assigned to the text of a file; it is named by the file.
Which of several usual spellings it takes is left to chance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TypeAlias
from xml.sax.saxutils import escape

Assigned: TypeAlias = tuple[str, str]
Surrounding: TypeAlias = Callable[[Sequence[Assigned], Random], str]

# What may stand behind a header's name or `Bearer` as it is.
_TOKEN = re.compile(r"[\w.~+/=:$|!*^-]+")
_PLAIN = re.compile(r"[\w./+=:@%~-]+")


def _snake(name: str) -> str:
    return name


def _upper(name: str) -> str:
    return name.upper()


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _dotted(name: str) -> str:
    return name.replace("_", ".")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _header(name: str) -> str:
    return "X-" + "-".join(word.capitalize() for word in name.split("_"))


def _double(value: str) -> str:
    """Return a string in double quotes, escaped as in JSON, TOML, HCL, YAML and Python."""
    return json.dumps(value, ensure_ascii=False)


def _single(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _shell(assigned: Sequence[Assigned], chance: Random) -> str:
    quote = chance.choice((_single, _bare, _double_shell))
    lines = (f"export {_upper(name)}={quote(value)}" for name, value in assigned)
    return "\n".join(["#!/bin/sh", "set -eu", *lines, "exec ./deploy --region eu-west-1", ""])


def _bare(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else _single(value)


def _double_shell(value: str) -> str:
    return _single(value) if re.search(r'["$`\\!]', value) else f'"{value}"'


def _yaml(assigned: Sequence[Assigned], chance: Random) -> str:
    case, plain = chance.choice((_snake, _camel, _kebab, _upper)), chance.random() < 0.5
    lines = (f"  {case(name)}: {_yaml_value(value, plain=plain)}" for name, value in assigned)
    return "\n".join(["app:", "  replicas: 2", *lines, "  region: eu-west-1", ""])


def _yaml_value(value: str, *, plain: bool) -> str:
    if "\n" in value:
        return "|\n" + "\n".join(f"    {line}" for line in value.splitlines())
    return value if plain and re.fullmatch(r"[A-Za-z0-9/][\w./+=:@~-]*", value) else _double(value)


def _json(assigned: Sequence[Assigned], chance: Random) -> str:
    case = chance.choice((_snake, _camel, _upper))
    lines = [f'    "{case(name)}": {_json_value(value)},' for name, value in assigned]
    return "\n".join(["{", '  "app": {', *lines, '    "region": "eu-west-1"', "  }", "}", ""])


def _json_value(value: str) -> str:
    return (
        value if value.startswith("{") and value.endswith("}") and ":" in value else _double(value)
    )


def _dotenv(assigned: Sequence[Assigned], chance: Random) -> str:
    quoted = chance.random() < 0.5
    lines = (f"{_upper(name)}={_dotenv_value(value, quoted=quoted)}" for name, value in assigned)
    return "\n".join(["NODE_ENV=production", *lines, "PORT=8080", ""])


def _dotenv_value(value: str, *, quoted: bool) -> str:
    if "\n" in value:
        return '"' + value.replace("\n", "\\n").replace('"', '\\"') + '"'
    if '"' in value:
        return _single(value)
    return f'"{value}"' if quoted or " " in value else value


def _dockerfile(assigned: Sequence[Assigned], chance: Random) -> str:
    mark = chance.choice(("=", " "))
    lines = (f"ENV {_upper(name)}{mark}{_docker_value(value)}" for name, value in assigned)
    return "\n".join(["FROM alpine:3.20", *lines, 'CMD ["/app"]', ""])


def _docker_value(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else _dotenv_value(value, quoted=True)


def _curl(assigned: Sequence[Assigned], chance: Random) -> str:
    lines = (_called(name, value, chance) for name, value in assigned)
    return "\n".join(["#!/bin/sh", "# What the deployment answers.", *lines, ""])


def _called(name: str, value: str, chance: Random) -> str:
    if value.startswith("curl "):
        return value
    if value.startswith("https://"):
        return f"curl -fsSL {_single(value)}"
    if re.match(r"(?i)authorization: ", value):
        return f"curl -sS -H {_single(value)} https://api.example.com/v1/items"
    if not _TOKEN.fullmatch(value):
        document = f'{{"{name}": {_double(value)}}}'
        return f"curl -sS --data {_single(document)} https://api.example.com/v1/items"
    return _with_header(name, value, chance)


def _with_header(name: str, value: str, chance: Random) -> str:
    if chance.random() < 0.5:
        return f"curl -sS -H '{_header(name)}: {value}' https://api.example.com/v1/items"
    host = f"api.{name.partition('_')[0]}.com"
    return f'curl -sS -H "Authorization: Bearer {value}" https://{host}/v1/items'


def _log(assigned: Sequence[Assigned], chance: Random) -> str:
    case, mark = chance.choice((_snake, _upper, _camel)), chance.choice(("=", ": ", "="))
    told = " ".join(f"{case(name)}{mark}{_log_value(value)}" for name, value in assigned)
    stamp = "2026-11-24T08:12:31.204Z"
    lines = (
        "INFO  [main] started",
        f"DEBUG [worker-3] loaded {told} region=eu-west-1",
        "INFO  done",
    )
    return "\n".join([*(f"{stamp} {line}" for line in lines), ""])


def _log_value(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else _double(value)


def _xml(assigned: Sequence[Assigned], chance: Random) -> str:
    form = chance.choice((_element, _add, _property))
    lines = [f"    {form(name, escape(value, {chr(34): '&quot;'}))}" for name, value in assigned]
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return "\n".join(
        [head, "<configuration>", "  <settings>", *lines, "  </settings>", "</configuration>", ""]
    )


def _element(name: str, value: str) -> str:
    return f"<{_camel(name)}>{value}</{_camel(name)}>"


def _add(name: str, value: str) -> str:
    return f'<add key="{_pascal(name)}" value="{value}" />'


def _property(name: str, value: str) -> str:
    return f'<property name="{_dotted(name)}">{value}</property>'


def _toml(assigned: Sequence[Assigned], chance: Random) -> str:
    case = chance.choice((_snake, _kebab, _camel))
    lines = (f"{case(name)} = {_toml_value(value)}" for name, value in assigned)
    return "\n".join(["[app]", "replicas = 2", *lines, 'region = "eu-west-1"', ""])


def _toml_value(value: str) -> str:
    return f"'''\n{value}\n'''" if "\n" in value else _double(value)


def _terraform(assigned: Sequence[Assigned], chance: Random) -> str:
    if chance.random() < 0.5:
        blocks = [
            f'variable "{name}" {{\n  default = {_hcl(value)}\n}}\n' for name, value in assigned
        ]
        return "\n".join(blocks)
    lines = (f"  {name} = {_hcl(value)}" for name, value in assigned)
    return "\n".join(["locals {", '  region = "eu-west-1"', *lines, "}", ""])


def _hcl(value: str) -> str:
    return f"<<EOT\n{value}\nEOT" if "\n" in value else _double(value)


def _python(assigned: Sequence[Assigned], chance: Random) -> str:
    form = chance.choice(
        ("{upper} = {value}", "client = Client({name}={value})", 'config["{name}"] = {value}')
    )
    lines = (
        form.format(upper=_upper(name), name=name, value=_python_value(value))
        for name, value in assigned
    )
    return "\n".join(["import os", "", *lines, 'REGION = "eu-west-1"', ""])


def _python_value(value: str) -> str:
    return f'"""{value}\n"""' if "\n" in value else _double(value)


def _minified(assigned: Sequence[Assigned], chance: Random) -> str:
    quoted = chance.random() < 0.3
    members = (
        f'"{name}":{_double(value)}' if quoted else f"{_camel(name)}:{_double(value)}"
        for name, value in assigned
    )
    before = '!function(e,t){"use strict";var n=function(e){return e&&e.length>0},r=t.map(n),'
    after = "e.exports=function(){return i}}();\n"
    return f'{before}i={{{",".join(members)},region:"eu-west-1"}};{after}'


SURROUNDINGS: Mapping[str, Surrounding] = {
    "deploy.sh": _shell,
    "values.yaml": _yaml,
    "settings.json": _json,
    "app.env": _dotenv,
    "Dockerfile": _dockerfile,
    "smoke.sh": _curl,
    "worker.log": _log,
    "settings.xml": _xml,
    "app.toml": _toml,
    "main.tf": _terraform,
    "config.py": _python,
    "bundle.js": _minified,
}
"""From the name of a file to what writes it."""
