"""GET /price?item=NAME asks the stock service for the item and adds the tax."""

import os

import requests
from flask import Flask, jsonify, request

app = Flask(__name__)
STOCK = os.environ["STOCK_URL"]


@app.get("/health")
def health():
    return jsonify(status="ok")


@app.get("/price")
def price():
    item = request.args["item"]
    try:
        answer = requests.get(f"{STOCK}/items", params={"name": item}, timeout=1)
        answer.raise_for_status()
        stock = answer.json()
        return jsonify(item=stock["name"], price=round(stock["price"] * 1.19, 2))
    except requests.RequestException as error:
        app.logger.error("no price: %s", error)
        return jsonify(error="the stock service does not answer"), 503


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
