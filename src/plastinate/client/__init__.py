"""The thin client: a case goes to a server, its models come back."""
