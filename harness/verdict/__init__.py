"""Verdicts, witnesses, transcripts and results: what a run says, and what it keeps to show that it is true."""
