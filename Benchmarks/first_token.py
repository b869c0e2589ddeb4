"""The time to the first token of a short chat: with the demo model nearly all of it is HTTP and the preparation of the prompt."""

import http.client
import json
import time

MODEL = "shoal-demo"
QUESTIONS = ["What is a shard?", "What is Shoal?", "What is a window?", "What happens when a node dies?"]
TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather in a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def measure(node, count: int, tools: bool = False) -> list[float]:
    """Milliseconds from the request to the first piece of text, of so many chats one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {node.key}"}
    times = []
    for number in range(count):
        question = QUESTIONS[number % len(QUESTIONS)]
        body = {"model": MODEL, "stream": True, "max_tokens": 4, "temperature": 0,
                "messages": [{"role": "user", "content": question}]} | ({"tools": [TOOL]} if tools else {})
        began = time.monotonic()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        first = None
        for line in response:
            if first is None and b'"content":"' in line and b'"content":""' not in line:
                first = time.monotonic()
        if response.status != 200 or first is None:
            raise SystemExit(f"bench: a chat was answered with {response.status} and no text")
        times.append((first - began) * 1000)
    connection.close()
    return times
