"""Records: the request log, a line for each exchange of a run."""
