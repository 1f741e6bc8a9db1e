"""Published test vectors, each with its source; what judges our code without having been written with it."""
