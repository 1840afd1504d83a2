"""Models as a set of files: written, read, and run in a process that has nothing else."""
