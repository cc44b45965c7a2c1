"""Find every use of Celery in a project, say what to write instead, and rewrite what is a pure rename."""
