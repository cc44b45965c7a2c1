"""The one zip that web and workers run from."""
