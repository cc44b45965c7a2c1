"""What offload_doctor checks. Each module yields a Finding for each problem."""
