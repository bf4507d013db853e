"""Acts: implementations of the Invoker socket."""
