"""Commands: one module for each command of `llmprod`, and what several of them share."""
