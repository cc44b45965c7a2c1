"""What `offload_init` does: the files that deploying takes, and what code needs that comes from elsewhere."""
