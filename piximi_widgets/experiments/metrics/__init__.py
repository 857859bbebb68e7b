"""Metrics: values by step, their statistics, and thinned curves."""
