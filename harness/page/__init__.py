"""Self-contained HTML pages: one frame, one style, and tables that readers sort and filter."""
