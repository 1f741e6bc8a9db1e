"""Searches of these tests are timed: a limit that is hit is a failure, not a hang."""

import time

from trustconn.model.verifier import clock

clock.use(time.perf_counter)
