"""Scripts of the rules, and the library that they call."""

import gc

# Importing torch and its kin makes a million objects that are never garbage; looking for some among them time and
# again takes a quarter of a job's start. `job_log` sets the default again, once all is imported.
gc.set_threshold(100_000, 20, 100)
