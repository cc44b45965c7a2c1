"""Update a rewritten module's imports: remove those it no longer uses, and add those it needs."""

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import StringIO

from .source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredImport:
    """A name, or a whole module, that must be imported."""

    module: str
    name: str = ""  # Empty for the module itself.

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    def statement(self, local_name: str) -> str:
        """Return the statement that imports it as `local_name`."""
        if not self.name:
            return f"import {self.module}" + (f" as {local_name}" if local_name != self.module else "")
        return f"from {self.module} import {self.name}" + (
            f" as {local_name}" if local_name != self.name else ""
        )


def update_imports(
    before: Source, after: Source, required: Mapping[str, RequiredImport], kept: Collection[str] = ()
) -> str:
    """
    Return the text of `after` with every required import, which are given by their names in the module.

    Remove the imports that `before` used and `after` doesn't, but none of the names in `kept`, which other
    modules import from here. New ones replace the first that is removed.
    """
    missing = {name: item for name, item in required.items() if after.names.get(name) != item.dotted}
    unused = (used_names(before.tree) - used_names(after.tree) - set(kept)) | missing.keys()
    new = [item.statement(name) for name, item in sorted(missing.items(), key=lambda pair: pair[1].dotted)]
    lines = list(StringIO(after.text, newline=""))
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    imports = [node for node in ast.walk(after.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    changed = [
        node
        for node in sorted(imports, key=lambda node: node.lineno)
        if any(imported_as(alias) in unused for alias in node.names)
    ]
    for node in reversed(changed):
        assert node.end_lineno is not None
        indent = " " * node.col_offset
        remaining = [alias for alias in node.names if imported_as(alias) not in unused]
        statements = []
        if remaining:
            statement: ast.stmt = ast.Import(names=remaining)
            if isinstance(node, ast.ImportFrom):
                statement = ast.ImportFrom(module=node.module, names=remaining, level=node.level)
            statements.append(ast.unparse(statement))
        if node is changed[0]:
            statements += new
        if not statements and node.col_offset:
            statements = ["pass"]  # The import may have been the only statement of its block.
        lines[node.lineno - 1 : node.end_lineno] = [indent + statement + end for statement in statements]
    if new and not changed:
        position = last_import_line(after.tree)
        lines[position:position] = [line + end for line in new]
    return "".join(lines)


def used_names(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def imported_as(alias: ast.alias) -> str:
    """Return the name that an import defines in the module."""
    return alias.asname or alias.name.partition(".")[0]


def last_import_line(tree: ast.Module) -> int:
    """Return the number of the last line of the imports at the top, or of the docstring without imports."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not imports and ast.get_docstring(tree) is not None:
        return tree.body[0].end_lineno or 0
    return max((node.end_lineno or 0 for node in imports), default=0)
