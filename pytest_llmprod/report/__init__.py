"""Reports: a run as rows, once, and the forms in which they are printed."""
