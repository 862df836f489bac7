"""Cassettes: the files that hold recordings, ours and those of others, and their upkeep."""
