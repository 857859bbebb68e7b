"""The work that is done for experiments: jobs, the processes that do them, and what becomes of those that vanish."""
