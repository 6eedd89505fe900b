"""Which CI system this is, and how it is told to mask a value from now on.

What a host is told holds values in the clear, so it goes nowhere but to the host. No form goes
there that would mask what logs are full of: no short or common string, and no line that only frames
others. A new host is a new entry of `HOSTS`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

from leakguard.commands import ACT, AZURE, AZURE_LINES, GITEA, GITHUB, Dialect
from leakguard.encoders import needles
from leakguard.encoders.parts import PARTS
from leakguard.errors import LeakguardError
from leakguard.model import Needle, Secret
from leakguard.policy import weakness

_LINE_ENDS = re.compile(rb"[\r\n]+")
# What base64 breaks into lines: each of them tells something, and none is a word.
_WRAPPED_LINE = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})

Write: TypeAlias = Callable[[bytes], bytes]
Join: TypeAlias = Callable[[Iterable[bytes]], bytes]
Derive: TypeAlias = Callable[[str], Iterable[str]]


def _nothing(_value: str) -> tuple[str, ...]:
    """Derive nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Host:
    """A CI system.

    Attributes:
        name: What people call it.
        variables: The environment variables that are all set in its jobs.
        write: Writes one form the way it reads it, nothing if it would not be obeyed; None if a job
            has no way to tell it.
        join: Makes one text of what was written.
        command: What reads that from standard input; what a job prints is read if there is none.
        derive: The forms of a value that it makes and masks itself.
        masks_lines: Whether it masks each line by itself, so that a form of several is no use.
        obeys: Which commands it obeys in what a job prints, if any.
    """

    name: str
    variables: tuple[str, ...]
    write: Write | None = None
    join: Join = b"".join
    command: tuple[str, ...] = ()
    derive: Derive = _nothing
    masks_lines: bool = True
    obeys: Dialect | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """Forms in the words of a host.

    Attributes:
        text: The values, to be given to the host and to nobody else.
        command: What to give them to; standard output if empty.
        count: How many forms there are.
        untold: How many more there are that the host has no way to be told.
    """

    text: bytes = field(repr=False)
    command: tuple[str, ...]
    count: int
    untold: int = 0

    def run(self) -> None:
        """Give the values to the command, whose own output is dropped: it may show them.

        Raises:
            LeakguardError: If it fails.
        """
        shown = " ".join(self.command)
        try:
            done = subprocess.run(self.command, input=self.text, capture_output=True, check=False)  # noqa: S603  # fixed commands
        except OSError as error:
            raise LeakguardError(f"cannot run {shown}: {error.strerror}") from error
        if done.returncode:
            raise LeakguardError(f"{shown} failed with status {done.returncode}")


def detect(environ: Mapping[str, str] = os.environ) -> Host | None:
    """Return the CI system that `environ` belongs to, None if it is none that we know."""
    return next((host for host in HOSTS if all(_is_set(environ, v) for v in host.variables)), None)


def registration(host: Host, secrets: Iterable[Secret], *, min_length: int = 6) -> Registration:
    """Return what tells `host` to mask `secrets` in each form that it does not make itself.

    Raises:
        LeakguardError: If a job cannot tell it.
    """
    if host.write is None:
        raise LeakguardError(f"{host.name} cannot be told by a job what to mask")
    forms = dict.fromkeys(
        form for secret in secrets for form in _forms(host, secret, min_length=min_length)
    )
    written = [text for text in map(host.write, forms) if text]
    untold = len(forms) - len(written)
    return Registration(host.join(written), host.command, len(written), untold)


def _forms(host: Host, secret: Secret, *, min_length: int) -> Iterator[bytes]:
    """Yield what to mask of one secret: the value and its parts first, which the host derives from.

    The value itself is among them, because it may come from where the host knows nothing of.
    """
    found = needles(secret, min_length=min_length)
    plain = [form for form in _fitting(host, found) if form.encoding in PARTS]
    derived = {made.encode() for form in plain for made in host.derive(form.value.decode())}
    yield from (form.value for form in plain)
    for form in _fitting(host, found):
        is_ours = form.encoding not in PARTS and form.value not in derived
        if is_ours and not weakness(form.value, min_length=min_length):
            yield form.value


def _fitting(host: Host, found: Iterable[Needle]) -> Iterator[Needle]:
    """Yield the forms that a host can find: text, and of what spans lines only what it masks."""
    for form in found:
        if not _is_text(form.value):
            continue  # a host reads replacement characters there, and would mask any others
        lines = _LINE_ENDS.split(form.value)
        if len(lines) == 1 or not host.masks_lines:
            yield form
        elif form.encoding not in PARTS and all(map(_WRAPPED_LINE.fullmatch, lines[:-1])):
            wrapped = filter(_WRAPPED_LINE.fullmatch, lines)
            yield from (Needle(line, form.name, form.encoding) for line in wrapped)


