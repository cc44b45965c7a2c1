"""The errors of a stored result: Django's, but no stored text decides what is imported."""

import importlib.util
import json
import pickle
import sys
import types
from contextlib import suppress
from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.compat import TaskError as DjangoTaskError
from django_offload.definition.results import TaskError
from django_offload.exceptions import ClassNotImported, DeadlineExceeded, NoAnswer


class Refused(Exception):
    class Card(Exception):
        """An exception with a nested name."""

    text = "no class"
    plain = int


def error(path):
    return TaskError(exception_class_path=path, traceback="so")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("builtins.ValueError", ValueError),
        ("json.decoder.JSONDecodeError", json.JSONDecodeError),
        (f"{__name__}.Refused", Refused),
        (f"{__name__}.Refused.Card", Refused.Card),
        ("django_offload.exceptions.DeadlineExceeded", DeadlineExceeded),
        ("django_offload.wire.lean.errors.NoAnswer", NoAnswer),
    ],
)
def test_a_class_that_is_imported_is_found(path, kind):
    assert error(path).exception_class is kind


@pytest.mark.parametrize(
    "path",
    [
        "antigravity.Joke",
        "this.d",
        "django.contrib.gis.geos.error.GEOSException",
        "os.system",
        "builtins.int",
        "builtins",
        "ValueError",
        "",
        ".",
        "..",
        f"{__name__}.Refused.text",
        f"{__name__}.Refused.plain",
        f"{__name__}.Refused.text.Card",
        f"{__name__}.test.<locals>.Error",
        "a." * 100_000,
        None,
        7,
        {"a": 1},
    ],
)
def test_any_other_text_imports_nothing_and_says_what_to_do(path):
    before = set(sys.modules)

    with pytest.raises(ClassNotImported) as raised:
        _ = error(path).exception_class

    assert set(sys.modules) == before
    assert f"'{str(path)[:200]}' isn't imported here, and" in str(raised.value)
    assert "Use exception_class_path, or import the module" in str(raised.value)


@given(st.lists(st.sampled_from([*sorted(sys.modules)[::7], "__class__", "__dict__", "x", ""])).map(".".join))
def test_a_text_is_an_exception_class_or_refused(path):
    before = set(sys.modules)
    with suppress(ClassNotImported):
        assert issubclass(error(path).exception_class, BaseException)
    assert set(sys.modules) == before


def test_a_module_that_imports_on_access_is_not_asked(monkeypatch):
    asked = []
    module = types.ModuleType("asks")
    module.__getattr__ = lambda name: asked.append(name) or ValueError
    monkeypatch.setitem(sys.modules, "asks", module)

    with pytest.raises(ClassNotImported):
        _ = error("asks.Error").exception_class

    assert asked == []


def test_a_module_that_is_to_be_loaded_later_stays_unloaded(monkeypatch, tmp_path):
    path = tmp_path / "loaded_later.py"
    path.write_text("class Error(Exception): pass\n")
    spec = importlib.util.spec_from_file_location("loaded_later", path)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "loaded_later", module)
    spec.loader.exec_module(module)

    with pytest.raises(ClassNotImported):
        _ = error("loaded_later.Error").exception_class

    assert type(module) is not types.ModuleType  # It becomes a plain one when it is loaded.


def test_a_class_that_answers_for_its_names_is_not_asked():
    class Answers(type):
        def __getattribute__(cls, name):
            raise AssertionError(f"asked for {name}")

    sys.modules[__name__].Hostile = Answers("Hostile", (), {})
    try:
        with pytest.raises(ClassNotImported):
            _ = error(f"{__name__}.Hostile.Error").exception_class
    finally:
        del sys.modules[__name__].Hostile


def test_it_is_django_s_error_in_all_else():
    own, other = error("builtins.ValueError"), error("builtins.TypeError")
    django = DjangoTaskError(exception_class_path="builtins.ValueError", traceback="so")

    assert own == django
    assert django == own
    assert own != other
    assert (django == other, own == "so") == (False, False)
    assert hash(own) == hash(django)
    assert repr(own) == repr(django)
    assert asdict(own) == asdict(django)
    assert fields(own) == fields(django)
    assert not hasattr(own, "__dict__")
    assert isinstance(own, DjangoTaskError)
    assert replace(own, exception_class_path="builtins.TypeError") == other
    with pytest.raises(AttributeError):
        own.traceback = "other"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(own, protocol))  # noqa: S301, it is our own
        assert (copy, type(copy)) == (own, TaskError)
