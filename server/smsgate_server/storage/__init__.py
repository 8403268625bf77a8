"""The stores: one adapter of the Store port each."""
