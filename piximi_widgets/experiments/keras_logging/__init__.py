"""The record of a person's own ``model.fit``."""
