"""The embedded model from within: weights, engine, and the way it is led to tools, arguments and answers."""
