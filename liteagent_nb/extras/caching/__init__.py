"""A cache in front of a router: what is the same request, what is kept of an answer, and where."""
