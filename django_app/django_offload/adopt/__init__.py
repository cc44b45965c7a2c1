"""What `offload_init` does: the files that deploying takes, and what code needs that comes from elsewhere."""

from .changes import Change
from .project import changes_of

__all__ = ["Change", "changes_of"]
