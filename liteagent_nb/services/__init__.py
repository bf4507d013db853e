"""The sockets over HTTP: apps with their routes in one list, behind one guard."""
