#!/usr/bin/env python3
"""Django's command line for the reference site."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Local workers import `lambdas` from the root. This file's folder contains everything else.
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
