"""What things are: the nouns of Plastinate, in numpy and the standard library only."""
