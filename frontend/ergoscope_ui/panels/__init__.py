"""One question a module: numbers in, page parts out. What panels share is a part of its own: graph, term, notice."""
