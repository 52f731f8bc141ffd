"""Pages of the documentation that are written from the code, and what turns the Markdown here into a site."""
