"""The figures, one file a group; each has a `run` that yields lines of the report."""
