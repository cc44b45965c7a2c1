"""The rules for Python: nothing that arrives from outside may choose code, become markup, or go unchecked."""

import ast
import re
from collections.abc import Callable, Collection, Iterator

from .dangerous_names import (
    ATTRIBUTES,
    EXECUTING,
    FILLING,
    GETTERS,
    GUESSED,
    HIDDEN,
    IMPORTERS,
    IMPORTING,
    MAKING_CODE,
    MARKING,
    NAMESPACES,
    SHELLS,
    TAG,
    TEMPLATES_OF_TEXT,
    UNPICKLING,
    UNSAFE_YAML,
    WEAK,
    WITHOUT_TIME_LIMIT,
)
from .names import Function, Names, is_text

Rule = Callable[[ast.AST, Names], bool]


def last(path: str) -> str:
    """Return the last part of a dotted path."""
    return path.rpartition(".")[2]


def is_argument(node: ast.AST, names: Names, number: int, name: str = "") -> bool:
    """Return True if an argument of a call is a literal text."""
    assert isinstance(node, ast.Call)
    given = next((one.value for one in node.keywords if one.arg == name), None)
    return names.is_literal(node.args[number] if len(node.args) > number else given)


def is_given(node: ast.Call, name: str, value: object) -> bool:
    """Return True if a call has this keyword argument with this literal value."""
    return any(
        one.arg == name and isinstance(one.value, ast.Constant) and one.value.value == value
        for one in node.keywords
    )


def imports_by_name(node: ast.AST, names: Names) -> bool:
    """Import what a text names, unless the source itself has the text."""
    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)  # Nobody sees what its names are.
    if isinstance(node, ast.Call):
        # What is called here is judged with its argument; see reads_a_computed_name().
        return _names_an_importer(node.func, names) and not is_argument(node, names, 0, "name")
    return isinstance(node, ast.Name | ast.Attribute) and _names_an_importer(node, names)


def _names_an_importer(node: ast.AST, names: Names) -> bool:
    path = names.path(node)
    return path in IMPORTING or (last(path) in IMPORTERS and "." in path and path != f"builtins.{last(path)}")


def reads_a_computed_name(node: ast.AST, names: Names) -> bool:
    """Read or write an attribute whose name the source doesn't have."""
    match node:
        case ast.Call(func=func) if names.path(func) in ATTRIBUTES:
            hidden = len(node.args) > 1 and names.text(node.args[1]) in HIDDEN
            return hidden or not is_argument(node, names, 1)
        case ast.Call(func=func) if names.path(func) in GETTERS:
            return not all(names.is_literal(one) for one in node.args)
        case ast.Call(func=ast.Attribute(attr="__getattribute__" | "__getattr__" | "__setattr__")):
            return not any(map(names.is_literal, node.args))
        case ast.Call(func=func) if names.path(func) == "inspect.getattr_static":
            return not is_argument(node, names, 1)
        case ast.Subscript(value=space) if is_namespace(space, names):
            return not names.is_literal(node.slice) or names.text(node.slice) in HIDDEN
        case ast.Call(func=ast.Attribute(value=space, attr="get")) if is_namespace(space, names):
            return not is_argument(node, names, 0)
        case ast.Call(func=ast.Attribute(attr="vformat")):
            return not is_argument(node, names, 0)
        case ast.Name():
            return names.path(node) in ATTRIBUTES
        case ast.Attribute():
            return names.path(node) in GETTERS
    return False


def is_namespace(node: ast.AST, names: Names) -> bool:
    """Return True for the dictionary of a module or an object, and for that of all modules."""
    match node:
        case ast.Call(func=func):
            return names.path(func) in NAMESPACES
        case ast.Attribute(attr="__dict__" | "__globals__"):
            return True
    return names.path(node) == "sys.modules"


def executes_text(node: ast.AST, names: Names) -> bool:
    """Run or compile a text as code."""
    if isinstance(node, ast.Call) and names.path(node.func) in MAKING_CODE:
        return True
    if isinstance(node, ast.Attribute) and node.attr == "__code__":
        return not isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Name | ast.Attribute) and names.path(node) in EXECUTING


def unpickles(node: ast.AST, names: Names) -> bool:
    """Use a format that can carry code. What is written with it is read with it one day."""
    if isinstance(node, ast.Call):
        return last(names.path(node.func)) == "read_pickle" or is_given(node, "allow_pickle", True)
    return isinstance(node, ast.Attribute | ast.Name) and (
        (names.path(node).partition(".")[0] in UNPICKLING and "." in names.path(node))
        or names.path(node).startswith("multiprocessing.connection.")
        or last(names.path(node)) == "PickleSerializer"
    )


def loads_yaml(node: ast.AST, names: Names) -> bool:
    """Read YAML in any way but safe_load, which makes no objects."""
    if isinstance(node, ast.Call):
        return is_given(node, "typ", "unsafe")
    path = names.path(node)
    return path.partition(".")[0] == "yaml" and last(path) in UNSAFE_YAML


