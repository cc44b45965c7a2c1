"""The tenant of a new task: its own, or the one that OPTIONS["tenant"] returns, or its parent's."""

from inspect import iscoroutine
from reprlib import repr as short
from typing import Any

from django.utils.module_loading import import_string

from ..compat import InvalidTask
from ..conf import OWNER_AS_TENANT, Options
from ..exceptions import ConfigurationError
from ..protocol.record_size import is_short_text
from .context import OffloadContext

# Of a tenant, as UTF-8, as of an owner. Every write of a record bills it.
MOST_TENANT_BYTES = 1_000
A_TENANT = f"a text of 1 to {MOST_TENANT_BYTES:,} bytes, or None for no tenant."


def check_tenant(tenant: object) -> None:
    """Raise InvalidTask if a task can't count for this tenant."""
    if not is_tenant(tenant):
        raise InvalidTask(f"tenant is {short(tenant)}. Give {A_TENANT}")


def is_tenant(value: object) -> bool:
    return value is None or (value != "" and is_short_text(value, MOST_TENANT_BYTES))


def tenant_of(task: Any, options: Options, owner: str | None, context: OffloadContext | None) -> str | None:
    """
    Return the tenant of a task that is about to be enqueued, or None if it has none.

    `owner` is what OPTIONS["owner"] returned. Raise ConfigurationError if OPTIONS["tenant"] returns something
    else than a tenant.
    """
    tenant: str | None = getattr(task, "tenant", "")
    if tenant != "":  # .using() has said so.
        return tenant
    by_owner = options.tenant == OWNER_AS_TENANT
    if by_owner:
        tenant = owner or None
    elif options.tenant:
        tenant = returned_tenant(options)
    else:
        tenant = None
    if tenant is None and context:
        tenant = context.tenant_of_children
        if tenant is None and by_owner:  # The parent may be older than the option.
            tenant = context.owner_of_children or None
    return tenant


def returned_tenant(options: Options) -> str | None:
    """Return what the function in OPTIONS["tenant"] returns."""
    path = str(options.tenant)
    try:
        tenant: Any = import_string(path)()
    except Exception as exc:
        exc.add_note(
            f"TASKS['{options.alias}'] has OPTIONS['tenant'] = '{path}'. It is called without arguments for "
            "each task, also outside a request. Return None where there is no tenant."
        )
        raise
    if is_tenant(tenant):
        return tenant  # type: ignore[no-any-return]
    if iscoroutine(tenant):
        tenant.close()  # Otherwise Python warns that nobody awaits it.
    raise ConfigurationError(
        options.alias,
        f"OPTIONS['tenant'] returned {short(tenant)}, which can't be a tenant.",
        f"Return {A_TENANT}",
    )
