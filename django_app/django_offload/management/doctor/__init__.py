"""What offload_doctor looks at: each module yields what it finds."""
