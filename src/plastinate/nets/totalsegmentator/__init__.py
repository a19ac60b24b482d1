"""TotalSegmentator, run in a process of its own by the Python that has it."""
