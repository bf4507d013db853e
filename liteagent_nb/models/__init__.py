"""Answers: implementations of the Model socket."""
