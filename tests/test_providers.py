"""Secrets come from where a user says they are, whole, or not at all and without a word of them."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.errors import ExitCode, ProviderError
from leakguard.model import Secret
from leakguard.policy import looks_secret
from leakguard.providers import Provider, by_name, load

KINDS = ["auto", "dir", "dotenv", "env", "file", "json", "lines"]
FILE_KINDS = ["dotenv", "file", "json", "lines"]
ONE_OF = "one of auto, dir, dotenv, env, file, json, lines"
CANARY = "cAnArY7zQxW9vKpL"
MIB = 1024 * 1024

# Each example writes the same file anew.
in_one_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, contents: bytes) -> None:
    Path(name).write_bytes(contents)


def loaded(*specs: str, environ: Mapping[str, str] | None = None) -> list[tuple[str, bytes]]:
    return [(secret.name, secret.value) for secret in load(specs, environ or {})]


def refused(*specs: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ProviderError) as caught:
        load(specs, environ or {})
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


# Specs


def test_every_provider_is_found_by_its_module() -> None:
    assert [*by_name()] == KINDS
    assert all(isinstance(provider, Provider) for provider in by_name().values())


def test_every_provider_says_how_to_write_it() -> None:
    assert [provider.syntax for provider in by_name().values()] == [
        "auto", "dir:DIR", "dotenv:FILE", "env:GLOB", "file:FILE", "json:FILE", "lines:FILE",
    ]  # fmt: skip


def test_the_provider_of_json_files_leaves_the_standard_library_alone() -> None:
    by_name()
    assert sys.modules["json"] is json
    assert "site-packages" not in (json.__file__ or "")


def test_without_a_spec_it_is_auto() -> None:
    environ = {"API_TOKEN": "t0ken-value", "HOME": "/home/me"}
    assert loaded(environ=environ) == loaded("auto", environ=environ)
    assert loaded(environ=environ) == [("API_TOKEN", b"t0ken-value")]


def test_without_an_environment_it_is_the_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LG_TEST_TOKEN", "t0ken-value")
    assert load(["env:LG_TEST_TOKEN"]) == (Secret("LG_TEST_TOKEN", b"t0ken-value"),)


def test_specs_keep_their_order() -> None:
    write("b.txt", b"second")
    write("a.txt", b"first")
    assert loaded("file:b.txt", "file:a.txt") == [("b.txt", b"second"), ("a.txt", b"first")]


def test_a_pair_of_name_and_value_comes_once_and_two_values_of_a_name_both_come() -> None:
    write("one.env", b"A=first\nB=other")
    write("two.env", b"B=other\nA=second")
    expected = [("A", b"first"), ("B", b"other"), ("A", b"second")]
    assert loaded("dotenv:one.env", "dotenv:two.env") == expected


def test_a_path_may_hold_colons(tmp_path: Path) -> None:
    if sys.platform == "win32":
        write("v.txt", b"value")
        assert loaded(f"file:{tmp_path / 'v.txt'}") == [("v.txt", b"value")]
    else:
        write("a:b.txt", b"value")
        assert loaded("file:a:b.txt") == [("a:b.txt", b"value")]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param("x:y", f"unknown provider 'x' in --secrets 'x:...': {ONE_OF}", id="unknown"),
        pytest.param(
            "dotnev:.env", f"unknown provider 'dotnev' in --secrets 'dotnev:...': {ONE_OF}",
            id="mistyped",
        ),
        pytest.param(
            "ENV:A*", f"unknown provider 'ENV' in --secrets 'ENV:...': {ONE_OF}", id="capitals"
        ),
        pytest.param(
            "hunter:2secret",
            f"unknown provider in --secrets (not shown, it may be a value): {ONE_OF}",
            id="a value with a colon",
        ),
        pytest.param(
            "hunt", f"unknown provider in --secrets (not shown, it may be a value): {ONE_OF}",
            id="a value without a colon",
        ),
        pytest.param(
            "", f"unknown provider in --secrets (not shown, it may be a value): {ONE_OF}",
            id="empty",
        ),
        pytest.param("json", "--secrets json needs an argument: json:FILE", id="no colon"),
        pytest.param("env:", "--secrets env needs an argument: env:GLOB", id="no argument"),
        pytest.param("auto:x", "--secrets auto takes no argument", id="argument of auto"),
    ],
)  # fmt: skip
def test_a_spec_that_is_not_understood_is_refused(spec: str, message: str) -> None:
    assert refused(spec) == message


@pytest.mark.parametrize("kind", ["env", "dir", *FILE_KINDS])
def test_a_value_that_the_shell_put_in_place_of_a_name_is_not_shown(kind: str) -> None:
    assert refused(f"{kind}:hunter2", environ={"DB_PASSWORD": "hunter2"}) == (
        f"--secrets '{kind}:...' was given the value of DB_PASSWORD; "
        "give the name instead: env:DB_PASSWORD"
    )


def test_a_secret_variable_may_hold_the_path_of_its_file() -> None:
    write("token", b"value")
    assert loaded("file:token", environ={"DEPLOY_TOKEN": "token"}) == [("token", b"value")]


def test_a_name_cannot_start_a_line_or_move_a_cursor() -> None:
    write("s.json", b'{"a\\n::error::\\u001b[2J": "value"}')
    assert loaded("json:s.json") == [("a\\n::error::\\x1b[2J", b"value")]


def test_a_name_that_is_no_utf8_can_be_printed() -> None:
    assert loaded(environ={"A_\udcff_TOKEN": "value"}) == [("A_\\udcff_TOKEN", b"value")]


def test_no_secret_is_shown_by_its_repr() -> None:
    write("v.txt", CANARY.encode())
    assert CANARY not in repr(load(["file:v.txt"]))


# auto


PROTECTED = """
    GITHUB_TOKEN GH_TOKEN ACTIONS_RUNTIME_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN CI_JOB_TOKEN
    CI_REGISTRY_PASSWORD CI_DEPLOY_PASSWORD CI_JOB_JWT CI_JOB_JWT_V2 CIRCLE_OIDC_TOKEN_V2
    SYSTEM_ACCESSTOKEN BUILDKITE_AGENT_ACCESS_TOKEN ENDPOINT_AUTH_SYSTEMVSSCONNECTION
    AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_BEARER_TOKEN_BEDROCK AZURE_CLIENT_SECRET
    ARM_CLIENT_SECRET ARM_ACCESS_KEY AZURE_CREDENTIALS AZURE_STORAGE_CONNECTION_STRING
    AZURE_STORAGE_KEY AzureWebJobsStorage ConnectionStrings__Default SQLAZURECONNSTR_MAIN
    GOOGLE_CREDENTIALS GCP_SA_KEY GOOGLE_API_KEY DOCKER_AUTH_CONFIG DOCKER_PASSWORD KUBE_CONFIG_DATA
    NPM_TOKEN NODE_AUTH_TOKEN NPM_CONFIG__AUTH npm_config__password TWINE_PASSWORD UV_PUBLISH_TOKEN
    BUNDLE_RUBYGEMS__PKG__GITHUB__COM COMPOSER_AUTH ORG_GRADLE_PROJECT_signingKey GPG_PASSPHRASE
    DB_PASSWORD DB_PASS PGPASSWORD MYSQL_PWD MARIADB_ROOT_PASSWORD DATABASE_URL TEST_DATABASE_URL
    SENTRY_DSN SLACK_WEBHOOK_URL DISCORD_WEBHOOK OPENAI_API_KEY ANTHROPIC_API_KEY DD_APP_KEY
    GITHUB_PAT PAT JWT_SIGNING_KEY ENCRYPTION_KEY RAILS_MASTER_KEY SECRET_KEY_BASE SSH_PRIVATE_KEY
    SSH_PRIVATE_KEY_BASE64 VAULT_SECRET_ID BASIC_AUTH my.api-key PASSWD LEAKGUARD_KEY AUTH_SALT