def marks_as_safe(node: ast.AST, names: Names) -> bool:
    """Tell Django not to escape a text, or write a template or a format that the source doesn't have."""
    if isinstance(node, Function):
        return node.name == "__html__"
    if isinstance(node, ast.Call):
        path = names.path(node.func)
        if last(path) in {"format_html", "format_html_join"}:
            return not is_argument(node, names, int(last(path) == "format_html_join"), "format_string")
        if path in TEMPLATES_OF_TEXT or last(path) == "from_string":
            return not is_argument(node, names, 0)
        return is_given(node, "autoescape", False) or is_given(node, "is_safe", True)
    if isinstance(node, ast.Assign):
        return any(isinstance(one, ast.Name) and one.id == "__html__" for one in node.targets)
    return isinstance(node, ast.Name | ast.Attribute) and last(names.path(node)) in MARKING


def formats_markup(node: ast.AST, names: Names) -> bool:
    """Put a value into markup by a format, a sum or a join, where nothing escapes it."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(one, ast.FormattedValue) for one in values) and is_markup(names.texts(node))
        case ast.BinOp(op=ast.Mod(), left=left):
            return is_markup(names.texts(left)) and not isinstance(node.right, ast.Constant)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return is_markup(names.texts(node)) and not (names.is_literal(left) and names.is_literal(right))
        case ast.AugAssign(op=ast.Add(), value=value):
            return is_markup(names.texts(value))
        case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if attribute in FILLING:
            among = [*node.args, value] if attribute == "join" else [value]
            return any(is_markup(names.texts(one)) for one in among)
    return False


def is_markup(text: str) -> bool:
    """Return True if a text has a tag, whole or with the beginning of an attribute."""
    return TAG.search(text) is not None


def answers_with_text(node: ast.AST, names: Names) -> bool:
    """Answer with a text that no template has escaped, as a page of HTML."""
    if isinstance(node, ast.Assign):
        to_content = any(isinstance(one, ast.Attribute) and one.attr == "content" for one in node.targets)
        return to_content and not names.is_literal(node.value)
    if not isinstance(node, ast.Call):
        return False
    response = last(names.path(node.func))
    if not re.fullmatch(
        r"(?:Streaming)?HttpResponse(?!Redirect|Permanent|NotAllowed|NotModified)\w*", response
    ):
        return False
    keywords = {one.arg: one.value for one in node.keywords}
    content = node.args[0] if node.args else keywords.get("content", keywords.get("streaming_content"))
    kind = node.args[1] if len(node.args) > 1 else keywords.get("content_type")
    is_page = kind is None or "ml" in (names.text(kind) or "html")
    return content is not None and is_page and not names.is_literal(content)


def uses_a_shell(node: ast.AST, names: Names) -> bool:
    """Start a shell, which reads a text as a program."""
    match node:
        case (
            ast.Call(args=[ast.List(elts=[program, flag, *texts]), *_])
            | ast.Call(args=[ast.Tuple(elts=[program, flag, *texts]), *_])
        ):
            a_shell = re.search(r"(?:^|/)(?:ba|da|k|z)?sh$|^cmd", names.text(program))
            return bool(a_shell) and names.text(flag)[-1:].lower() == "c" and not all(map(is_text, texts))
        case ast.Call(keywords=keywords):
            given = [one.value for one in keywords if one.arg == "shell"]
            return any(not (isinstance(one, ast.Constant) and one.value is False) for one in given)
    return isinstance(node, ast.Name | ast.Attribute) and (
        names.path(node) in SHELLS
        or bool(re.fullmatch(r"os\.(?:exec|spawn|posix_spawn|startfile)\w*", names.path(node)))
    )


def waits_forever(node: ast.AST, names: Names) -> bool:
    """Call another machine without a time limit."""
    if not isinstance(node, ast.Call) or names.path(node.func) not in WITHOUT_TIME_LIMIT:
        return False
    before = WITHOUT_TIME_LIMIT[names.path(node.func)]
    given = node.args[before] if len(node.args) > before else None
    limit = next((one.value for one in node.keywords if one.arg == "timeout"), given)
    return limit is None or (isinstance(limit, ast.Constant) and limit.value is None)


def is_weak(node: ast.AST, names: Names) -> bool:
    """Use a hash, a file name, an id or a connection that others can foresee or forge."""
    match node:
        case ast.Call(keywords=keywords) if any(
            one.arg in {"verify", "check_hostname"}
            and isinstance(one.value, ast.Constant)
            and not one.value.value
            for one in keywords
        ):
            return True
        case ast.Call(func=func, args=[_, _, ast.Constant(value=str(algorithm)), *_]) if names.path(func) in {
            "hmac.new",
            "hmac.digest",
        }:
            return algorithm.lower() in {"md5", "sha1"}
        case ast.Call(func=func) if names.path(func) == "hashlib.new":
            return not (is_text(node.args[0]) and "sha2" in str(ast.literal_eval(node.args[0])))
        case ast.Assign(
            targets=[ast.Attribute(attr="check_hostname" | "verify")], value=ast.Constant(value=value)
        ):
            return not value
    return isinstance(node, ast.Name | ast.Attribute) and names.path(node) in WEAK


def compares_a_secret(node: ast.AST, names: Names) -> bool:
    """Compare a signature or a secret with ==, which takes longer the more of it is right."""
    return (
        isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops)
        and any(_is_guessed(one) for one in (node.left, *node.comparators))
        and not any(isinstance(one, ast.Constant) and not one.value for one in (node.left, *node.comparators))
    )


def _is_guessed(node: ast.AST) -> bool:
    match node:
        case (
            ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name)))
        ):
            return bool(GUESSED.search(name))
        case ast.Call(func=func):
            return _is_guessed(func)
    return False


def writes_sql(node: ast.AST, names: Names) -> bool:
    """Send a text to the database that isn't in the source as it is."""
    match node:
        case (
            ast.Call(func=ast.Attribute(attr="extra"), keywords=[_, *_])
            | ast.Call(func=ast.Attribute(attr="extra"), args=[_, *_])
        ):
            return True
        case ast.Call(
            func=ast.Attribute(attr="execute" | "executemany" | "raw" | "executescript"), args=[first, *_]
        ):
            return not names.is_literal(first)
        case ast.Call(func=ast.Attribute(attr="callproc"), args=[first, *_]):
            return not names.is_literal(first)
        case ast.Call(func=func, args=[first, *_]) if last(names.path(func)) == "RunSQL":
            return not names.is_literal(first)
        case ast.Call(
            func=ast.Attribute(attr="execute" | "executemany"), keywords=[ast.keyword(arg="sql"), *_]
        ):
            return True
        case ast.Call(func=func, keywords=keywords) if last(names.path(func)) == "Func":
            own = [one.value for one in keywords if one.arg in {"function", "template"}]
            return not all(map(names.is_literal, own))
    return isinstance(node, ast.Name | ast.Attribute) and last(names.path(node)) == "RawSQL"


