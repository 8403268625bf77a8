"""`python -m benchmarks`: each figure beside its limit, taken in alternation in one run."""