"""


@pytest.mark.parametrize("name", PROTECTED.split())
def test_a_variable_with_a_secret_name_is_protected(name: str) -> None:
    assert loaded(environ={name: "val-ue-1"}) == [(name, b"val-ue-1")]


NOT_PROTECTED = """
    HOME PATH PWD OLDPWD USER LANG SHELL KEYBOARD XAUTHORITY SSH_AUTH_SOCK SSH_ASKPASS GIT_ASKPASS
    GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GPG_KEY GPG_TTY AWS_ACCESS_KEY_ID AWS_WEB_IDENTITY_TOKEN_FILE
    AWS_SHARED_CREDENTIALS_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CREDENTIAL_EXPIRATION
    AZURE_FEDERATED_TOKEN_FILE GOOGLE_APPLICATION_CREDENTIALS GOOGLE_GHA_CREDS_PATH
    CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE ACTIONS_ID_TOKEN_REQUEST_URL TOKENIZERS_PARALLELISM
    MAX_TOKENS MODEL_MAX_OUTPUT_TOKENS SECRETS_DIR CREDENTIALS_DIRECTORY DEPLOY_PUBLIC_KEY
    TOKEN_PUBLIC_KEY SIGNING_KEY_ID FF_MASK_ALL_DEFAULT_TOKENS SECRET_DETECTION_HISTORIC_SCAN
    PASSWORD_STORE_DIR NEXT_PUBLIC_FIREBASE_API_KEY AUTH_TOKEN_SERVICE_HOST AUTH_TOKEN_SERVICE_PORT
    SECRET_NAME OS_AUTH_URL OS_AUTH_TYPE CACHE_KEY SONAR_PROJECT_KEY TF_BYPASS KUBECONFIG
    GIT_CREDENTIAL_HELPER TOKEN_TTL MONKEY COMPASS PYTHONHASHSEED VSTS_SECRET_VARIABLES