def _is_set(environ: Mapping[str, str], variable: str) -> bool:
    return environ.get(variable, "").lower() not in {"", "false", "0"}


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _replaced(value: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    for plain, escaped in pairs:
        value = value.replace(plain, escaped)
    return value


_GITHUB_ESCAPES = ((b"%", b"%25"), (b"\r", b"%0D"), (b"\n", b"%0A"))
_AZURE_ESCAPES = ((b"\r", b"%0D"), (b"\n", b"%0A"), (b";", b"%3B"), (b"]", b"%5D"))
_LIKE_GITHUB_ESCAPE = re.compile(rb"%(?:25|0D|0A)")
_LIKE_AZURE_ESCAPE = re.compile(rb"%(?:0D|0A|3B|5D|AZP25)")


def _github(form: bytes) -> bytes:
    return b"::add-mask::%b\n" % _replaced(form, _GITHUB_ESCAPES)


def _act(form: bytes) -> bytes:
    """Write a form for act, which takes the last `::` or `]` for the end of the command's name."""
    escaped = _replaced(form, _GITHUB_ESCAPES)
    for line, closing in ((b"::add-mask::%b\n", b"::"), (b"##[add-mask]%b\n", b"]")):
        written = line % escaped
        if written.rfind(closing) == line.rindex(closing):
            return written
    return b""


def _gitea(form: bytes) -> bytes:
    """Write a form for Forgejo and Gitea: some versions read it like act, and some undo no escape.

    So none is used, but where the form looks like one; there it is written both ways.
    """
    spellings = [_replaced(form, _GITHUB_ESCAPES[1:])]
    if _LIKE_GITHUB_ESCAPE.search(form):
        spellings.append(_replaced(form, _GITHUB_ESCAPES))
    lines = [b"::add-mask::%b\n" % spelling for spelling in spellings]
    is_obeyed = all(line.rfind(b"::") == len(b"::add-mask") for line in lines)
    return b"".join(lines) if is_obeyed else b""


def _azure(form: bytes) -> bytes:
    """Write a form for Azure's agent, which undoes `%AZP25` or not, by a setting of the job."""
    if _LIKE_AZURE_ESCAPE.search(form):
        form = form.replace(b"%", b"%AZP25")
    return b"##vso[task.setsecret]%b\n" % _replaced(form, _AZURE_ESCAPES)


def _quoted(form: bytes) -> bytes:
    return json.dumps(form.decode()).encode()


def _object(strings: Iterable[bytes]) -> bytes:
    fields = (b'"form-%d": %b' % field for field in enumerate(strings, 1))
    return b"{%b}" % b", ".join(fields)


def _by_github(value: str) -> Iterator[str]:
    """Yield what GitHub's runner makes of a value, of which it is certain that it does."""
    for shift in range(3):
        yield b64encode(value.encode()[shift:]).decode()
    yield quote(value, safe="")
    yield value.translate(_XML)
    yield value.replace('"', '\\"')
    yield value.replace("'", "''")
    if value.isprintable():
        yield json.dumps(value, ensure_ascii=False)[1:-1]


HOSTS = (
    # The runners that speak GitHub's language mask what they are told, and nothing derived from it.
    Host("act", ("GITHUB_ACTIONS", "ACT"), _act, obeys=ACT),
    Host("Forgejo Actions", ("GITHUB_ACTIONS", "FORGEJO_ACTIONS"), _gitea, obeys=GITEA),
    Host("Gitea Actions", ("GITHUB_ACTIONS", "GITEA_ACTIONS"), _gitea, obeys=GITEA),
    Host("GitHub Actions", ("GITHUB_ACTIONS",), _github, derive=_by_github, obeys=GITHUB),
    Host(
        "Azure Pipelines",
        ("TF_BUILD", "SYSTEM_UNSAFEALLOWMULTILINESECRET"),
        _azure,
        obeys=AZURE_LINES,
    ),
    Host("Azure Pipelines", ("TF_BUILD",), _azure, obeys=AZURE),
    Host(
        "Buildkite",
        ("BUILDKITE",),
        _quoted,
        join=_object,
        command=("buildkite-agent", "redactor", "add", "--format", "json"),
        masks_lines=False,
    ),
    Host("GitLab CI", ("GITLAB_CI",)),
    Host("CircleCI", ("CIRCLECI",)),
    Host("Bitbucket Pipelines", ("BITBUCKET_BUILD_NUMBER",)),
    Host("TeamCity", ("TEAMCITY_VERSION",)),
    Host("Travis CI", ("TRAVIS",)),
    Host("AWS CodeBuild", ("CODEBUILD_BUILD_ID",)),
    Host("Drone", ("DRONE",)),
    Host("Jenkins", ("JENKINS_URL",)),
)
"""The CI systems that are known by their variables; the first that fits is meant."""
