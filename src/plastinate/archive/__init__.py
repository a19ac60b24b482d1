"""What is kept: cases, people, jobs and their files."""
