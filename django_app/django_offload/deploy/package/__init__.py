"""Build the package: one zip file that web and workers run from."""
