"""What a worker does for an experiment: jobs, their record, checkpoints, and what goes on from another training."""
