"""What a name says about its value: which variables and which keys hold a secret.

The lists are the documentation. For a variable (`looks_secret`), the name is upper-cased, `-` and
`.` become `_`, and then the first table that knows it decides: an environment is full of names that
only sound secret, so there must be a reason. A key inside a secret (`names_secret`) is judged by
the same tables first, and then by its words: there, most that sounds secret is. To teach leakguard
a name, add it to one of them.
"""

from __future__ import annotations

import re

from leakguard.policy.information import information
from leakguard.policy.tokens import is_token
from leakguard.policy.words import COMMON

NAMES = frozenset({
    "AZUREWEBJOBSSTORAGE", "CLOUDINARY_URL", "DOCKERCONFIGJSON", "DOCKER_AUTH_CONFIG",
    "DOCKER_CONFIG_JSON", "ERLANG_COOKIE", "GOOGLE_SERVICE_ACCOUNT", "IDENTITY_HEADER",
    "KUBECONFIG_BASE64", "KUBECONFIG_DATA", "KUBE_CONFIG_BASE64", "KUBE_CONFIG_DATA",
    "LEAKGUARD_KEY", "RELEASE_COOKIE",
})  # fmt: skip
"""Secret whatever the tables below say."""

NO_NAMES = frozenset({
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "GOOGLE_APPLICATION_CREDENTIALS", "LEAKGUARD_SECRETS", "PWD", "VSTS_SECRET_VARIABLES",
})  # fmt: skip
"""No secret: paths, lists of names, and our own variable, whose leaves are the secrets."""

NO_PREFIXES = (
    "ENDPOINT_AUTH_SCHEME_", "EXPO_PUBLIC_", "FF_", "NEXT_PUBLIC_", "NUXT_PUBLIC_",
    "PASSWORD_STORE_", "PUBLIC_", "SECRET_DETECTION_",
)  # fmt: skip
"""No secret: made public on purpose, feature flags, settings of tools."""

SUFFIXES = (
    # Login data.
    "_AUTH", "_AUTHORIZATION", "_AUTH_CONFIG", "_AUTH_COOKIE", "_AUTH_HEADER", "_CREDS", "_JWT",
    "_JWT_V1", "_JWT_V2", "_PASS", "_PAT", "_PWD", "_SALT", "_SAS", "_SESSION_COOKIE",
    # Addresses that let in whoever knows them.
    "DATABASE_URI", "DATABASE_URL", "_DSN", "_SAS_URL", "_SIGNED_URL", "_WEBHOOK", "_WEBHOOK_URI",
    "_WEBHOOK_URL", "CONNECTION_STRING",
    # Keys; a bare `_KEY` is as often the key of a cache, a project or a table.
    "_ACCOUNT_KEY", "_ADMIN_KEY", "_AES_KEY", "_AGE_KEY", "_APPLICATION_KEY", "_APP_KEY",
    "_AUTH_KEY", "_COSIGN_KEY", "_DEPLOY_KEY", "_HMAC_KEY", "_INTEGRATION_KEY", "_JWT_KEY",
    "_LICENSE_KEY", "_MASTER_KEY", "_RECOVERY_KEY", "_RSA_KEY", "_SAS_KEY", "_SA_KEY",
    "_SERVER_KEY", "_SERVICE_ACCOUNT_JSON", "_SERVICE_ACCOUNT_KEY", "_SERVICE_KEY",
    "_SESSION_KEY", "_SHARED_KEY", "_SSH_KEY", "_STORAGE_KEY", "_SUBSCRIPTION_KEY", "_UNSEAL_KEY",
    "_WRITE_KEY",
    # Bundler keeps the login of a gem server under the server's own name.
    "__COM", "__DEV", "__IO", "__NET", "__ORG",
)  # fmt: skip
"""Secret at the end of a name, and without its leading `_` as the whole name."""

PREFIXES = ("ENDPOINT_AUTH_",)
"""Secret at the start of a name: what Azure Pipelines logs in to its endpoints with."""

NO_PARTS = (
    "MAX_COMPLETION_TOKENS", "MAX_INPUT_TOKENS", "MAX_NEW_TOKENS", "MAX_OUTPUT_TOKENS",
    "MAX_THINKING_TOKENS", "MAX_TOKENS", "TOKENIZ", "TOKENS_PER_",
)  # fmt: skip
"""No secret: the tokens of language models."""

