"""Build the TASKS setting that a project's code needs: its queues, modules and schedules."""

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .....conf.aws_limits import FUNCTION_TIMEOUT_EVERYWHERE
from .....conf.schedules import CRON_PATTERN, LONGEST_ARGUMENTS, NAME_PATTERN
from .....conf.validation import QUEUE_PATTERN, STACK_PATTERN
from .project import Project, Task
from .schedules import literal, named, when
from .uses import Use

BACKEND = "django_offload.backends.SQSBackend"
# Of a stack that no release with fewer ones has deployed: 32,000 tasks a second.
SHARDS = 32
_LINE = 95  # The longest dictionary on one line, with its indentation.
_SHORT_FROM = 12  # The outer levels always have a line for each key.
# Celery's own name for the queue that django-offload calls "default".
_DEFAULT_QUEUES = {"celery", "default"}


@dataclass(slots=True)
class TasksSetting:
    """What the code says about queues, modules and schedules, and the uses that can't be moved."""

    project: Project
    queues: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)  # Queues by task name or pattern.
    has_unknown_routes: bool = False
    problems: list[Use] = field(default_factory=list)
    _constants: dict[str, dict[str, Any]] = field(default_factory=dict)
    _timezone: str = "UTC"

    def read(self, uses: Iterable[Use], tasks: Iterable[Task]) -> None:
        """Read the uses of a project."""
        by_node = {id(use.node): use for use in uses}
        for use in by_node.values():
            if use.name in {"setting.timezone", "app.conf.timezone"}:
                zone = literal(assigned(use) or ast.Constant(None), self.constants(use.module))
                self._timezone = zone if isinstance(zone, str) else self._timezone
        for use in by_node.values():
            self.read_use(use)
        for task in tasks:
            for option in ("queue", "routing_key"):
                if option in task.options:
                    self.add_queue(task.options[option], task.module)

    def read_use(self, use: Use) -> None:
        name = use.name.partition(".")[2].removeprefix("conf.")
        node = use.node
        if name in {"beat_schedule", "beat_schedule[]"}:
            self.add_beat_schedule(use)
        elif name in {"task_routes", "task_routes[]"}:
            self.add_routes(use)
        elif name == "task_queues":
            self.add_queues(assigned(use), use.module)
        elif name.endswith(("(queue=)", "(routing_key=)")) and isinstance(node, ast.keyword):
            self.add_queue(node.value, use.module)
        elif use.name == "app.add_periodic_task" and isinstance(node, ast.Call):
            self.add_periodic_task(node, use)

    def constants(self, module: str) -> Mapping[str, Any]:
        """Return the literals that a module assigns at its top."""
        if module not in self._constants:
            values = self._constants[module] = {}
            for statement in self.project.sources[module].tree.body:
                if isinstance(statement, ast.Assign):
                    value = literal(statement.value, values)
                    for target in statement.targets if value is not ... else ():
                        if isinstance(target, ast.Name):
                            values[target.id] = value
        return self._constants[module]

    def add_queue(self, node: ast.expr, module: str) -> None:
        name = literal(node, self.constants(module))
        if isinstance(name, str) and name not in _DEFAULT_QUEUES:
            self.queues.add(name)

    def add_queues(self, node: ast.AST | None, module: str) -> None:
        """Add the queues of task_queues: Queue(…) objects, or a dictionary by name."""
        if isinstance(node, ast.Dict):
            for key in node.keys:
                if key is not None:
                    self.add_queue(key, module)
        for part in ast.walk(node) if node is not None else ():
            if isinstance(part, ast.Call) and ast.unparse(part.func).rpartition(".")[2] == "Queue":
                name = part.args[0] if part.args else named(part).get("name")
                if name is not None:
                    self.add_queue(name, module)

    def add_routes(self, use: Use) -> None:
        """Add task_routes: a dictionary of queues by task. Anything else could route any task."""
        node = assigned(use)
        if not isinstance(node, ast.Dict):
            self.has_unknown_routes |= node is not None
            return
        for key, value in zip(node.keys, node.values, strict=True):
            route = value
            if isinstance(value, ast.Dict):
                found = dictionary(value)
                route = found.get("queue") or found.get("routing_key") or value
            task, queue = (literal(part, self.constants(use.module)) for part in (key or value, route))
            if isinstance(task, str) and isinstance(queue, str):
                self.routes[task] = queue
                self.add_queue(route, use.module)
            else:
                self.has_unknown_routes = True

    def is_routed(self, task: Task) -> bool:
        return self.has_unknown_routes or any(fnmatchcase(task.name, pattern) for pattern in self.routes)

    def add_beat_schedule(self, use: Use) -> None:
        node = assigned(use)
        if isinstance(node, ast.Dict) and use.name.endswith("[]"):
            key = next((part.slice for part in targets(use) if isinstance(part, ast.Subscript)), None)
            name = literal(key, self.constants(use.module)) if key is not None else ...
            self.add_entry(name, node, use)
        elif isinstance(node, ast.Dict):
            for entry_key, entry in zip(node.keys, node.values, strict=True):
                name = literal(entry_key, self.constants(use.module)) if entry_key is not None else ...
                self.add_entry(name, entry, use)
        elif node is not None:
            self.add_problem("schedule", node, use)

    def add_entry(self, name: Any, node: ast.expr, use: Use) -> None:
        if not isinstance(node, ast.Dict):
            self.add_problem("schedule", node, use)
            return
        entry = dictionary(node)
        constants = self.constants(use.module)
        task = literal(entry["task"], constants) if "task" in entry else ...
        time = when(entry["schedule"], constants) if "schedule" in entry else None
        args = literal(entry["args"], constants) if "args" in entry else ()
        kwargs = literal(entry["kwargs"], constants) if "kwargs" in entry else {}
        if "options" in entry:
            self.add_problem("schedule options", entry["options"], use)
            if isinstance(entry["options"], ast.Dict) and "queue" in dictionary(entry["options"]):
                self.add_queue(dictionary(entry["options"])["queue"], use.module)
        if not self.add_schedule(name, task, time, args, kwargs):
            self.add_problem("schedule", node, use)

    def add_periodic_task(self, node: ast.Call, use: Use) -> None:
        """Add add_periodic_task(schedule, signature, args, kwargs, name)."""
        given = dict(zip(("schedule", "sig", "args", "kwargs", "name"), node.args, strict=False)) | named(
            node
        )
        constants = self.constants(use.module)
        time = when(given["schedule"], constants) if "schedule" in given else None
        args, kwargs = given.get("args"), given.get("kwargs")
        values = literal(args, constants) if args is not None else ()
        keywords = literal(kwargs, constants) if kwargs is not None else {}
        signature = given.get("sig")
        function = signature
        if isinstance(signature, ast.Call) and isinstance(signature.func, ast.Attribute):
            function = signature.func.value
            values = literal(
                ast.Tuple([*signature.args, *(getattr(args, "elts", []))], ast.Load()), constants
            )
            pairs = {keyword.arg or "**": literal(keyword.value, constants) for keyword in signature.keywords}
            keywords = ... if ... in pairs.values() or "**" in pairs else pairs
        value = self.project.value(function, use.scope) if function is not None and use.scope else None
        task = value.task.name if value is not None and value.task is not None else ...
        name = literal(given["name"], constants) if "name" in given else task
        if not self.add_schedule(name, task, time, values, keywords):
            self.add_problem("schedule", node, use)

    def add_schedule(self, name: Any, task: Any, time: str | None, args: Any, kwargs: Any) -> bool:
        """Add a schedule, and return True, if OPTIONS can take it."""
        if not (isinstance(name, str) and isinstance(task, str) and time):
            return False
        if not isinstance(args, list | tuple) or not isinstance(kwargs, dict) or task.startswith("celery."):
            return False
        try:
            if len(json.dumps([args, kwargs], allow_nan=False)) > LONGEST_ARGUMENTS:
                return False
        except (TypeError, ValueError):
            return False
        key = slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:48] or "schedule"
        number = 2
        while key in self.schedules:
            key = f"{slug[:44]}-{number}"
            number += 1
        assert NAME_PATTERN.fullmatch(key)
        entry: dict[str, Any] = {"task": task, "when": time}
        if CRON_PATTERN.fullmatch(time) and self._timezone != "UTC":
            entry["timezone"] = self._timezone
        if args:
            entry["args"] = list(args)
        if kwargs:
            entry["kwargs"] = kwargs
        self.schedules[key] = entry
        return True

    def add_problem(self, name: str, node: ast.AST, use: Use) -> None:
        line = getattr(node, "lineno", use.line)
        self.problems.append(Use(name=name, module=use.module, line=line, node=node, task=use.task))

    def value(self, stack: str) -> dict[str, Any]:
        """Return the setting. Every queue has the longest timeout, because Celery has no limit of its own."""
        names = ["default", *sorted({queue_name(queue) for queue in self.queues} - {"default"})]
        seconds = int(FUNCTION_TIMEOUT_EVERYWHERE.total_seconds())
        options: dict[str, Any] = {
            "stack": stack_name(stack),
            "queues": {name: {"timeout": seconds} for name in names},
            "shards": SHARDS,
        }
        if self.modules:
            options["modules"] = sorted(self.modules)
        if self.schedules:
            options["schedules"] = self.schedules
        return {"default": {"BACKEND": BACKEND, "QUEUES": names, "OPTIONS": options}}

    def text(self, stack: str) -> str:
        return f"TASKS = {python_text(self.value(stack))}"