"""


@pytest.mark.parametrize("name", NOT_PROTECTED.split())
def test_a_variable_with_another_name_is_not(name: str) -> None:
    assert loaded(environ={name: "val-ue-1"}) == []


def test_the_case_of_a_name_does_not_matter() -> None:
    assert looks_secret("Db_Password")
    assert not looks_secret("token_file")


def test_an_empty_secret_variable_is_passed_over() -> None:
    assert loaded(environ={"API_TOKEN": "", "LEAKGUARD_SECRETS": ""}) == []


def test_variables_come_in_the_order_of_their_names() -> None:
    environ = {"Z_TOKEN": "value-z", "A_TOKEN": "value-a"}
    assert loaded(environ=environ) == [("A_TOKEN", b"value-a"), ("Z_TOKEN", b"value-z")]


def test_the_leaves_of_leakguard_secrets_are_protected() -> None:
    environ = {"LEAKGUARD_SECRETS": '{"db": {"password": "hünter2"}, "PIN": 123456}'}
    assert loaded(environ=environ) == [
        ("db.password", "hünter2".encode()),
        ("PIN", b"123456"),
    ]


def test_leakguard_secrets_that_is_no_json_object_is_refused() -> None:
    assert refused(environ={"LEAKGUARD_SECRETS": f'{{"a": "{CANARY}"'}) == (
        "LEAKGUARD_SECRETS:1:25: not valid JSON: Expecting ',' delimiter"
    )
    message = refused(environ={"LEAKGUARD_SECRETS": f'"{CANARY}"'})
    assert message == "LEAKGUARD_SECRETS: expected a JSON object"


# env


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        pytest.param("APP_KEY", ["APP_KEY"], id="exact"),
        pytest.param("APP_*", ["APP_EMPTY", "APP_KEY"], id="star"),
        pytest.param("?PP_KEY", ["APP_KEY"], id="question mark"),
        pytest.param("[A-C]*Y", ["APP_EMPTY", "APP_KEY"], id="set"),
        pytest.param("NONE_*", [], id="nothing matches"),
    ],
)
def test_variables_are_chosen_by_pattern(glob: str, names: list[str]) -> None:
    environ = {"APP_KEY": "value", "OTHER": "value", "APP_EMPTY": ""}
    assert [name for name, _ in loaded(f"env:{glob}", environ=environ)] == names


def test_letters_have_their_case_where_the_environment_says_so() -> None:
    found = loaded("env:app_*", environ={"APP_KEY": "value"})
    assert found == ([("APP_KEY", b"value")] if sys.platform == "win32" else [])


def test_a_variable_asked_for_by_name_must_be_set() -> None:
    assert refused("env:DB_PASSWORD") == "environment variable DB_PASSWORD is not set"


@pytest.mark.parametrize("value", ["hunter2", "gh" + "p_a1B2c3D4", "AB1CD2EF3GH4", "p4ss w0rd"])
def test_a_variable_without_the_look_of_one_is_not_shown(value: str) -> None:
    message = "environment variable (not shown, it may be a value) is not set"
    assert refused(f"env:{value}") == message


def test_the_bytes_of_a_variable_survive_even_when_they_are_no_utf8() -> None:
    value = b"caf\xc3\xa9-\xff\xfe" if os.name == "posix" else b"caf\xc3\xa9"
    assert loaded("env:RAW", environ={"RAW": os.fsdecode(value)}) == [("RAW", value)]


# dotenv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"A=value", [("A", b"value")], id="plain, no final newline"),
        pytest.param(b"A=value\nB=other\n", [("A", b"value"), ("B", b"other")], id="two"),
        pytest.param(b"# A=x\n\n  # B=y\n \t\nC=value", [("C", b"value")], id="comments, blanks"),
        pytest.param(b"  A \t=  value \t\n", [("A", b"value")], id="blanks around"),
        pytest.param(b"export A=value\nexport=other", [("A", b"value"), ("export", b"other")],
                     id="export"),
        pytest.param(b"A=value\r\nB='x'\r\n", [("A", b"value"), ("B", b"x")], id="crlf"),
        pytest.param(b"A=value\rB='x'\r", [("A", b"value"), ("B", b"x")], id="cr"),
        pytest.param(b"\xef\xbb\xbfA=value", [("A", b"value")], id="byte order mark"),
        pytest.param(b"A=\nB=''\nC=\"\"\nD= # none\nE=``", [], id="empty"),
        pytest.param(b"A=a=b==\nB=a'b\"c\nC=a#b\nD=#e",
                     [("A", b"a=b=="), ("B", b"a'b\"c"), ("C", b"a#b"), ("D", b"#e")],
                     id="special characters in a bare value"),
        pytest.param(b"a.b-c_1=value\n2FA=other", [("a.b-c_1", b"value"), ("2FA", b"other")],
                     id="names"),
        pytest.param(b"A=caf\xe9\xff", [("A", b"caf\xe9\xff")], id="no utf-8"),
        pytest.param(b"A=a${HOME}$b\nB='$c'", [("A", b"a${HOME}$b"), ("B", b"$c")],
                     id="not expanded"),
        pytest.param(b"A='a # b' # c\nB=\"a#b\"#c", [("A", b"a # b"), ("B", b"a#b")],
                     id="comment behind quotes"),
        pytest.param(b"A='one\ntwo\r\n  three'\nB=x",
                     [("A", b"one\ntwo\r\n  three"), ("B", b"x")], id="many lines"),
        pytest.param(b"A=`it's \"x\"`", [("A", b"it's \"x\"")], id="backward quotes"),
        pytest.param(b'A={"k": "v=w"}', [("A", b'{"k": "v=w"}')], id="json"),
        pytest.param(b"A='x\\'\nB='y'", [("A", b"x\\"), ("B", b"y")],
                     id="shell: a backslash before the closing quote is a backslash"),
    ],
)  # fmt: skip
def test_a_dotenv_file_is_read_as_its_loaders_do(
    text: bytes, expected: list[tuple[str, bytes]]
) -> None:
    write(".env", text)
    assert loaded("dotenv:.env") == expected


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        pytest.param(b"A=value # note", [b"value", b"value # note"], id="comment"),
        pytest.param(b'A="a\\nb"', [b"a\nb", b"a\\nb"], id="control character"),
        pytest.param(b'A="\\a\\b\\f\\n\\r\\t\\v"',
                     [b"\a\b\f\n\r\t\v", b"\\a\\b\\f\\n\\r\\t\\v"], id="control characters"),
        pytest.param(b'A="a\\"\\n\\\\\\$\\`"',
                     [b'a"\n\\$`', b'a"\\n\\$`', b'a\\"\\n\\\\\\$\\`'], id="shell undoes fewer"),
        pytest.param(b'A="C:\\program\\x"', [b"C:\\program\\x"], id="escapes nothing"),
        pytest.param(b"A='it\\'s'", [b"it's", b"it\\'s"], id="python-dotenv"),
        pytest.param(b"A='a\\\\b'", [b"a\\\\b", b"a\\b"], id="backslashes in single quotes"),
    ],
)  # fmt: skip
def test_where_dotenv_loaders_differ_each_reading_is_protected(
    text: bytes, readings: list[bytes]
) -> None:
    write(".env", text)
    assert loaded("dotenv:.env") == [("A", reading) for reading in readings]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"A=x\n\n# c\nvalue\n", ".env:4: expected NAME=value", id="no assignment"),
        pytest.param(b"A='1\n2\n3'\r\nB=x\r\n=x", ".env:5: expected NAME=value", id="no name"),
        pytest.param(b"two words=x", ".env:1: expected NAME=value", id="blank in the name"),
        pytest.param(b"A=x\nc2VjcmV0IQ==\n", ".env:2: expected NAME=value", id="base64"),
        pytest.param(b"A=x\nB='y\nC=z\n", ".env:2: quote is not closed", id="open quote"),
        pytest.param(b'A="x\\"\n', ".env:1: quote is not closed", id="escaped quote"),
        pytest.param(b"A=`x\n", ".env:1: quote is not closed", id="open backward quote"),
        pytest.param(
            b"A='x'y", ".env:1: unexpected text behind the closing quote", id="text behind"
        ),
        pytest.param(
            b'A="x\nB="y"\n', ".env:1: unexpected text behind the closing quote",
            id="closed by the next line's opening quote",
        ),
        pytest.param(b"\xff\xfeA\0=\0x\0", ".env: is UTF-16, save it as UTF-8", id="UTF-16"),
    ],
)  # fmt: skip
def test_a_broken_dotenv_file_is_refused_with_its_line(text: bytes, message: str) -> None:
    write(".env", text)
    assert refused("dotenv:.env") == message


def written_bare(value: bytes) -> bytes | None:
    plain = value and value == value.strip() and value[:1] not in b"'\"`="
    return value if plain and not set(value) & set(b"#\r\n") else None


def written_literally(value: bytes) -> bytes | None:
    return None if b"'" in value else b"'" + value + b"'"


def written_with_escapes(value: bytes) -> bytes:
    escaped = value
    for character, escape in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"$", b"\\$"), (b"\n", b"\\n")):
        escaped = escaped.replace(character, escape)
    return b'"' + escaped + b'"'


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=30)
            | st.text("a'\"`\\$# =\r\n", min_size=1).map(str.encode),
            st.sampled_from([written_bare, written_literally, written_with_escapes]),
            st.sampled_from([b"", b" # comment with 'quotes\" in it"]),
            st.sampled_from([b"\n", b"\r\n", b"\n\n# comment\n"]),
        )
    )
)
@in_one_directory
def test_what_a_dotenv_writer_wrote_is_read_back(
    entries: list[tuple[bytes, Callable[[bytes], bytes | None], bytes, bytes]],
) -> None:
    lines = []
    for number, (value, writer, comment, end) in enumerate(entries):
        text = writer(value)
        lines.append(b"N%d=%b%b%b" % (number, text or written_with_escapes(value), comment, end))
    write(".env", b"".join(lines))
    first = dict(reversed(loaded("dotenv:.env")))
    assert first == {f"N{number}": entry[0] for number, entry in enumerate(entries)}


# json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b'{"A": "one", "B": "two"}', [("A", b"one"), ("B", b"two")], id="flat"),
        pytest.param(
            b'{"db": {"password": "p"}, "hosts": [{"token": "t"}, ["u"]]}',
            [("db.password", b"p"), ("hosts[0].token", b"t"), ("hosts[1][0]", b"u")],
            id="named by key path",
        ),
        pytest.param(
            b'{"a": 123456, "b": -1.50e3, "c": ' + b"9" * 5000 + b"}",
            [("a", b"123456"), ("b", b"-1.50e3"), ("c", b"9" * 5000)],
            id="numbers as they are written",
        ),
        pytest.param(b'{"a": true, "b": null, "c": false, "d": NaN, "e": {}}', [], id="no values"),
        pytest.param(b'{"a": "one", "a": "two"}', [("a", b"one"), ("a", b"two")], id="key twice"),
        pytest.param(b'{"": "value", "a": {"": "x"}}', [("", b"value"), ("a.", b"x")], id="no key"),
        pytest.param(
            b'{"a": "\\u00fc\\n\\"", "b": "\xc3\xbc"}',
            [("a", b'\xc3\xbc\n"'), ("b", b"\xc3\xbc")],
            id="escapes",
        ),
        pytest.param(b'{"a": "x\\ud800y"}', [("a", b"x\xed\xa0\x80y")], id="half a surrogate pair"),
        pytest.param(b'\xef\xbb\xbf{"a": "value"}', [("a", b"value")], id="byte order mark"),
        pytest.param(b'{"a": ""}', [("a", b"")], id="empty value: told by the policy"),
        pytest.param(b"{}", [], id="empty object"),
        pytest.param(
            b'{"' + b"k" * 999 + b'": ["v"]}', [("k" * 256, b"v")], id="a name has an end"
        ),
        pytest.param(
            b'{"a": ' + b"[" * 99 + b'"v"' + b"]" * 99 + b"}", [("a" + "[0]" * 85, b"v")],
            id="100 levels",
        ),
    ],
)  # fmt: skip
def test_each_leaf_of_a_json_object_is_a_secret(
    text: bytes, expected: list[tuple[str, bytes]]
) -> None:
    write("s.json", text)
    assert loaded("json:s.json") == expected


TOO_DEEP = "s.json: nested deeper than 100 levels"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            b'{"a": "b",\n "c": "d"\n  "e": "f"}',
            "s.json:3:3: not valid JSON: Expecting ',' delimiter",
            id="delimiter",
        ),
        pytest.param(b"", "s.json:1:1: not valid JSON: Expecting value", id="empty file"),
        pytest.param(b'{"a": "x', "s.json:1:7: not valid JSON: Unterminated string", id="open"),
        pytest.param(
            b'{"a": "x\ny"}', "s.json:1:9: not valid JSON: Invalid control character", id="control"
        ),
        pytest.param(b'{"a": "\\x"}', "s.json:1:8: not valid JSON: Invalid \\escape", id="escape"),
        pytest.param(b"{} {}", "s.json:1:4: not valid JSON: Extra data", id="two documents"),
        pytest.param(b'["value"]', "s.json: expected a JSON object", id="array"),
        pytest.param(b'"value"', "s.json: expected a JSON object", id="string"),
        pytest.param(b'{"a": "\xff"}', "s.json: not UTF-8 at byte offset 7", id="no UTF-8"),
        pytest.param(
            b'\xef\xbb\xbf{"a": "\xff"}', "s.json: not UTF-8 at byte offset 10",
            id="no UTF-8 behind a byte order mark",
        ),
        pytest.param(b"\xff\xfe{\0}\0", "s.json: is UTF-16, save it as UTF-8", id="UTF-16"),
        pytest.param(b'{"a": ' + b"[" * 100 + b"1" + b"]" * 100 + b"}", TOO_DEEP, id="101 levels"),
        pytest.param(b'{"a": ' + b"[" * 200_000, TOO_DEEP, id="a bomb of arrays"),
        pytest.param(b'{"a":' * 200_000, TOO_DEEP, id="a bomb of objects"),
    ],
)  # fmt: skip
def test_a_broken_json_file_is_refused_with_its_place(text: bytes, message: str) -> None:
    write("s.json", text)
    assert refused("json:s.json") == message


def leaves(document: object, path: str = "") -> Iterator[tuple[str, bytes]]:
    if isinstance(document, str):
        yield path, document.encode()
    elif isinstance(document, dict):
        for key, child in document.items():
            yield from leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(document, list):
        for index, child in enumerate(document):
            yield from leaves(child, f"{path}[{index}]")


plain_keys = st.text("abc", min_size=1, max_size=3)
documents = st.recursive(
    st.text(st.characters(codec="utf-8")) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_keys, inner, max_size=3),
)


@given(st.dictionaries(plain_keys, documents, max_size=4), st.booleans())
@in_one_directory
def test_what_a_json_writer_wrote_is_read_back(
    document: dict[str, object],
    ascii_only: bool,  # noqa: FBT001 - Hypothesis passes it by name
) -> None:
    write("s.json", json.dumps(document, ensure_ascii=ascii_only).encode())
    assert loaded("json:s.json") == [*dict.fromkeys(leaves(document))]


# file, dir, lines


@given(st.binary(max_size=50).filter(lambda raw: raw[:2] not in (b"\xff\xfe", b"\xfe\xff")))
@in_one_directory
def test_a_whole_file_is_one_value_named_as_the_file_is(raw: bytes) -> None:
    Path("sub").mkdir(exist_ok=True)
    write("sub/db_password", raw)
    assert loaded("file:sub/db_password") == [("db_password", raw.removeprefix(b"\xef\xbb\xbf"))]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf16_counts_as_the_text_that_a_log_shows(encoding: str) -> None:
    raw = "\ufeffhünter2".encode(encoding)
    write("v", raw)
    assert loaded("file:v") == [("v", raw), ("v", "hünter2".encode())]


def test_a_file_may_have_a_mebibyte_and_no_byte_more() -> None:
    write("v", b"x" * MIB)
    assert loaded("file:v") == [("v", b"x" * MIB)]
    write("v", b"x" * (MIB + 1))
    assert refused("file:v") == "cannot read secrets file v: larger than 1 MiB"
    Path("d").mkdir()
    Path("v").rename("d/v")
    assert refused("dir:d") == f"cannot read secrets file {Path('d/v')}: larger than 1 MiB"


@pytest.mark.parametrize("kind", ["dotenv", "json", "lines"])
def test_a_file_of_many_secrets_may_have_16_mebibytes(kind: str) -> None:
    with Path("v").open("wb") as file:
        file.truncate(16 * MIB + 1)
    assert refused(f"{kind}:v") == "cannot read secrets file v: larger than 16 MiB"


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_file_that_cannot_be_read_is_refused(kind: str) -> None:
    missing = "cannot read secrets file a/b.env: No such file or directory"
    assert refused(f"{kind}:a/b.env") == missing
    Path("d").mkdir()
    assert refused(f"{kind}:d") == "cannot read secrets file d: Is a directory"
    stdin = "cannot read secrets from stdin: it carries the input to search"
    assert refused(f"{kind}:-") == stdin
    assert refused(f"{kind}:a\0b") == (
        "cannot read secrets file (not shown, it may be a value): not a path"
    )


def without_end() -> str:
    """Make a file that is no regular one: a pipe that nobody writes to, where there are such."""
    if sys.platform == "win32":
        return os.devnull
    os.mkfifo("pipe")
    return "pipe"


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_pipe_is_refused_and_not_waited_for(kind: str) -> None:
    name = without_end()
    assert refused(f"{kind}:{name}") == f"cannot read secrets file {name}: not a regular file"


@pytest.mark.parametrize(
    "document", ['{"a": "%s"}', "A=%s", "postgres://u:%s@host/db", "%s\n%s", "%s" * 80]
)
@pytest.mark.parametrize("kind", [*FILE_KINDS, "dir"])
def test_a_document_in_place_of_a_path_is_not_shown(kind: str, document: str) -> None:
    message = refused(f"{kind}:{document.replace('%s', CANARY)}")
    what = "directory" if kind == "dir" else "file"
    assert message.startswith(f"cannot read secrets {what} (not shown, it may be a value): ")
    assert CANARY not in message


def test_a_path_that_does_not_print_is_escaped() -> None:
    assert refused("file:a\x7fb\u202e") == (
        "cannot read secrets file a\\x7fb\\u202e: No such file or directory"
    )


def test_each_file_of_a_directory_is_a_secret_in_the_order_of_names() -> None:
    Path("d/sub").mkdir(parents=True)
    write("d/token", b"value\n")
    write("d/db", b"other")
    write("d/.dockerconfigjson", b"{}")
    write("d/sub/deeper", b"not read")
    expected = [(".dockerconfigjson", b"{}"), ("db", b"other"), ("token", b"value\n")]
    assert loaded("dir:d") == expected


def test_a_directory_that_kubernetes_mounted_gives_each_key_once() -> None:
    version = Path("d/..2024_05_01_10_20_30.123456789")
    version.mkdir(parents=True)
    (version / "password").write_bytes(b"value")
    (version / ".netrc").write_bytes(b"other")
    Path("d/..data").symlink_to(version.name, target_is_directory=True)
    for key in ("password", ".netrc"):
        Path("d", key).symlink_to(Path("..data", key))
    assert loaded("dir:d") == [(".netrc", b"other"), ("password", b"value")]


def test_an_empty_directory_holds_no_secret() -> None:
    Path("d").mkdir()
    assert loaded("dir:d") == []


def test_a_directory_that_cannot_be_read_whole_is_refused() -> None:
    missing = "cannot read secrets directory d: No such file or directory"
    assert refused("dir:d") == missing
    Path("d").mkdir()
    write("d/a", b"value")
    Path("d/b").symlink_to("nowhere")
    assert refused("dir:d") == (
        f"cannot read secrets file {Path('d/b')}: No such file or directory"
    )
    write("f", b"")
    assert refused("dir:f") == "cannot read secrets directory f: Not a directory"
    assert refused("dir:a\0b") == (
        "cannot read secrets directory (not shown, it may be a value): not a path"
    )


def test_each_line_that_is_not_blank_is_a_secret() -> None:
    write("s.txt", b"\xef\xbb\xbffirst\r\n\n # not a comment\n\t\n a=b \nlast\xff")
    assert loaded("lines:s.txt") == [
        ("s.txt:1", b"first"),
        ("s.txt:3", b" # not a comment"),
        ("s.txt:5", b" a=b "),
        ("s.txt:6", b"last\xff"),
    ]


def test_lines_in_utf16_are_refused() -> None:
    write("s.txt", "\ufeffvalue".encode("utf-16-be"))
    assert refused("lines:s.txt") == "s.txt: is UTF-16, save it as UTF-8"


# Nothing of a value in an error

noise = st.binary(max_size=12) | st.sampled_from(
    [b"A=", b"\n", b'"', b"'", b"{", b"}", b'{"a": ', b",", b":", b"[", b"\\", b"\\u", b"==", b" "]
)


def said(specs: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        load(specs, environ)
    except ProviderError as error:
        return "".join(traceback.format_exception(error))
    return ""


def fragments(value: str) -> set[str]:
    return {value[start : start + 6] for start in range(len(value) - 5)}


@given(st.sampled_from(FILE_KINDS), st.lists(noise, max_size=6), st.lists(noise, max_size=6))
@in_one_directory
def test_no_error_about_a_file_tells_what_is_in_it(
    kind: str, before: list[bytes], behind: list[bytes]
) -> None:
    raw = b"".join([*before, CANARY.encode(), *behind])
    write("v", raw)
    environ = {"LEAKGUARD_SECRETS": os.fsdecode(raw)}
    message = said([f"{kind}:v"], {}) + said(["auto"], environ)
    assert not [part for part in fragments(CANARY) if part in message]


@given(st.sampled_from([*KINDS, "x", "dotnev"]), st.integers(0, len(CANARY)), st.booleans())
@in_one_directory
def test_no_error_about_a_spec_tells_a_value_that_was_pasted_into_it(
    kind: str,
    cut: int,
    held: bool,  # noqa: FBT001 - Hypothesis passes it by name
) -> None:
    value = CANARY[:cut] + ":" + CANARY[cut:]
    environ = {"API_TOKEN": value} if held else {}
    message = said([value], environ) + said([f"env:{value}"], environ)
    if held:
        message += said([f"{kind}:{value}"], environ)
    assert not [part for part in fragments(CANARY) if part in message]


def test_an_error_does_not_carry_the_document_along() -> None:
    write("s.json", f'{{"a": "{CANARY}"'.encode())
    write("t.json", b'{"a": "\xff' + CANARY.encode())
    for file in ("s.json", "t.json"):
        with pytest.raises(ProviderError) as caught:
            load([f"json:{file}"], {})
        assert caught.value.__context__ is None
