"""Why something can't be the function of a task. Imported only if it isn't a plain function of a module."""

from functools import partial
from inspect import isasyncgenfunction, isbuiltin, ismethod
from types import FunctionType
from typing import Any

from ..compat import InvalidTask, Task

# Django's words, which begin the message for what Django refuses too.
NOT_AT_MODULE_LEVEL = "Task function must be defined at a module level."
WRITE_ONE = "Write a function with def that calls it, and put @task above that function."


def invalid_function(func: Any) -> InvalidTask:
    """Return the error for a function that no worker could find by its name, or that runs nothing."""
    if isinstance(func, Task):
        return InvalidTask(
            f"{func.module_path} is a task already. Keep one @task above its function, with all the options."
        )
    if isinstance(func, FunctionType):
        return InvalidTask(invalid_by_place(func) or doing_nothing(func))
    return InvalidTask(f"{NOT_AT_MODULE_LEVEL} {no_function(func)}")


def invalid_by_place(func: FunctionType) -> str:
    """Return why no worker could find a function, or nothing."""
    outer, _, name = func.__qualname__.rpartition(".")
    if outer.endswith("<locals>"):
        place = outer.removesuffix(".<locals>")
        return (
            f"{NOT_AT_MODULE_LEVEL} {name} is inside {place}(). Move it out. If {place} is a decorator, use "
            "functools.wraps() in it."
        )
    if outer:
        return (
            f"{func.__qualname__} is a function of a class, and a worker has no object to call it on. "
            "Move it out of the class, and give it a primary key."
        )
    if not name.isidentifier():
        return (
            "A lambda can't be a task, because a worker finds a task by its name. Write a function with def."
        )
    return ""


def doing_nothing(func: FunctionType) -> str:
    kind = "an asynchronous generator" if isasyncgenfunction(func) else "a generator"
    return (
        f"{func.__module__}.{func.__qualname__} is {kind}, so a call runs nothing of it. Remove its "
        "yield, and return a list."
    )


def no_function(func: Any) -> str:
    """Return what a value is that isn't a function, and what to do."""
    if isinstance(func, partial):
        name = getattr(func.func, "__name__", type(func.func).__qualname__)
        return f"This is a partial of {name}, which has no name of its own. {WRITE_ONE}"
    if isinstance(func, type):
        return f"{func.__qualname__} is a class. {WRITE_ONE}"
    if ismethod(func):
        return f"{func.__qualname__} is a method of an object. {WRITE_ONE}"
    if isinstance(func, (staticmethod, classmethod)):
        return f"{func.__qualname__} is a function of a class. Move it out of the class."
    if isbuiltin(func):
        return f"{func.__qualname__} is built in. {WRITE_ONE}"
    if not callable(func):
        return f"This is of type {type(func).__qualname__}. Give options by name: @task(name=...)."
    kind = type(func)
    if kind.__module__.startswith("celery"):
        return "This is a task of Celery. Remove Celery's decorator from its function."
    return f"This is an object of class {kind.__qualname__}. {WRITE_ONE}"
