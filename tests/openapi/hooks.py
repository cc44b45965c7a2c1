"""What schemathesis can't be told in its configuration."""

from schemathesis.specs.openapi import checks

# Whoever may not see a task gets 404, as for a task that doesn't exist, so that nobody learns which ids exist.
checks.AUTH_REJECTION_STATUSES = frozenset({*checks.AUTH_REJECTION_STATUSES, 404})
