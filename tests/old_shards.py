"""The partitions of the index `due` that releases up to 0.1.0 use, and later ones with at most two shards."""

DUE_SHARDS = 2
DEAD_SHARDS, FAILED_SHARDS = range(-2, 0), range(-4, -2)
