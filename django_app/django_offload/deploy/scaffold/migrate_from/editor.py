"""Collect changes to one module while reading it, then apply them from its end to its beginning."""

import ast
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from .imports import RequiredImport
from .source import Source


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that a person must decide, with its place in the code."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class ModuleEditor:
    """The changes to one module."""

    def __init__(self, source: Source, path: str, taken: Collection[str] = ()) -> None:
        self.source = source
        self._taken = taken  # Names that the module binds, besides those of its imports and definitions.
        self.notes: list[Note] = []
        self.imports: dict[str, RequiredImport] = {}  # By the name in the module.
        self._path = path
        self._edits: list[tuple[int, int, str]] = []  # Start, end and new text, in bytes.
        lengths = (len(line) for line in source.text.encode().splitlines(keepends=True))
        self._starts = [0, *accumulate(lengths)]  # Where each line starts, in bytes.

    def note(self, node: ast.expr | ast.stmt, text: str) -> None:
        self.notes.append(Note(self._path, node.lineno, text))

    def replace(self, node: ast.expr | ast.arg, text: str) -> None:
        """Replace the code of a node by `text`, unless they are the same."""
        if text != self.text(node):
            self._edits.append((*self._span(node), text))

    def append(self, node: ast.expr, text: str) -> None:
        """Insert `text` directly after a node."""
        end = self._span(node)[1]
        self._edits.append((end, end, text))

    def replace_attribute(self, node: ast.Attribute, name: str) -> None:
        """Replace the last name of a chain of attributes."""
        end = self._span(node)[1]
        self._edits.append((end - len(node.attr.encode()), end, name))

    def replace_between(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Replace the code between two places, each given by its line and its offset in bytes."""
        self._edits.append((self._offset(*start), self._offset(*end), text))

    def text(self, node: ast.expr | ast.arg) -> str:
        """Return the code of a node."""
        return ast.get_source_segment(self.source.text, node) or ast.unparse(node)

    def require(self, module: str, name: str = "") -> str:
        """Import `name` from `module` (or the module itself), and return its name in this module."""
        required = RequiredImport(module=module, name=name)
        local_name = name or module
        existing = self.source.names.get(local_name, required.dotted)
        # A name from Zappa is free, because its import is removed. Celery's may stay in use.
        is_taken = local_name in self._taken and local_name not in self.source.names
        if is_taken or (existing != required.dotted and not existing.startswith("zappa.")):
            local_name = f"offload_{local_name}"
        self.imports[local_name] = required
        return local_name

    def result(self) -> str:
        """Return the module's text with the changes applied. If two overlap, apply only the outer one."""
        edits = list(dict.fromkeys(self._edits))
        outer = [
            (start, end, text)
            for start, end, text in edits
            if not any(
                other_start <= start
                and end <= other_end
                and (other_start, other_end) != (start, end)
                and other_start < other_end
                for other_start, other_end, _ in edits
            )
        ]
        code = self.source.text.encode()
        end_of_last = len(code) + 1
        for start, end, text in sorted(outer, reverse=True):
            assert end <= end_of_last
            code = code[:start] + text.encode() + code[end:]
            end_of_last = start
        return code.decode()

    def _span(self, node: ast.expr | ast.arg) -> tuple[int, int]:
        """Return where a node starts and ends, as offsets in bytes."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column