NO_SUFFIXES = (
    # Where it is, not what it is.
    "_ARN", "_DIR", "_DIRECTORY", "_ENDPOINT", "_FILE", "_FILENAME", "_FILES", "_FOLDER", "_HOST",
    "_PATH", "_PORT", "_REGION", "_SOCK", "_SOCKET", "_TCP_ADDR", "_TCP_PROTO", "_URI", "_URL",
    # Who or which it is.
    "_AUDIENCE", "_CREDENTIALS_ID", "_CREDENTIAL_ID", "_EMAIL", "_FINGERPRINT", "_ISSUER",
    "_KEY_ID", "_NAME", "_NAMES", "_PUBLIC_KEY", "_TOKEN_ID", "_USER", "_USERNAME",
    # How it is handled.
    "_ALG", "_ALGORITHM", "_BACKEND", "_COUNT", "_DISABLED", "_ENABLED", "_EXPIRATION",
    "_EXPIRES", "_EXPIRES_AT", "_EXPIRES_IN", "_EXPIRY", "_HELPER", "_LENGTH", "_LIFETIME",
    "_LIMIT", "_MANAGER", "_MAX_AGE", "_METHOD", "_MODE", "_POLICY", "_PROVIDER", "_REQUIRED",
    "_ROTATION", "_SCOPE", "_SCOPES", "_TIMEOUT", "_TTL", "_TYPE", "_VERSION",
)  # fmt: skip
"""No secret, although one of the words below stands before it."""

PARTS = (
    "ACCESSKEY", "ACCESS_KEY", "APIKEY", "API_KEY", "BEARER", "CONNECTIONSTRING",
    "CONNECTION_STRING", "CONNSTR_", "CREDENTIAL", "ENCRYPTIONKEY", "ENCRYPTION_KEY", "MNEMONIC",
    "PASSPHRASE", "PASSWD", "PASSWORD", "PRIVATEKEY", "PRIVATE_KEY", "SECRET", "SEED_PHRASE",
    "SIGNINGKEY", "SIGNING_KEY", "TOKEN",
)  # fmt: skip
"""Secret anywhere in a name."""

_SEPARATORS = str.maketrans("-.", "__")


def looks_secret(name: str) -> bool:
    """Tell whether a variable called `name` is expected to hold a secret."""
    name = name.upper().translate(_SEPARATORS)
    if name in NAMES:
        return True
    if name in NO_NAMES or name.startswith(NO_PREFIXES):
        return False
    # With a `_` in front, a suffix fits the whole name too.
    if name.startswith(PREFIXES) or f"_{name}".endswith(SUFFIXES):
        return True
    return not _is_about_one(name) and any(part in name for part in PARTS)


def _is_about_one(name: str) -> bool:
    """Tell whether `name` speaks of a secret and holds something else, as `TOKEN_FILE` does."""
    return name.endswith(NO_SUFFIXES) or any(part in name for part in NO_PARTS)


# --- Keys inside a structured value ------------------------------------------------------------


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


def names_secret(key: str) -> bool:
    """Tell whether `key` names a secret: `DB_PASSWORD` and `apiKey` do, `token_uri` does not."""
    if looks_secret(re.sub(r"[^A-Za-z0-9]", "_", _HUMP.sub("_", key))) or key.upper() in NAMES:
        return True
    words = _words(key)
    if not words or _point_elsewhere(words):
        return bool(words) and words[-1] in {"url", "uri"} and not _CARRIERS.isdisjoint(words)
    return any(
        word in _SECRET_WORDS or any(stem in word for stem in _SECRET_STEMS) for word in words
    )


def names_public(key: str) -> bool:
    """Tell whether `key` names what is no secret, such as `client_email`, whatever it sits in."""
    return _point_elsewhere(_words(key)) and not names_secret(key)


def _point_elsewhere(words: list[str]) -> bool:
    if not words:
        return False
    return (
        words[-1] in _PUBLIC_ENDS
        or not _PUBLIC_WORDS.isdisjoint(words)
        or _is_about_one("_".join(words).upper())
    )


def _words(key: str) -> list[str]:
    """Return the words of `key` in lower case: `dbPassword` is `db`, `password`."""
    return re.findall(r"[a-z0-9]+", _HUMP.sub("_", key).lower())


_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]{0,39}", re.ASCII)
# Bits for each letter: words have fewer, and random letters more.
_MOST_OF_A_WORD = 3.5
_TELLING = 4
_LONG_KEY = 16
_VOCABULARY = _SECRET_WORDS | _PUBLIC_ENDS | _PUBLIC_WORDS | {word.decode() for word in COMMON}


def shown_key(key: str) -> str:
    """Return how to show a key of a secret document, which may be a value itself: as `*`, if so."""
    is_plain = _PLAIN_KEY.fullmatch(key) and not is_token(key.encode())
    return key if is_plain and (_VOCABULARY.issuperset(_words(key)) or _reads(key)) else "*"


def _reads(key: str) -> bool:
    """Tell whether `key` is made of words, or too short to tell anything."""
    if re.search(r"\d", key):
        return False
    # A letter time and again tells little, and is no word: it may be a bad password.
    if len(key) >= _TELLING and 2 * len(set(key)) <= min(len(key), _LONG_KEY):
        return False
    return len(key) < _TELLING or information(key.encode()) < _MOST_OF_A_WORD * len(key)
