"""Fuzzing an implementation with attackers' traces, judged by a complete reference peer that is told the same trace."""
