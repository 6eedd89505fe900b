"""Judge what is worth protecting: a mask over a common word destroys the log and hides nothing.

A value is refused only when ordinary output holds it anyway: `true`, `development`, `12345678`, a
date, a path. A bad password such as `letmein1` or `changeme` is still a password that no log prints
by itself, so it stays protected; in doubt, everything here decides for the secret. Inside a
structured value (`worth`) the doubt goes the other way, because most of its leaves are names.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

BLANK = "blank"
GUESSABLE = "too guessable"

# Compared in lower case, and also when joined to each other: `ubuntu-latest`, `application/json`.
_COMMON = frozenset(
    b"""
    true false null none nil undefined yes no on off ok nan inf empty blank unset unknown
    enabled enable disabled disable active inactive auto automatic manual optional required always
    never default defaults custom standard basic simple advanced internal external shared global
    public private protected local localhost localdomain remote origin upstream downstream
    main master trunk develop development devel dev head latest stable edge canary nightly beta
    alpha release releases rc preview snapshot production prod staging stage preprod sandbox live
    demo sample example test tests testing qa uat ci integration build builds builder deploy
    deployed deployment pipeline pipelines runner runners worker workers workflow job jobs step
    steps task debug info warn warning error errors fatal trace verbose silent quiet notice critical
    success succeeded failure failed passed skipped pending running started finished completed done
    admin administrator root user users username guest owner member members anonymous nobody system
    service services server servers client clients host hostname domain database databases db
    application app apps api web www mail email proxy gateway ingress cluster clusters node nodes
    container containers docker kubernetes helm podman registry registries image images
    password passwords passwd passphrase secret secrets token tokens credential credentials key keys
    apikey auth authentication authorization bearer oauth oauth2 oidc saml ldap login logout session
    cookie redacted masked hidden concealed removed filtered omitted placeholder
    github gitlab bitbucket jenkins azure google amazon aws gcp actions
    postgres postgresql mysql mariadb sqlite mongodb mongo redis rabbitmq kafka elastic
    elasticsearch memcached nginx apache tomcat grafana prometheus
    ubuntu debian alpine centos fedora redhat windows linux macos darwin amd64 arm64 x86 x64 i386
    python python3 node nodejs java golang rust ruby php bash shell powershell cmd
    json yaml yml toml xml html text plain string number boolean integer object array binary utf
    utf8 ascii base64 sha1 sha256 sha512 md5 hs256 rs256 es256 http https ssh git ftp tcp udp tls
    ssl get post put patch delete head options monday tuesday wednesday thursday friday saturday
    sunday january february march april june july august september october november december
    north south east west central northeast southeast northwest southwest europe asia america us eu
    readme license makefile dockerfile package config configuration settings environment variables
    variable value values name names type types version versions project projects account accounts
    file files path paths directory folder workspace home temp tmp data cache logs output input
    select insert update create remove install upgrade download upload start stop restart status
    """.split()
)
_SEQUENCES = tuple(
    run[::step]
    for run in (b"01234567890123456789", b"0123456789abcdef", b"abcdefghijklmnopqrstuvwxyz")
    for step in (1, -1)
)
_LOOPBACK = rb"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?)"
# What ordinary output is full of; each is matched against the whole value, in lower case.
_ORDINARY = re.compile(
    rb"[+-]?\d{1,5}"  # counts, ports, years
    rb"|[+-]?[1-9]\d?0+|(?:65536|131072|262144|524288|1048576|16777216|2147483647|4294967295)"
    rb"|[+-]?\d{1,9}\.\d{1,9}%?"
    rb"|\d{1,7} ?(?:ms|s|sec|m|min|h|d|k|kb|mb|gb|kib|mib|gib|mi|gi|%)"
    rb"|v?\d{1,4}(?:\.\d{1,5}){1,2}(?:[-+._]?(?:a|b|alpha|beta|rc|dev|post|pre|final|lts|slim)[.\d]*)?"
    rb"|\d{4}([-/.])\d\d\1\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?"
    rb"|\d\d?([-/.])\d\d?\2\d{4}|\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?"
    rb"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    rb"|(?:[a-z][a-z0-9+.-]*://)?" + _LOOPBACK + rb"(?::\d+)?(?:/[a-z0-9_.-]{0,12})?/?"
    rb"|[a-z]{2,3}_[a-z]{2}(?:\.utf-?8)?"
)
_ROOTS = (
    rb"app|applications|bin|boot|builds?|dev|etc|github|home|lib|lib64|library|media|mnt|nix|opt"
    rb"|private|proc|root|run|sbin|snap|srv|sys|tmp|users|usr|var|volumes|workspace|workspaces"
)
_PATH = re.compile(
    rb"(?:(?:~|\.{1,2}|/(?:" + _ROOTS + rb"))(?:/[\w.+@ -]*)*|[a-z]:[\\/][\w.+@ \\/()-]*)"
    rb"(?:[:;](?:~|\.{1,2}|/[\w.+@-]+)(?:/[\w.+@ -]*)*)*",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(rb"[-_/:, +@\\]+")
_SHORTEST_TOKEN = 8
# A key of few words may be joined of common words; more of them may be a passphrase.
_MOST_WORDS = 4


def weakness(value: bytes, *, min_length: int = 6) -> str | None:
    """Return why `value` is not protected, or None if it is.

    White space around it and one pair of quotes do not count. The reason never holds the value.
    """
    core = bare(value)
    if not core:
        return BLANK
    if len(core) < min_length:
        return f"shorter than {min_length} bytes"
    return GUESSABLE if _is_guessable(core) else None


def bare(value: bytes) -> bytes:
    """Return `value` without the white space and the one pair of quotes around it."""
    core = value.strip()
    if len(core) > 1 and core[0] == core[-1] and core[0] in b"\"'`":
        return core[1:-1].strip()
    return core


def _is_guessable(core: bytes) -> bool:
    if core[2:] == core[:-2]:
        return True  # one character, or two in turn
    folded = core.lower()
    if _ORDINARY.fullmatch(folded) or any(folded in run for run in _SEQUENCES):
        return True
    if len(core) < 64 and (_is_common(folded) or _is_ruler(core)):
        return True
    return _is_path(core)


def _is_common(folded: bytes) -> bool:
    """Tell whether it is a common word, or a few of them and small numbers joined."""
    words = _SEPARATORS.split(folded.strip(b"[](){}<>*\"'%$"))
    if len(words) > _MOST_WORDS:
        return False
    known = [word in _COMMON or (len(word) < _MOST_WORDS and word.isdigit()) for word in words]
    return all(known) and not all(word.isdigit() for word in words)


def _is_ruler(core: bytes) -> bool:
    """Tell whether it is drawn of a few signs, such as `+----+` or `=== >`."""
    return core.isascii() and len(set(core)) <= 3 and not re.search(rb"\w", core)


def _is_path(core: bytes) -> bool:
    return bool(_PATH.fullmatch(core)) and not any(map(is_token, re.split(rb"[/\\:;]", core)))


# --- Inside a structured value ---------------------------------------------------------------


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SECRET_WORDS = _set_of(
    """
    pass passwd passcode passkey passphrase pwd pw pin otp totp secret secrets token tokens key keys
    pat psk sas sig signature salt seed pepper mnemonic auth auths authorization authentication
    bearer jwt cookie cookies cred creds credential credentials dsn webhook connectionstring
    """
)
# Also found inside a word, as in `clientsecret` and `POSTGRES_PASSWORD_FILE`.
_SECRET_STEMS = ("passw", "passphrase", "secret", "token", "credential", "apikey", "privatekey")
# `token_uri`, `key_id`, `secret_name`: what such a key holds only points at a secret.
_PUBLIC_ENDS = _set_of(
    """
    id ids name names type types user username users email emails mail host hosts hostname port
    ports region regions zone zones path paths file files dir url urls uri uris endpoint endpoints
    issuer audience alg algorithm algorithms version versions count ttl expiry expires expiration
    created updated length size domain scheme schema enabled format kind label title description
    comment scope scopes realm method mode provider
    """
)
_PUBLIC_WORDS = frozenset({"public", "fingerprint", "thumbprint"})
# `DATABASE_URL`: an address, but one that usually carries a password.
_CARRIERS = _set_of(
    "amqp broker celery database db dsn mongo mongodb mysql postgres postgresql rabbitmq redis"
    " sentry webhook"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TURN = re.compile(rb"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_CASE_TURN = re.compile(rb"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])")
_WEB = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_MAIL = re.compile(rb"[\w.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_HOST = re.compile(rb"(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z]{2,24}\.?(?::\d+)?")


def names_secret(key: str) -> bool:
    """Tell whether `key` names a secret: `DB_PASSWORD` and `apiKey` do, `token_uri` does not."""
    words = _words(key)
    if not words or _point_elsewhere(words):
        return bool(words) and words[-1] in {"url", "uri"} and not _CARRIERS.isdisjoint(words)
    return any(
        word in _SECRET_WORDS or any(stem in word for stem in _SECRET_STEMS) for word in words
    )


def names_public(key: str) -> bool:
    """Tell whether `key` names what is no secret, such as `client_email`, whatever it sits in."""
    return _point_elsewhere(_words(key)) and not names_secret(key)


def worth(value: bytes, *, keyed: bool) -> bool:
    """Tell whether a leaf of a structured value is a secret of its own.

    Most leaves are names that logs are full of: project ids, addresses, regions, types. A leaf is a
    secret if its key says so (`keyed`) and it is more than a plain address, or else if it looks
    like a token.
    """
    if _is_plain_address(value):
        return False
    if keyed:
        return True
    return is_token(value) and not _MAIL.fullmatch(value) and not _HOST.fullmatch(value)


def is_token(value: bytes) -> bool:
    """Tell whether `value` looks drawn at random: letters and digits, or cases, in quick turns.

    `us-central1-a`, `demo-project-41` and `v1.2.3-rc1` do not; `Zq81-mm92-Kd7` and a UUID do.
    """
    if len(value) < _SHORTEST_TOKEN or len(value.split()) != 1:
        return False
    turns = len(_TURN.findall(value))
    if turns >= 3:
        return True
    if turns and re.search(rb"[!#$%^&*+=|~<>?]", value) and not _WEB.match(value):
        return True
    return len(value) >= 16 and len(_CASE_TURN.findall(value)) * 3 >= len(value)


def _is_plain_address(value: bytes) -> bool:
    """Tell whether it is a URL that holds no password and nothing drawn at random, or a path."""
    if not _WEB.fullmatch(value):
        return _is_path(value)
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if b"@" in parts.netloc:
        return False
    return not any(map(_is_long_token, re.split(rb"[/&=?]", b"/".join(parts[2:]))))


def _is_long_token(word: bytes) -> bool:
    return len(word) >= 16 and is_token(word) and not _HOST.fullmatch(word.replace(b"%40", b"."))


def _point_elsewhere(words: list[str]) -> bool:
    return bool(words) and (words[-1] in _PUBLIC_ENDS or not _PUBLIC_WORDS.isdisjoint(words))


def _words(key: str) -> list[str]:
    """Return the words of `key` in lower case: `dbPassword` is `db`, `password`."""
    return re.findall(r"[a-z0-9]+", _HUMP.sub("_", key).lower())
