"""What is seen of an experiment while it runs: output, the machine's load, and everything that is committed."""
