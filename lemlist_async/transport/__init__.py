"""The only room that knows aiohttp."""
