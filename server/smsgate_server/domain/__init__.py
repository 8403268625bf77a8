"""The rules of the product as values and pure functions: no clock, no randomness, no I/O."""
