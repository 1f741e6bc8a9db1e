"""Learning: the state machine of an implementation by L#, with the table's machine as reference, and the difference."""