def python_text(value: Any, indent: int = 0) -> str:
    """Return a value as code: a dictionary with a line for each key, unless it is short."""
    is_short = indent >= _SHORT_FROM and indent + len(repr(value)) <= _LINE
    if not isinstance(value, dict) or is_short:
        return json_like(value)
    inner = " " * (indent + 4)
    lines = [f"{inner}{json_like(key)}: {python_text(item, indent + 4)}," for key, item in value.items()]
    return "\n".join(["{", *lines, " " * indent + "}"])


def json_like(value: Any) -> str:
    """Return a value as Python code, with double quotes around ordinary texts."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json_like(key)}: {json_like(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_like, value))}]"
    return (
        json.dumps(value)
        if isinstance(value, str) and value.isascii() and value.isprintable()
        else repr(value)
    )


def queue_name(name: str) -> str:
    """Return a name for a queue in AWS: Celery's own if it is valid."""
    if name in _DEFAULT_QUEUES:
        return "default"
    return (
        name
        if QUEUE_PATTERN.fullmatch(name)
        else re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:30].lstrip("-") or "queue"
    )


def stack_name(project: str) -> str:
    """Return the name of the development stack of a project."""
    name = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-0123456789")[:22].strip("-") or "site"
    name = f"{name}-dev"
    assert STACK_PATTERN.fullmatch(name)
    return name


def targets(use: Use) -> Iterator[ast.AST]:
    """Yield the targets of the assignment that a use belongs to."""
    for parent in reversed(use.parents):
        if isinstance(parent, ast.Assign):
            yield from parent.targets
            return


def assigned(use: Use) -> ast.expr | None:
    """Return what is assigned to a setting, or None if the use only reads it."""
    node = use.node
    if isinstance(node, ast.keyword):
        return node.value
    parent = use.parents[-1] if use.parents else None
    if isinstance(parent, ast.Assign) and node in parent.targets:
        return parent.value
    if isinstance(parent, ast.AnnAssign) and node is parent.target:
        return parent.value
    if isinstance(parent, ast.Dict) and node in parent.keys:  # In app.conf.update({…}).
        return parent.values[parent.keys.index(node)]
    return None


def dictionary(node: ast.Dict) -> dict[str, ast.expr]:
    """Return the values of a dictionary by those keys that are texts."""
    return {
        key.value: value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def modules_to_name(tasks: Iterable[Task], task_modules: Collection[str]) -> set[str]:
    """Return the modules of tasks that workers don't find by themselves."""
    return {task.module for task in tasks} - set(task_modules)
