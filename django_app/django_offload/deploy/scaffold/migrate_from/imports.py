"""The imports of a changed module: what it no longer uses goes, what it newly needs comes."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .reading import Source

type Statement = ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Something to import."""

    module: str
    name: str = ""  # Empty: the module itself.

    @property
    def origin(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    def statement(self, local: str) -> str:
        """Return the statement that imports it as `local`."""
        if not self.name:
            return f"import {self.module}" + (f" as {local}" if local != self.module else "")
        return f"from {self.module} import {self.name}" + (f" as {local}" if local != self.name else "")


def settle(before: Source, after: Source, needed: Mapping[str, Needed]) -> str:
    """Return the text of `after` with the imports it needs, without those that only `before` used."""
    missing = {local: what for local, what in needed.items() if after.names.get(local) != what.origin}
    gone = (_used(before.tree) - _used(after.tree)) | missing.keys()
    new = [what.statement(local) for local, what in sorted(missing.items(), key=lambda one: one[1].origin)]
    lines = after.text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    changed = [node for node in _statements(after.tree) if any(_local(alias) in gone for alias in node.names)]
    for node in reversed(changed):
        assert node.end_lineno is not None
        indent = " " * node.col_offset
        kept = [alias for alias in node.names if _local(alias) not in gone]
        written = _written(node, kept) + (new if node is changed[0] else [])
        if not written and node.col_offset:
            written = ["pass"]  # It may be all that a block has.
        lines[node.lineno - 1 : node.end_lineno] = [indent + line + end for line in written]
    if new and not changed:
        place = _place(after.tree)
        lines[place:place] = [line + end for line in new]
    return "".join(lines)


def _used(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _statements(tree: ast.Module) -> Iterator[Statement]:
    """Yield every import, in the order of the lines."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    yield from sorted(found, key=lambda node: node.lineno)


def _local(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _written(node: Statement, kept: list[ast.alias]) -> list[str]:
    """Return the import with what is left of it."""
    if not kept:
        return []
    if isinstance(node, ast.Import):
        return [ast.unparse(ast.Import(names=kept))]
    return [ast.unparse(ast.ImportFrom(module=node.module, names=kept, level=node.level))]


def _place(tree: ast.Module) -> int:
    """Return the number of the line below the last import at the top, or below the docstring."""
    head = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not head and ast.get_docstring(tree) is not None:
        return tree.body[0].end_lineno or 0
    return max((node.end_lineno or 0 for node in head), default=0)
