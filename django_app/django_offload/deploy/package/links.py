"""Follow the project's links, so that the package holds what they lead to."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed

_REMEDY = (
    'Replace the link by what it leads to, or install that as a requirement. Or name it in "exclude" of '
    "zappa_settings.json if the site doesn't need it."
)


def follow_links(
    root: Path, files: Collection[PurePosixPath], is_wanted: Callable[[PurePosixPath], bool]
) -> Iterator[PurePosixPath]:
    """
    Yield `files`. Instead of a link to a folder, yield the files of that folder, with paths through the link.

    Only links that `is_wanted` accepts are followed. Raise PackageFailed if one leads to something that isn't
    among `files`: nothing, a place outside of the project, or a file that git doesn't track. A link that has
    replaced a folder of `files` leads there too.
    """
    known = frozenset(files)
    replaced: dict[PurePosixPath, PurePosixPath | None] = {}
    for path in files:
        if not (root / path).is_symlink():
            if path.parent not in replaced:
                above = (folder for folder in path.parents if (root / folder).is_symlink())
                replaced[path.parent] = next(above, None) if path.parent.parts else None
            link = replaced[path.parent]
            if link is not None and is_wanted(path):
                raise _failure(link, f"{os.readlink(root / link)}, but git tracks a folder of that name")
            yield path
        # A link to a folder counts if a module in that folder would.
        elif is_wanted(path) or is_wanted(path / "__init__.py"):
            yield from _follow(root, path, known, is_wanted, ())


def _follow(
    root: Path,
    link: PurePosixPath,
    known: frozenset[PurePosixPath],
    is_wanted: Callable[[PurePosixPath], bool],
    passed: tuple[Path, ...],
) -> Iterator[PurePosixPath]:
    try:
        target = (root / link).resolve(strict=True)
    except (OSError, RuntimeError) as exc:
        raise _failure(link, f"{os.readlink(root / link)}, which doesn't exist") from exc
    if not target.is_relative_to(root.resolve()):
        raise _failure(link, f"{target}, which is outside of the project")
    inside = PurePosixPath(target.relative_to(root.resolve()).as_posix())
    if target.is_file():
        # A link must not bring in what wouldn't be packaged under its own name, such as .env.
        if inside not in known or not is_wanted(PurePosixPath("folder", inside.name)):
            raise _failure(link, f"{inside}, which isn't packaged itself")
        yield link
        return
    if (root / link).parent.resolve().is_relative_to(target) or target in passed:
        raise _failure(link, f"{inside}, which contains the link again")
    below = sorted(path for path in known if inside in path.parents)
    if not below:
        raise _failure(link, f"{inside}, which has no files that could be packaged")
    for path in below:
        through = link / path.relative_to(inside)
        if not (root / through).is_symlink():
            yield through
        elif is_wanted(through) or is_wanted(through / "__init__.py"):
            yield from _follow(root, through, known, is_wanted, (*passed, target))


def _failure(link: PurePosixPath, target: str) -> PackageFailed:
    return PackageFailed(f"The link {link} leads to {target}.", _REMEDY)
