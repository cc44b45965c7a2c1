"""What runs inside Lambda: workers, the dead-letter handler, the sweeper."""
