"""Find files that are packaged although they most likely hold secrets, by their names and what is in them."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..likely_credentials import kind_in_file

# A site may read some of these on purpose, so they are packaged and named.
NAMES = (
    *("*credential*", "secret*", "*_secret*", "*-secret*", "*service-account*", "*service_account*"),
    *("*password*", "env.*"),
    *("htpasswd*", "kubeconfig*", "*.ovpn", "*.p8", "*.pkcs8", "*.gpg", "*.tfstate*", "*.tfvars*"),
    *("*.env.*", "*.sql", "*.sql.*", "*.dump", "*.rdb", "*.pem.*", "*.key.*", "*.sqlite3.*", "*.db.*"),
)
# Code and pages have such names too, because they are about credentials or passwords.
_CODE, _PAGES = (".py", ".mo"), {"templates", "static", "locale", "jinja2"}
_DATABASE = b"SQLite format 3\0"
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
        content = file.read(_MOST_READ)
    return "a database" if content.startswith(_DATABASE) else kind_in_file(content)


def _by_name(path: PurePosixPath) -> str:
    name = path.name.lower()
    if name.endswith(_CODE) or not _PAGES.isdisjoint(path.parts[:-1]):
        return ""
    return "by its name" if any(fnmatchcase(name, pattern) for pattern in NAMES) else ""
