"""Where work runs: Dask finds a place, a child process does the job, the job's row is the truth."""
