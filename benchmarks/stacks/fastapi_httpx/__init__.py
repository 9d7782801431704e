"""The pair on uvicorn: FastAPI and one shared httpx client."""
