"""Picture -> Reference: what lies in it whose size is known, a coin or a ruler, and how sure that is."""
