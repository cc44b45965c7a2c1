"""The environment variables: the library's own, and those of others that it reads."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import LIBRARY, comment_at, constants, modules, tree_of

OWN = re.compile(r"OFFLOAD_[A-Z_]+")
# Of AWS, Django and Python: they say what these mean, so their sentences stand nowhere else.
OTHERS = {
    "AWS_ACCESS_KEY_ID": "The access key of calls to AWS, with AWS_SECRET_ACCESS_KEY.",
    "AWS_SECRET_ACCESS_KEY": "The secret part of that key.",
    "AWS_SESSION_TOKEN": "The token of a key that is valid for a time.",
    "AWS_SECURITY_TOKEN": "The older name of AWS_SESSION_TOKEN, which AWS's clients read first.",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "Where a restored function gets its key; Lambda sets it.",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "The same in a container, relative to its host.",
    "AWS_DEFAULT_REGION": "The region of AWS.",
    "AWS_PROFILE": "The profile of AWS's configuration that has the credentials.",
    "AWS_DEFAULT_PROFILE": "The same; AWS's clients read it first.",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "The token of a pipeline's role, which the credentials come from.",
    "AWS_CONFIG_FILE": "The file of profiles, by default ~/.aws/config.",
    "AWS_ENDPOINT_URL": "The address to call instead of AWS's own; `offload_local` sets it.",
    "AWS_USE_FIPS_ENDPOINT": "If it is `true`, botocore chooses the endpoint.",
    "AWS_USE_DUALSTACK_ENDPOINT": "If it is `true`, botocore chooses the endpoint.",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "If it is `true`, botocore chooses the endpoint.",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "If it is `required`, botocore chooses the endpoint.",
    "AWS_CA_BUNDLE": "The file of the certificates to trust instead of those of Amazon.",
    "REQUESTS_CA_BUNDLE": "The same, if AWS_CA_BUNDLE isn't set.",
    "AWS_LAMBDA_FUNCTION_NAME": "The name of the function; its presence says that this is Lambda.",
    "AWS_LAMBDA_FUNCTION_VERSION": "The version of the function, which a probe returns; Lambda sets it.",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "Its memory in MB, which a probe returns; Lambda sets it.",
    "LAMBDA_TASK_ROOT": "The folder of the package in Lambda, which sets it.",
    "_X_AMZN_TRACE_ID": "The trace of an invocation, which calls pass on; Lambda sets it.",
    "DJANGO_SETTINGS_MODULE": "The settings of the project.",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "If it is set, an event loop may call `enqueue()` too, as in a notebook.",
    "NO_COLOR": "If it is set, the terminal shows no colours.",
    "TERM": "If it is `dumb`, the terminal shows neither colours nor bars.",
    "PYENV_ROOT": "Where pyenv keeps its Pythons, one of which may compile a package.",
}
# As `environ`, WSGI has the parts of a request, and a function of CloudFormation its own variables.
OF_A_REQUEST = re.compile(r"HTTP_.+|REQUEST_METHOD|CONTENT_LENGTH|wsgi\..+")
OF_A_FUNCTION = {"PYTHONPATH"}
# What modules call the environment.
ENVIRONMENTS = ("os.environ", "environ", "environment", "_variables", "variables()")


def variables() -> list[Entry]:
    return [
        *own_variables(),
        *(Entry(name=name, sentence=text, place="environment.py") for name, text in OTHERS.items()),
    ]


def own_variables() -> list[Entry]:
    """Return an entry for each constant that names a variable of the library's own."""
    return [
        Entry(
            name=value.value,
            sentence=comment_at(path, line),
            place=f"{path.relative_to(LIBRARY)}, above {name}",
        )
        for path in modules()
        for name, value, line in constants(path)
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and OWN.fullmatch(value.value)
    ]


def read_by_the_code() -> set[str]:
    """Return the name of each variable that the code asks the environment for."""
    names = {name for path in modules() for name in names_read(path)} - OF_A_FUNCTION
    return {name for name in names if not OF_A_REQUEST.fullmatch(name)}


def names_read(path: Path) -> Iterator[str]:
    """Yield what is asked for by a text or a constant, and all of a constant whose elements are asked for."""
    known = {name: list(texts(value)) for name, value, _ in constants(path)}
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=place, attr="get" | "setdefault" | "pop"), args=[name, *_]
            ) if is_environment(place):
                yield from named(name, known)
            case ast.Subscript(value=place, slice=name, ctx=ast.Load()) if is_environment(place):
                yield from named(name, known)
            case ast.Call(func=ast.Name(id="map"), args=[place, ast.Name(id=name)]) if is_getter(place):
                yield from known.get(name, ())
            case ast.GeneratorExp(elt=element, generators=[ast.comprehension(iter=ast.Name(id=name))]):
                if any(f"{place}.get(" in ast.unparse(element) for place in ENVIRONMENTS):
                    yield from known.get(name, ())


def is_environment(place: ast.expr) -> bool:
    return ast.unparse(place) in ENVIRONMENTS


def is_getter(place: ast.expr) -> bool:
    return isinstance(place, ast.Attribute) and place.attr == "get" and is_environment(place.value)


def named(name: ast.expr, known: dict[str, list[str]]) -> Iterator[str]:
    if isinstance(name, ast.Name):
        yield from known.get(name.id, ())
    else:
        yield from texts(name)


def texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from texts(element)
