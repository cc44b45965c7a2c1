"""What schemathesis can't be told in its configuration."""

from schemathesis.specs.openapi import checks

# Those who may not see a task get 404, as if it didn't exist, so that nobody learns which ids exist.
checks.AUTH_REJECTION_STATUSES = frozenset({*checks.AUTH_REJECTION_STATUSES, 404})
