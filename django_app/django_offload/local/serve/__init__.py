"""What `manage.py offload_local` runs: AWS on this machine, the site or a command, and the reloader."""