def leaves_csrf_out(node: ast.AST, names: Names) -> bool:
    """Take a POST of another site's page."""
    return isinstance(node, ast.Name | ast.Attribute) and last(names.path(node)) in {
        "csrf_exempt",
        "_dont_enforce_csrf_checks",
    }


def asserts_a_rule(node: ast.AST, names: Names) -> bool:
    """Rely on an assert, which python -O removes, for more than a type that mypy can't see."""
    if not isinstance(node, ast.Assert):
        return False
    match node.test:
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return False
        case ast.Call(func=func) if names.path(func) == "builtins.isinstance":
            return False
    return True


RELEVANT = (
    *(ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.JoinedStr, ast.BinOp, ast.AugAssign, ast.Assign),
    *(ast.Compare, ast.Assert, ast.FunctionDef, ast.AsyncFunctionDef, ast.ImportFrom),
)
# Most names and attributes are of no interest to any rule.
WATCHED = {
    *IMPORTERS,
    *MARKING,
    *(last(path) for path in IMPORTING | EXECUTING | ATTRIBUTES | GETTERS | SHELLS | WEAK),
    *("PickleSerializer", "RawSQL", "csrf_exempt", "_dont_enforce_csrf_checks", "__code__"),
}
WATCHED_PACKAGES = UNPICKLING | {"yaml", "os", "multiprocessing"}
RULES: dict[str, Rule] = {
    "import": imports_by_name,
    "attribute": reads_a_computed_name,
    "execute": executes_text,
    "pickle": unpickles,
    "yaml": loads_yaml,
    "safe": marks_as_safe,
    "markup": formats_markup,
    "response": answers_with_text,
    "shell": uses_a_shell,
    "timeout": waits_forever,
    "weak": is_weak,
    "compare": compares_a_secret,
    "sql": writes_sql,
    "csrf": leaves_csrf_out,
    "assert": asserts_a_rule,
}


def is_dull(node: ast.AST, names: Names) -> bool:
    """Return True for a name or an attribute that no rule looks for."""
    path = names.path(node)
    return last(path) not in WATCHED and path.partition(".")[0] not in WATCHED_PACKAGES


def found_in(nodes: Collection[ast.AST], names: Names) -> Iterator[tuple[str, ast.AST]]:
    """Yield each rule that doesn't hold, with the node. What is called is judged once, with its arguments."""
    calls = (node.func for node in nodes if isinstance(node, ast.Call))
    called = {func for func in calls if isinstance(func, ast.Name | ast.Attribute)}
    judged_with_the_call = {"import", "attribute"}
    for node in nodes:
        if not isinstance(node, RELEVANT) or (
            isinstance(node, ast.Name | ast.Attribute) and is_dull(node, names)
        ):
            continue
        for rule, broken in RULES.items():
            if not (node in called and rule in judged_with_the_call) and broken(node, names):
                yield rule, node
