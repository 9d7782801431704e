"""The hop: HTTP/1.1 over asyncio protocols, strict in what it reads and bounded in all it keeps."""
