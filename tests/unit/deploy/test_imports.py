"""What the settings use is loaded from the package alone."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package import imports
from django_offload.deploy.package.build import Recipe, check_package, merge
from django_offload.deploy.package.imports import Findings, check_imports, raise_if_lacking

PYTHON = "{}.{}".format(*sys.version_info[:2])
SETTINGS = """
import os
SECRET_KEY = "of-the-tests"
ROOT_URLCONF = "shop_urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
MIDDLEWARE = []
USE_TZ = True
TOOLBAR = ["moto.core.models.Panel"]
HOSTS = ["xdist.example", "redis.internal"]
"""


# What Django imports at the first use, each in a package of its own.
NAMED = {
    "mail": ("EMAIL_BACKEND", "'mail_of_shop.Any'"),
    "router": ("DATABASE_ROUTERS", "['router_of_shop.Any']"),
    "login": ("AUTHENTICATION_BACKENDS", "['login_of_shop.Any']"),
    "messages": ("MESSAGE_STORAGE", "'messages_of_shop.Any'"),
    "uploads": ("FILE_UPLOAD_HANDLERS", "['uploads_of_shop.Any']"),
    "forms": ("FORM_RENDERER", "'forms_of_shop.Any'"),
    "csrf": ("CSRF_FAILURE_VIEW", "'csrf_of_shop.Any'"),
    "reports": ("DEFAULT_EXCEPTION_REPORTER", "'reports_of_shop.Any'"),
    "sessions": ("SESSION_ENGINE", "'sessions_of_shop'"),
    "pickle": ("SESSION_SERIALIZER", "'pickle_of_shop.Any'"),
    "words": ("AUTH_PASSWORD_VALIDATORS", "[{'NAME': 'words_of_shop.Any'}]"),
    "yaml": ("SERIALIZATION_MODULES", "{'yaml': 'yaml_of_shop'}"),
    "tasks": ("TASKS", "{'default': {'BACKEND': 'tasks_of_shop.Any'}}"),
    "files": ("STORAGES", "{'default': {'BACKEND': 'files_of_shop.Any'}}"),
    "site": ("WSGI_APPLICATION", "'site_of_shop.Any'"),
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with Django alone."""
    for name in ("django", "asgiref", "sqlparse", "django_offload", "apig_wsgi"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (tmp_path / name).symlink_to(Path(spec.origin).parent)
    (tmp_path / "shop_urls.py").write_text("urlpatterns = []\n")
    return tmp_path


def check(package: Path, *settings: str, architecture: str = "x86_64", root: Path | None = None) -> Findings:
    (package / "shop_settings.py").write_text("\n".join([SETTINGS, *settings, ""]))
    environ = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "shop_settings"}
    return check_imports(
        package, ".", environ, root=root or package, python=PYTHON, architecture=architecture
    )


def test_a_complete_package_is_fine_and_what_it_only_mentions_is_named(package: Path) -> None:
    assert check(package) == Findings(mentioned=("moto",))
    assert check(package, "INSTALLED_APPS = []") == Findings(mentioned=("moto",))


