"""
Which variables of a deployed function reach its process on this machine.

On Lambda a function's variables concern a container that holds nothing else. Here its process has the
developer's files and rights. So variables that decide which code or which programs run are left out, and
the process keeps the developer's own value, if there is one:

- Python's own. PYTHONPATH is computed from the project or from the unpacked package.
- Those of the dynamic loader and the C library, of shells, and of other interpreters.
- Those that name a program, such as PATH and BROWSER, or a folder with configuration, such as HOME. Python
  also runs code from the home folder when it starts.
- Those that name certificates or proxies. They belong to AWS's network, or to files in /var/task.
- Those that AWS's clients and Lambda's runtime read. Here they lead to AWS on this machine. Other names that
  start with AWS_, such as AWS_STORAGE_BUCKET_NAME, are the project's own.

DJANGO_SETTINGS_MODULE is kept if it names a module of the project, or the one in use here. A deployment may
set all of these for Lambda, so `stage_environment` doesn't refuse them.
"""

import json
import os
from collections.abc import Iterator

from ...conf import ENV_SECRETS
from ...stack.stage_environment import is_function_variable
from .functions import Function
from .project_modules import handler_roots, is_own_module

SETTINGS_MODULE = "DJANGO_SETTINGS_MODULE"
COMPUTED = "PYTHONPATH"

# What glibc hides from programs that run with more rights than their user (unsecvars.h), and what sudo hides
# from commands (initial_badenv_table in env.c), with the names of the same families and of common tools.
_NAMES = frozenset(
    {
        # The C library, and where temporary files are.
        *("GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH"),
        *("PATH_LOCALE", "RES_OPTIONS", "RESOLV_HOST_CONF", "TZDIR", "TMPDIR", "TMPPREFIX", "TEMP", "TMP"),
        *("TERMCAP", "TERMINFO", "TERMINFO_DIRS", "TERMPATH"),
        # Shells.
        *("SHELL", "SHELLOPTS", "BASHOPTS", "ENV", "IFS", "CDPATH", "FPATH", "GLOBIGNORE", "ZDOTDIR"),
        *("PROMPT_COMMAND", "PS1", "PS2", "PS4", "NULLCMD", "READNULLCMD"),
        # Programs, and folders with their configuration.
        *("PATH", "HOME", "BROWSER", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "LESSOPEN", "LESSCLOSE"),
        *("NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "PHPRC", "PHP_INI_SCAN_DIR"),
        *("SSH_ASKPASS", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "DOCKER_HOST", "DOCKER_CONFIG"),
        *("CLASSPATH", "MAKEFLAGS", "TAR_OPTIONS", "WGETRC", "CC", "CXX", "MPLBACKEND", "OMP_TOOL_LIBRARIES"),
        *("CUDA_INJECTION64_PATH", "GST_PLUGIN_SCANNER", "GUNICORN_CMD_ARGS"),
        *("GNUPGHOME", "PGSERVICEFILE", "PGSYSCONFDIR", "PGPASSFILE", "MYSQL_HOME", "ODBCINI", "ODBCSYSINI"),
    }
)
_PREFIXES = (
    *("LD_", "DYLD_", "_RLD", "MALLOC_", "GLIBC_", "BASH_"),
    # Interpreters, and what installs their packages.
    *("PYTHON", "PERL", "RUBY", "GEM_", "NPM_", "npm_", "JAVA_", "JDK_", "LUA_", "PIP_", "UV_"),
    # Programs that read their plugins or commands from variables.
    *("XDG_", "GIT_", "COVERAGE_", "PYTEST_", "KRB5_", "OPENSSL_", "SASL_", "MAGICK_"),
    # Certificates, and the file that all keys of TLS are written to.
    *("SSL_CERT_", "SSLKEYLOG"),
)
# What AWS's clients and command line read, with the names of the same families. A test compares botocore's.
_OF_AWS = (
    *("AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_BEARER_"),
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_", "AWS_SHARED_"),
    *("AWS_ROLE_", "AWS_WEB_IDENTITY_", "AWS_SSO_", "AWS_CONTAINER_", "AWS_EC2_", "AWS_IMDS_"),
    *("AWS_METADATA_", "AWS_CREDENTIAL_", "AWS_LOGIN_", "AWS_ENDPOINT_", "AWS_IGNORE_", "AWS_USE_"),
    *("AWS_ACCOUNT_ID", "AWS_AUTH_", "AWS_SIGV4", "AWS_STS_", "AWS_CSM_", "AWS_DATA_PATH"),
    *(
        "AWS_DEFAULTS_MODE",
        "AWS_DISABLE_",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_",
        "AWS_REQUEST_",
        "AWS_RESPONSE_",
        "AWS_SDK_",
        "AWS_CLI_",
    ),
    *("AWS_S3_DISABLE_", "AWS_S3_USE_", "AWS_S3_US_EAST_1_", "AWS_EXECUTION_ENV", "AWS_LAMBDA_", "AWS_XRAY_"),
    *("AWS_PAGER", "LAMBDA_", "BOTOCORE_", "BOTO_"),
)
_SUFFIXES = (
    *("_PRELOAD", "_LIBRARY_PATH", "_PLUGINS", "_PLUGIN_DIR", "_PLUGIN_PATH"),
    *("_MODULES", "_MODULE_FILE", "_DRIVER_PATH", "_DRIVERS_PATH", "_RSH", "_ASKPASS", "_HOOKS"),
    *("_CA_BUNDLE", "_PROXY", "_proxy"),
)


def is_steering(name: str) -> bool:
    """Return True if a variable of that name can decide which code, programs or servers a process uses."""
    known = name in _NAMES or name.startswith((*_PREFIXES, *_OF_AWS)) or name.endswith(_SUFFIXES)
    return known or not is_function_variable(name)


def local_variables(function: Function) -> dict[str, str]:
    """Return the deployed variables that the function's process gets on this machine."""
    refused = set(refused_variables(function))
    variables = {
        name: value
        for name, value in function.environment.items()
        if name not in refused and name != COMPUTED
    }
    references = secret_references(function)
    if refused & references.keys():
        variables[ENV_SECRETS] = json.dumps(
            {name: reference for name, reference in references.items() if name not in refused}
        )
    return variables


def refused_variables(function: Function) -> list[str]:
    """Return the names of the deployed variables and secrets that the process doesn't get, in order."""
    return sorted(set(_refused(function)))


def _refused(function: Function) -> Iterator[str]:
    for name, value in function.environment.items():
        if name == COMPUTED:
            continue
        foreign_settings = name == SETTINGS_MODULE and not is_usable_settings(value, function)
        if is_steering(name) or foreign_settings or "\0" in value:
            yield name
    # A function puts its secrets into its environment when it starts, so that programs it starts get them.
    # Their values aren't known here, so none may choose the settings.
    yield from (name for name in secret_references(function) if is_steering(name) or name == SETTINGS_MODULE)


def is_usable_settings(module: str, function: Function) -> bool:
    """Return True if `module` is the settings module in use here or another module of the project."""
    from django.conf import settings

    in_use = {os.environ.get(SETTINGS_MODULE), getattr(settings, "SETTINGS_MODULE", None)}
    return module in in_use or is_own_module(module, handler_roots(function))


def secret_references(function: Function) -> dict[str, str]:
    """Return the secrets that a function reads when it starts, by variable."""
    try:
        references = json.loads(function.environment.get(ENV_SECRETS) or "{}")
    except ValueError:
        return {}  # The function itself reports the error.
    return references if isinstance(references, dict) else {}
