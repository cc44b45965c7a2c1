"""Defer modules that Django's start would load and few tasks use, until one uses them."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # importlib.abc imports modules that nothing else needs.

ADMIN = "django.contrib.admin"

# By module, the functions that it gives without being loaded. Never classes, because they have subclasses.
DEFERRED: Mapping[str, frozenset[str]] = {
    ADMIN: frozenset(),
    "django.contrib.admin.checks": frozenset({"check_admin_app", "check_dependencies"}),
    "django.contrib.admin.utils": frozenset({"quote"}),
    "django.contrib.auth.management": frozenset(
        {"_get_builtin_permissions", "create_permissions", "rename_permissions_after_model_rename"}
    ),
    "django.contrib.contenttypes.management": frozenset(
        {"create_contenttypes", "inject_rename_contenttypes_operations"}
    ),
    "django.core.mail": frozenset({"get_connection", "send_mail"}),
    "django.core.management": frozenset({"call_command", "get_commands", "load_command_class"}),
    "django.forms": frozenset(),
    "django.middleware.csrf": frozenset({"rotate_token"}),
    "django.template": frozenset(),
    "django.urls": frozenset({"get_callable", "reverse"}),
    "django.views": frozenset(),
    "sqlparse": frozenset(),
}
# Names of deferred modules that are defined in another module, which costs next to nothing.
LIGHT: Mapping[tuple[str, str], str] = {
    ("django.core.mail", "DEFAULT_MAILER_ALIAS"): "django.core.mail.handler",
    ("django.core.mail", "InvalidMailer"): "django.core.mail.exceptions",
    ("django.core.mail", "MailerDoesNotExist"): "django.core.mail.exceptions",
    ("django.urls", "NoReverseMatch"): "django.urls.exceptions",
}
# Modules of a deferred package that may be imported without it. Any other loads its package first.
ALONE = frozenset(
    {
        *("django.contrib.admin.apps", "django.contrib.admin.checks"),
        *("django.contrib.admin.models", "django.contrib.admin.utils"),
        *("django.core.mail.exceptions", "django.core.mail.handler", "django.core.management.color"),
        "django.urls.exceptions",
        *("django.views.decorators", "django.views.decorators.debug"),
        "sqlparse.exceptions",
    }
)


@contextmanager
def deferred() -> Iterator[None]:
    """
    Defer the loading of DEFERRED inside the block, unless something uses what they hold.

    A deferred module isn't in sys.modules after the block. The next import of it, or the first use of a
    reference to it, loads it. The admin looks for the admin modules of all apps once it is loaded. A module
    that was loaded before the block isn't changed.
    """
    finder = DeferringFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.end()


class DeferringFinder:
    """Finds deferred modules: unloaded inside the block, loaded after it."""

    def __init__(self) -> None:
        self._deferring = True
        self._discovers = False  # Has autodiscover() of the admin been called?
        # Modules that wait for their first use, with the loader that fills them.
        self._waiting: dict[str, tuple[ModuleType, Loader]] = {}

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        deferred = name in (DEFERRED if self._deferring else self._waiting)
        package = name.rpartition(".")[0]
        if not deferred and (package not in self._waiting or name in ALONE):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            if not deferred:
                spec.loader = AfterPackageLoader(self, package, spec.loader)
            elif self._deferring:
                spec.loader = LaterLoader(self, spec.loader)
            else:
                spec.loader = FillingLoader(self, self.waiting(name))
        return spec

    def end(self) -> None:
        """Load every import at once from now on."""
        self._deferring = False
        for name in self._waiting:
            del sys.modules[name]

    def waiting(self, name: str) -> ModuleType:
        return self._waiting[name][0]

    def wait(self, module: ModuleType, real: Loader) -> None:
        """Let a module wait for its first use."""
        self._waiting[module.__name__] = module, real

        def look_up(name: str) -> Any:
            asked = (module.__name__, name)
            if asked in LIGHT:
                return getattr(import_module(LIGHT[asked]), name)
            if asked == (ADMIN, "autodiscover"):
                return partial(setattr, self, "_discovers", True)
            if name in DEFERRED[module.__name__]:
                return self.deferred_function(module, name)
            if name.startswith("__") and name != "__all__":
                raise AttributeError(name)
            return getattr(self.use(module), name)

        vars(module)["__getattr__"] = look_up

    def deferred_function(self, module: ModuleType, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(self.use(module), name)(*args, **kwargs)

        call.__name__ = call.__qualname__ = name
        call.__module__ = module.__name__
        return call

    def use(self, module: ModuleType) -> ModuleType:
        """Return the module, loaded."""
        if not self._deferring:
            return import_module(module.__name__)
        self.fill(module)
        return module

    def fill(self, module: ModuleType) -> None:
        """Load a waiting module."""
        waiting = self._waiting.pop(module.__name__, None)
        if waiting is None:
            return
        look_up, (_, real) = vars(module).pop("__getattr__"), waiting
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = real
        try:
            real.exec_module(module)
        except BaseException:
            self._waiting[module.__name__] = waiting
            vars(module)["__getattr__"] = look_up
            raise
        if module.__name__ == ADMIN and self._discovers:
            module.autodiscover()


class LaterLoader(Loader):
    """Lets a module wait for its first use."""

    def __init__(self, finder: DeferringFinder, real: Loader) -> None:
        self._finder, self._real = finder, real

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self._finder.wait(module, self._real)


class FillingLoader(Loader):
    """Fills the waiting module, so that references to it and imports are the same object."""

    def __init__(self, finder: DeferringFinder, module: ModuleType) -> None:
        self._finder, self._module = finder, module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        self._finder.fill(module)


class AfterPackageLoader(Loader):
    """Loads the package of a module first, which may itself import the module."""

    def __init__(self, finder: DeferringFinder, package: str, real: Loader) -> None:
        self._finder, self._package, self._real = finder, package, real
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        self._finder.use(sys.modules[self._package])
        module = sys.modules.get(spec.name)
        if module is None:
            spec.loader = self._real
            return self._real.create_module(spec)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if self._spec is None:
            self._real.exec_module(module)
        else:
            module.__spec__ = self._spec
