"""
What looks like a password, a key or a token: by a name, a value, or the content of a file.

A name is judged by its last words, because those say what a thing is: DB_PASSWORD is a password, and
PASSWORD_RESET_TIMEOUT is a time. Nothing here shows a value.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2

from django.views.debug import SafeExceptionReporterFilter

# What a name of a credential ends with.
SECRET_WORDS = frozenset(
    {"pwd", "pass", "pw", "passcode", "secrets", "tokens", "credential", "credentials", "passwords", "salt"}
)
# The same within a longer word, such as PGPASSWORD.
SECRET_ENDS = ("password", "passwd", "passphrase", "secret", "token", "apikey")
# Words before "key" that make it one to keep. Any other key counts only if its value looks random.
KEPT_KEYS = frozenset(
    {
        *("secret", "api", "private", "access", "signing", "encryption", "encrypt", "auth", "master", "jwt"),
        *("crypt", "crypto", "cipher", "aes", "session", "shared", "service", "storage"),
        *("hmac", "account", "license", "fernet", "webhook", "client", "app", "deploy"),
        *("ssh", "rsa", "admin"),
    }
)
# Keys that everybody may know, and words for other things.
PUBLIC_KEYS = frozenset(
    {"public", "publishable", "site", "primary", "foreign", "sort", "partition", "cache", "code", "object"}
)
# What a name may have after that without becoming another thing.
ADDITIONS = frozenset(
    {
        *("prod", "production", "live", "dev", "test", "staging", "old", "new", "previous", "current"),
        *("next", "fallback", "fallbacks", "default", "value", "text", "plain", "base64", "b64", "json"),
        *("string", "read", "write", "ro", "rw", "main", "backup", "base"),
    }
)
# Names of variables that Django doesn't hide on its error pages.
NOT_HIDDEN_BY_DJANGO = re.compile("PWD|CREDENTIAL|PRIVATE", re.IGNORECASE)
# Switches and numbers. A password may be a number, and a limit of tokens is one, too.
PLAIN = re.compile(r"(?:true|false|yes|no|on|off|none|null|enabled|disabled|required|optional)?", re.I)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
# Where a value is stored, instead of the value.
REFERENCE = re.compile(
    r"(?:ssm|secretsmanager|aws-ssm|arn|env|file|vault|op|sm|gcp|doppler|s3|pkcs11|awskms):.+"
    r"|\{\{.*\}\}|\$\{.*\}|\$\(.*\)|\$[A-Za-z_]\w*|%\w+%|<[^<>]*>|[*•.…]+|/(?:run|var|etc|mnt|opt)/.+",
    re.I | re.S,
)
_NO_PLACEHOLDER = r"(?![*•]+@|\$\{|\{\{|\$\(|<)[^@\s]+"
_LONG_KEY_OF_AWS = r"(?i:aws_?secret_?access_?key)[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of credential that its own text shows, under any name."""

    what: str
    value: str  # Matches in a value that a person wrote.
    # Matches in any file of a package, but not what code and pages have as examples; empty if it can't.
    content: str = ""


