"""Picture -> DepthMap: how far away each place is taken to be, and how sure that is."""
