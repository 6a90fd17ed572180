"""Shared package of the study: everything that two notebooks need, and nothing else."""
