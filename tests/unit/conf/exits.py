"""A module of a project that ends the process at its import, as a script without a guard does."""

import sys

sys.exit("the module ends the process")
