"""A case of the corpus: code that uses Celery, with the answers that it must get."""

import re
from dataclasses import dataclass
from textwrap import dedent

_FILE = re.compile(r"^# file: (\S+)$", re.MULTILINE)
_MARK = re.compile(r"#: (.+)$")


@dataclass(frozen=True, slots=True)
class Case:
    """
    Code as projects write it.

    A line that must be listed ends with `#: ` and the names of its idioms, between ` & `. A `@` stands for the
    decorator of a task. Every other line must not be listed. `# file: PATH` starts another file.
    """

    idiom: str  # The row of the table that this case is about.
    says: str  # What the answer contains.
    code: str

    def __str__(self) -> str:
        return self.idiom

    @property
    def files(self) -> dict[str, str]:
        parts = _FILE.split(dedent(self.code).strip() + "\n")
        files = {"orders/tasks.py": parts[0]} if parts[0].strip() else {}
        return files | {path: text.lstrip("\n") for path, text in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def expected(self) -> set[tuple[str, int, str]]:
        """The path, line and idiom of everything that must be listed."""
        expected = set()
        for path, text in self.files.items():
            for number, line in enumerate(text.splitlines(), 1):
                mark = _MARK.search(line)
                for name in mark[1].split(" & ") if mark else ():
                    expected.add((path, number, "@shared_task, @app.task" if name == "@" else name))
        return expected
