"""What a run says to its readers: a page, files for other tools, a signature over all of it, and what changed."""