KINDS = (
    Kind(
        "a password in an address",
        rf"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:{_NO_PLACEHOLDER}@|://[0-9a-f]{{32}}@",
        r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|smtps?)://[^\s:@/'\"<>{}$%]*"
        r":(?!(?:pw|pass|password|secret|guest|\*+)@)[^\s:@/'\"<>{}$]+@(?!localhost|127\.|[\w.-]*example)",
    ),
    Kind(
        "a private key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*[A-Za-z0-9+/:=\s-]{40}",
    ),
    Kind(
        "an access key of AWS",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        r"\b(?:AKIA|ASIA)(?![A-Z0-9]{0,9}EXAMPLE)[A-Z2-7]{16}\b",
    ),
    Kind("a secret key of AWS", _LONG_KEY_OF_AWS, rf"{_LONG_KEY_OF_AWS}(?<!EXAMPLEKEY)"),
    Kind(
        "a token of GitHub",
        r"\b(?:gh[opsur]_\w{20,}|github_pat_\w{20,})",
        r"\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_\w{60,})\b",
    ),
    Kind("a token of GitLab", r"\bglpat-[\w-]{16,}", r"\bglpat-[\w-]{20,}"),
    Kind(
        "a token of a package index",
        r"\b(?:npm_\w{30,}|pypi-[\w-]{30,})",
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,})",
    ),
    Kind(
        "a key of Google",
        r"\bAIza[\w-]{35}|\bGOCSPX-[\w-]{20,}",
        r"\b(?:AIza[\w-]{35}|GOCSPX-[\w-]{28})(?![\w-])",
    ),
    Kind(
        "a key of a language model",
        r"\bsk-(?:ant-|proj-)?[\w-]{20,}",
        r"\bsk-(?:ant-api\d\d-|proj-)[\w-]{40,}",
    ),
    Kind(
        "a key of SendGrid",
        r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
        r"\bSG\.[\w-]{22}\.[\w-]{43}\b",
    ),
    Kind("a key of Stripe", r"\b(?:sk|rk)_(?:live|test)_\w{8,}", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    Kind(
        "a token of Slack",
        r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{10,}",
        r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}",
    ),
    Kind(
        "a password among options",
        r"(?i:(?:^|[\s;,?&\"'{])(?:password|passwd|pwd|accountkey|sharedaccesskey|secretkey|api_?key|"
        r"access_token|auth_token|client_secret|sslpassword)[\"']?\s*[=:]\s*[\"']?"
        r"(?![\s;&\"'<*]|\$\{|\{\{)\S)",
    ),
    Kind(
        "a token",
        "|".join(
            (
                r"\bwhsec_\w{16,}",
                r"\bya29\.[\w-]{20,}",
                r"\bkey-[0-9a-f]{32}\b",
                r"\b(?:shpat|shpss|shpca|dop_v1|hf|hvs|dapi|lin_api|sbp|EAA)[_.]?[A-Za-z0-9]{28,}",
                r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
                r"\bhooks\.slack\.com/services/\w+/\w+/\w+",
                r"\bdiscord(?:app)?\.com/api/webhooks/\d+/[\w-]+",
                r"\b(?:figd|sntrys|sntryu|sq0atp|sq0csp)[-_][\w-]{20,}",
                r"\bsecret_\w{40,}",
                r"\bAGE-SECRET-KEY-1\w{20,}",
                r"\b\d{8,10}:AA[\w-]{33}\b",
                r"\b\w+\.webhook\.office\.com/webhookb2/\S{36,}",
                # A header's value, and a signed address.
                r"\bBasic (?=\S*[\d=])[A-Za-z0-9+/]{8,}={0,2}(?![\w])",
                r"\bBearer (?=\S*\d)[\w.~+/-]{16,}",
                r"[?&](?:token|sig|signature|secret|access_key)=(?![\s&\"'<*]|\$\{|\{\{)[^\s&]{6,}",
                r"\bdjango-insecure-",
            )
        ),
    ),
)
_VALUES = {kind.what: re.compile(kind.value) for kind in KINDS}
_CONTENTS = {kind.what: re.compile(kind.content.encode()) for kind in KINDS if kind.content}
# A URL with a user alone, such as that of Sentry.
USER_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:?@", re.I)
PLAIN_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)
DOTTED_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*){2,}")
# Names of random texts that are no secrets.
IDENTIFIERS = frozenset(
    {
        *("id", "ids", "arn", "hash", "sha", "sha1", "sha256", "digest", "checksum", "fingerprint"),
        *("version", "commit", "release", "etag", "uuid", "integrity", "nonce", "public", "cert"),
        *("certificate", "csp"),
    }
)
RANDOM = re.compile(r"[A-Za-z0-9+/_=-]+")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# A path or a sentence has long runs of small letters. Random text seldom has.
LONG_WORD = re.compile(r"[a-z]{8,}")
# Settings may refer to themselves.
DEEPEST = 20
# Lengths, and bits of entropy per character.
RANDOM_KEY, RANDOM_TEXT, LEAST_ENTROPY = 16, 40, 4.2


