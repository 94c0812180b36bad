"""The small model that ships, and the code that made it: `python -m generation.demo.train` makes it anew."""
