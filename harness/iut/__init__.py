"""The implementation under test: its description, its process and its control plane."""
