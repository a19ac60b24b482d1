"""The door for browsers and scripts: pages and an API over the services."""