def test_settings_that_lead_to_the_projects_own_folder_are_named(
    package: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("site")

    findings = check(
        package,
        "from pathlib import Path",
        f"LOCALE_PATHS, FIXTURE_DIRS = [{str(root / 'locale')!r}], [Path(__file__).parent / 'fixtures']",
        f"DIRS = [Path({str(root)!r})]",
        "TEMPLATES = [dict(BACKEND='django.template.backends.django.DjangoTemplates', DIRS=DIRS)]",
        f"BESIDE = {str(root) + '-of-others'!r}",
        root=root,
    )

    assert set(findings.leading_out) == {"DIRS", "LOCALE_PATHS", "TEMPLATES"}
    assert check(package, f"DIRS = [{str(package / 'locale')!r}]").leading_out == ()


def test_everything_that_the_settings_use_and_the_package_lacks_is_named_at_once(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path_factory.mktemp("site-packages")
    monkeypatch.syspath_prepend(here)
    names = [f"{name}_of_shop" for name in (*NAMED, "loader", "processor", "logs")]
    for name in names:
        (here / f"{name}.py").write_text("class Any:\n    def __init__(self, *given, **more): pass\n")
    findings = check(
        package,
        "import idna",
        'INSTALLED_APPS += ["werkzeug"]',
        'MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]',
        'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}',
        'DATABASES["old"] = {"ENGINE": "django.db.backends.oracle", "NAME": "x"}',
        'CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://h"}}',
        'PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]',
        *(f"{setting} = {value}" for setting, value in NAMED.values()),
        'LOGGING = {"version": 1, "formatters": {"json": {"()": "logs_of_shop.Any"}}}',
        'TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {'
        '"loaders": ["loader_of_shop.Any"], "context_processors": ["processor_of_shop.Any"]}}]',
    )

    assert set(findings.lacking) == {
        *("idna", "werkzeug", "whitenoise", "psycopg", "redis", "argon2", "oracledb"),
        *names,
    }
    with pytest.raises(PackageFailed) as caught:
        raise_if_lacking(findings, "requirements.txt", package)
    assert "whitenoise" in str(caught.value)
    assert "but requirements.txt doesn't bring that into the package. Add it to requirements.txt" in str(
        caught.value
    )


def test_a_site_that_imports_zappa_is_told_why_it_is_not_packaged(package: Path) -> None:
    findings = check(package, "from zappa.asynchronous import task")

    with pytest.raises(
        PackageFailed, match=r"use zappa, which isn't packaged, because it only deploys.*keep"
    ):
        raise_if_lacking(findings, "requirements.txt", package)


def test_a_package_below_a_folder_of_this_machine_borrows_nothing(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(package.parent)
    (package / "task").mkdir()
    for path in list(package.iterdir()):
        if path.name != "task":
            path.rename(package / "task" / path.name)

    findings = check(package / "task", "import werkzeug")

    assert findings.lacking == ("werkzeug",)


def test_a_module_of_the_project_that_is_not_packaged_is_named_as_such(package: Path, tmp_path: Path) -> None:
    findings = check(package, "import local_prices")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "local_prices.py").touch()

    with pytest.raises(PackageFailed, match=r"use local_prices, which is in the project but.* Add it to git"):
        raise_if_lacking(findings, "requirements.txt", tmp_path / "source")


def test_packages_that_are_incomplete_are_refused_by_name(package: Path) -> None:
    broken = {
        "reads_stub": "text = open(__file__.replace('.py', '.pyi')).read()",
        "imports_tests": "from .tests import runner",
        "imports_gone": "from .tools import gone",
    }
    for name, init in broken.items():
        (package / name).mkdir()
        (package / name / "__init__.py").write_text(init)
        (package / name / "tools.py").touch()

    findings = check(package, f"USED = {[f'{name}.tools.Tool' for name in broken]}")

    assert findings.lacking == ()
    with pytest.raises(PackageFailed, match="Loaded from the package alone, this fails: ") as caught:
        raise_if_lacking(findings, "requirements.txt", package)
    for error in (
        "reads_stub: FileNotFoundError: [Errno 2] No such file",
        "imports_tests: ModuleNotFoundError: No module named 'imports_tests.tests'",
        "imports_gone: ImportError: cannot import name 'gone' from 'imports_gone.tools'",
    ):
        assert error in str(caught.value)
    assert str(package) not in str(caught.value)


def test_what_pruning_deleted_comes_back_if_the_package_needs_it(package: Path, tmp_path: Path) -> None:
    folder, store = package, tmp_path / "store"
    (folder / "stubs").mkdir()
    (folder / "stubs" / "__init__.py").write_text("text = open(__file__ + 'i').read()")
    (store / "stubs").mkdir(parents=True)
    (store / "stubs" / "__init__.pyi").touch()
    (folder / "shop_settings.py").write_text(SETTINGS + 'INSTALLED_APPS += ["stubs"]\nopen("log", "w")\n')
    recipe = Recipe(
        root=package,
        stage="dev",
        settings_module="shop_settings",
        source_root=".",
        requirements=package / "requirements.txt",
        architecture="x86_64",
        python=PYTHON,
    )
    environ = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "shop_settings"}
    told: list[str] = []

    check_package(recipe, folder, store, environ, told.append)

    assert (folder / "stubs" / "__init__.pyi").exists()
    assert not (folder / "log").exists()
    assert told == ["  named by the settings, but not packaged: moto"]


def test_what_fails_for_another_reason_is_only_told(package: Path) -> None:
    (package / "shop_urls.py").write_text(
        "from django.db import connection\nconnection.ensure_connection()\n"
    )

    findings = check(
        package, 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/no/x"}}'
    )

    assert findings.fine
    assert [(one.what, one.error) for one in findings.unchecked] == [
        ("URLs", "OperationalError: unable to open database file")
    ]


def test_settings_that_end_the_process_are_only_told(package: Path) -> None:
    findings = check(package, 'print("no line break", end="")', "os._exit(3)")

    assert findings.fine
    assert [(one.what, one.error) for one in findings.unchecked] == [("the site", "Python ended with 3")]


def test_compiled_code_that_this_machine_cannot_run_comes_from_its_own_packages(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "PIL").mkdir()
    (package / "PIL" / "_imaging.so").write_bytes(b"\x7fELF of another processor")
    use = 'import PIL.Image; INSTALLED_APPS += ["whitenoise"]'

    elsewhere = check(package, use, architecture="arm64")
    (package / "PIL" / "__init__.py").touch()
    here = check(package, use)

    assert elsewhere.lacking == ("whitenoise",)
    assert elsewhere.broken == ()
    assert "No module named 'PIL.Image'" in here.broken[0].error


def test_a_namespace_package_has_parts_of_the_project_and_of_requirements(tmp_path: Path) -> None:
    def write(*names: str, text: str = "") -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    write("task/acme/site/__init__.py", "task/own.py", "installed/acme/lib/__init__.py", "installed/dep.py")
    write("task/old/__init__.py", "installed/old/__init__.py", text="__path__ = extend_path(__path__, '')")

    merge(tmp_path / "installed", tmp_path / "task")

    merged = sorted(str(path.relative_to(tmp_path / "task")) for path in (tmp_path / "task").rglob("*.py"))
    assert merged == ["acme/lib/__init__.py", "acme/site/__init__.py", "dep.py", "old/__init__.py", "own.py"]
    write("installed/acme/site/__init__.py")
    with pytest.raises(PackageFailed, match=r"both have 'acme' \(acme/site/__init__\.py\)\. Rename the"):
        merge(tmp_path / "installed", tmp_path / "task")
    assert imports.can_run("x86_64") != imports.can_run("arm64")