def kind_of(text: str) -> str:
    """Return what kind of credential a text has in it, whatever its name is, or an empty text."""
    return next((what for what, pattern in _VALUES.items() if pattern.search(text)), "")


def kind_in_file(content: bytes) -> str:
    """Return what kind of credential any file has in it, also code or a page, or an empty text."""
    return next((what for what, pattern in _CONTENTS.items() if pattern.search(content)), "")


def looks_secret(name: str, value: str) -> bool:
    """
    Return True if a variable should rather be stored as a secret, by its name or its value.

    Also names count that is_credential() leaves alone, because to store a plain value as a secret does no
    harm.
    """
    patterns = (SafeExceptionReporterFilter.hidden_settings, NOT_HIDDEN_BY_DJANGO)
    return any(pattern.search(name) for pattern in patterns) or kind_of(value) != ""


def is_credential(name: str, value: object) -> bool:
    """Return True if a value that a file gives to this name looks like a password, a key or a token."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    if not text or REFERENCE.fullmatch(text):
        return False
    if kind_of(text):
        return True
    words = words_of(name)
    last = words[-1] if words else ""
    if last == "dsn" and USER_IN_URL.match(text):
        return True
    if PLAIN.fullmatch(text) or PLAIN_URL.fullmatch(text) or DOTTED_PATH.fullmatch(text):
        return False
    is_number = NUMBER.fullmatch(text) is not None
    if last in SECRET_WORDS or last.endswith(SECRET_ENDS):
        return not is_number or (len(text) > 3 and any(word in last for word in ("pass", "pw")))
    if last in {"key", "keys"} and not is_number:
        before = words[-2] if len(words) > 1 else ""
        return before in KEPT_KEYS or (before not in PUBLIC_KEYS and is_random(text, RANDOM_KEY, 3.0))
    return not IDENTIFIERS & set(words) and is_random(text, RANDOM_TEXT, LEAST_ENTROPY)


def words_of(name: str) -> list[str]:
    """Return the words of a name in small letters, without what may stand behind it."""
    words = [word.lower() for word in WORD.findall(name)]
    while len(words) > 1 and (words[-1] in ADDITIONS or words[-1].isdigit()):
        words.pop()
    return words


def is_random(text: str, shortest: int, entropy: float) -> bool:
    """Return True if a text looks as if somebody had drawn its characters at random."""
    kinds = (str.isupper, str.islower, str.isdigit)
    if len(text) < shortest or not RANDOM.fullmatch(text) or text.startswith("/") or LONG_WORD.search(text):
        return False
    if sum(any(map(kind, text)) for kind in kinds) < (3 if shortest == RANDOM_TEXT else 2):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * log2(share) for share in shares) >= entropy


def credentials_in(values: object, path: tuple[str, ...] = (), depth: int = 0) -> Iterator[tuple[str, str]]:
    """
    Yield where each credential is in nested dictionaries and lists, with its value, which nobody may show.

    The place is written as in Python: environment['DB_PASSWORD']. The items of a list have the list's name.
    """
    if depth > DEEPEST:
        return
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from credentials_in(value, (*path, str(name)), depth + 1)
    elif isinstance(values, (list, tuple, set, frozenset)):
        for value in values:
            yield from credentials_in(value, path, depth + 1)
    elif path and isinstance(values, str) and is_credential(path[-1], values):
        yield path[0] + "".join(f"['{name}']" for name in path[1:]), values


def places_in(values: object) -> list[str]:
    """Return where there are credentials, each place once."""
    return list(dict.fromkeys(place for place, _ in credentials_in(values)))
