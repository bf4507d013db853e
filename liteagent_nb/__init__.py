"""A tool-using LLM agent in a notebook cell."""
