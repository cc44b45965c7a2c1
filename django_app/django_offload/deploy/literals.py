"""
Credentials that somebody wrote into a file, by the look of their names and values.

A name is judged by its last words, because those say what a thing is: DB_PASSWORD is a password, and
PASSWORD_RESET_TIMEOUT is a time. Nothing here returns a value, so that no message can show one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2

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
        *(
            "hmac",
            "account",
            "license",
            "fernet",
            "webhook",
            "client",
            "app",
            "deploy",
            "ssh",
            "rsa",
            "admin",
        ),
    }
)
# Keys that everybody may know, and words for other things.
PUBLIC_KEYS = frozenset(
    {"public", "publishable", "site", "primary", "foreign", "sort", "partition", "cache", "code", "object"}
)
# What a name may have after that without becoming another thing.
ADDITIONS = frozenset(
    {
        *(
            "prod",
            "production",
            "live",
            "dev",
            "test",
            "staging",
            "old",
            "new",
            "previous",
            "current",
            "next",
        ),
        *("fallback", "fallbacks", "default", "value", "text", "plain", "base64", "b64", "json", "string"),
        *("read", "write", "ro", "rw", "main", "backup", "base"),
    }
)
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
# Values that are credentials under any name.
CREDENTIAL = re.compile(
    "|".join(
        (
            rf"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:{_NO_PLACEHOLDER}@",
            r"-----BEGIN [A-Z ]*PRIVATE KEY",
            r"(?i:(?:^|[\s;,?&\"'{])(?:password|passwd|pwd|accountkey|sharedaccesskey|secretkey|api_?key|"
            r"access_token|auth_token|client_secret|sslpassword)[\"']?\s*[=:]\s*[\"']?(?![\s;&\"'<*]|\$\{|\{\{)\S)",
            r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
            r"\b(?:sk|rk)_(?:live|test)_\w{8,}",
            r"\bwhsec_\w{16,}",
            r"\bsk-(?:ant-|proj-)?[\w-]{20,}",
            r"\b(?:gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|pypi-[\w-]{30,})",
            r"\bxox[abeoprs]-[\w-]{10,}",
            r"\bxapp-[\w-]{10,}",
            r"\bAIza[\w-]{35}",
            r"\bya29\.[\w-]{20,}",
            r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
            r"\bkey-[0-9a-f]{32}\b",
            r"\b(?:shpat|shpss|shpca|dop_v1|hf|hvs|dapi|lin_api|sbp|EAA)[_.]?[A-Za-z0-9]{28,}",
            r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
            r"\bhooks\.slack\.com/services/\w+/\w+/\w+",
            r"\bdiscord(?:app)?\.com/api/webhooks/\d+/[\w-]+",
            r"\b(?:GOCSPX|figd|sntrys|sntryu|sq0atp|sq0csp)[-_][\w-]{20,}",
            r"\bsecret_\w{40,}",
            r"\bAGE-SECRET-KEY-1\w{20,}",
            r"\b\d{8,10}:AA[\w-]{33}\b",
            r"\b\w+\.webhook\.office\.com/webhookb2/\S{36,}",
            # Of HTTP: a header's value, a signed address, and a user that is a key, as Sentry has it.
            r"\bBasic (?=\S*[\d=])[A-Za-z0-9+/]{8,}={0,2}(?![\w])",
            r"\bBearer (?=\S*\d)[\w.~+/-]{16,}",
            r"[?&](?:token|sig|signature|secret|access_key)=(?![\s&\"'<*]|\$\{|\{\{)[^\s&]{6,}",
            r"://[0-9a-f]{32}@",
            r"\bdjango-insecure-",
        )
    )
)
# A URL with a user alone, such as that of Sentry.
USER_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:?@", re.I)
PLAIN_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)
DOTTED_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*){2,}")
# Names of random texts that are no secrets.
IDENTIFIERS = frozenset(
    {
        *(
            "id",
            "ids",
            "arn",
            "hash",
            "sha",
            "sha1",
            "sha256",
            "digest",
            "checksum",
            "fingerprint",
            "version",
        ),
        *("commit", "release", "etag", "uuid", "integrity", "nonce", "public", "cert", "certificate", "csp"),
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


def is_credential(name: str, value: object) -> bool:
    """Return True if a value that a file gives to this name looks like a password, a key or a token."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    if not text or REFERENCE.fullmatch(text):
        return False
    if CREDENTIAL.search(text):
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
