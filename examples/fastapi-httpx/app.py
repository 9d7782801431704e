"""POST /orders takes an order and hands it on to the stock service, with its number in a header."""

import os
from typing import Annotated

import httpx
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel

app = FastAPI()
client = httpx.AsyncClient(base_url=os.environ["STOCK_URL"], timeout=1.0)


class Order(BaseModel):
    item: str
    count: int


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/orders")
async def order(order: Order, x_order: Annotated[str, Header()]):
    try:
        booking, headers = order.model_dump(), {"X-Order": x_order}
        answer = await client.post("/bookings", json=booking, headers=headers)
        answer.raise_for_status()
        return {"order": x_order, "booking": answer.json()["booking"]}
    except httpx.HTTPError as error:
        return JSONResponse({"error": f"the stock service failed: {error}"}, 503)
