"""Deploy a project to AWS: build the package, change the stack, keep releases, deploy the web side."""

from collections.abc import Callable

# Called with each line that a long step reports.
type Announce = Callable[[str], object]
