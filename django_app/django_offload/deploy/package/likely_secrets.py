"""Find files that are packaged although they most likely hold secrets, by their names and what is in them."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

# A site may read some of these on purpose, so they are packaged and named.
NAMES = (
    *(
        "*credential*",
        "secret*",
        "*_secret*",
        "*-secret*",
        "*service-account*",
        "*service_account*",
        "*password*",
    ),
    *("htpasswd*", "kubeconfig*", "*.ovpn", "*.p8", "*.pkcs8", "*.gpg", "*.tfstate*", "*.tfvars*", "env.*"),
    *("*.env.*", "*.sql", "*.sql.*", "*.dump", "*.rdb", "*.pem.*", "*.key.*", "*.sqlite3.*", "*.db.*"),
)
# Code and pages have such names too, because they are about credentials or passwords.
_CODE, _PAGES = (".py", ".mo"), {"templates", "static", "locale", "jinja2"}
_CONTENTS = {
    "a private key": (
        rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*[A-Za-z0-9+/:=\s-]{40}"
    ),
    "an access key of AWS": rb"\b(?:AKIA|ASIA)(?![A-Z0-9]{0,9}EXAMPLE)[A-Z2-7]{16}\b",
    "a secret key of AWS": (
        rb"(?i:aws_?secret_?access_?key)[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])(?<!EXAMPLEKEY)"
    ),
    "a token of GitHub": rb"\b(?:gh[opsu]_[A-Za-z0-9]{36}|github_pat_\w{60,})\b",
    "a token of GitLab": rb"\bglpat-[\w-]{20,}",
    "a token of a package index": rb"\b(?:npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,})",
    "a key of Google": rb"\b(?:AIza[\w-]{35}|GOCSPX-[\w-]{28})(?![\w-])",
    "a key of a language model": rb"\bsk-(?:ant-api\d\d-|proj-)[\w-]{40,}",
    "a key of SendGrid": rb"\bSG\.[\w-]{22}\.[\w-]{43}\b",
    "a URL with a password": (
        rb"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|smtps?)://[^\s:@/'\"<>{}$%]*"
        rb":(?!(?:pw|pass|password|secret|guest|\*+)@)[^\s:@/'\"<>{}$]+@(?!localhost|127\.|[\w.-]*example)"
    ),
    "a key of Stripe": rb"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a token of Slack": rb"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "a database": rb"\ASQLite format 3\0",
}
_PATTERNS = {what: re.compile(pattern) for what, pattern in _CONTENTS.items()}
# Keys are near the beginning of files, and what is longer is data.
_MOST_READ = 2**20


def likely_secrets(root: Path, paths: Iterable[PurePosixPath]) -> Iterator[str]:
    """Yield each of the files that looks like a secret, and why. No value is shown."""
    for path in paths:
        reason = _by_content(root / path) or _by_name(path)
        if reason:
            yield f"{path} ({reason})"


def _by_content(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MOST_READ)
    return next((what for what, pattern in _PATTERNS.items() if pattern.search(data)), "")


def _by_name(path: PurePosixPath) -> str:
    name = path.name.lower()
    if name.endswith(_CODE) or not _PAGES.isdisjoint(path.parts[:-1]):
        return ""
    return "by its name" if any(fnmatchcase(name, pattern) for pattern in NAMES) else ""
