"""The parts of `flambeau.nn.functional`, a file a family."""
