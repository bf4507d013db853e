"""Runs code: kernels of their own process, contexts that keep state, and plain programs."""
