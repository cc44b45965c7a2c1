"""The work of `offload_init`: write the files that deploying needs, and rewrite code from Celery or Zappa."""
