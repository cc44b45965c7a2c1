"""Changes to one module, gathered while it is read, and made from its end to its beginning."""

import ast
from dataclasses import dataclass

from .imports import Needed
from .reading import Source

OURS = "django_offload"


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """What a person must decide: where, and what to do about it."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Editing:
    """What is to change in one module."""

    def __init__(self, source: Source, path: str) -> None:
        self.source = source
        self.notes: list[Note] = []
        self.needed: dict[str, Needed] = {}  # By the name in the module.
        self._path = path
        self._edits: list[tuple[int, int, str]] = []
        self._lines = [line.encode() for line in source.text.splitlines(keepends=True)]

    def note(self, node: ast.expr | ast.stmt, text: str) -> None:
        self.notes.append(Note(self._path, node.lineno, text))

    def replace(self, node: ast.expr | ast.arg, text: str) -> None:
        """Write `text` in the place of a node, unless it says that already."""
        if text != self.text(node):
            self._edits.append((*self._span(node), text))

    def append(self, node: ast.expr, text: str) -> None:
        """Write `text` right behind a node."""
        end = self._span(node)[1]
        self._edits.append((end, end, text))

    def text(self, node: ast.expr | ast.arg) -> str:
        """Return the code of a node."""
        return ast.get_source_segment(self.source.text, node) or ast.unparse(node)

    def need(self, module: str, name: str = "") -> str:
        """Have the module import `name` (or itself), and return what it is called there."""
        wanted = Needed(module=module, name=name)
        local = name or module
        taken = self.source.names.get(local, wanted.origin)
        # The name of what goes away is free for what comes in its place.
        if taken != wanted.origin and not taken.startswith(("celery.", "zappa.")):
            local = f"offload_{local}"
        self.needed[local] = wanted
        return local

    def result(self) -> str:
        """Return the module's text with every change made; of two that overlap, the outer one."""
        text = self.source.text.encode()
        end_of_last = len(text) + 1
        for start, end, new in sorted(self._outer(), reverse=True):
            assert end <= end_of_last
            text = text[:start] + new.encode() + text[end:]
            end_of_last = start
        return text.decode()

    def _outer(self) -> list[tuple[int, int, str]]:
        return [
            edit
            for edit in dict.fromkeys(self._edits)
            if not any(
                other[0] <= edit[0] and edit[1] <= other[1] and other[:2] != edit[:2] and other[0] < other[1]
                for other in self._edits
            )
        ]

    def _span(self, node: ast.expr | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return sum(map(len, self._lines[: line - 1])) + column
