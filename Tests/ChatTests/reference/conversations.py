"""The conversations that every chat template is rendered for, as clients send them."""

import json

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city, and \"quoted\" <text> & 'so'.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name of the city"},
                    "days": {"type": "integer", "minimum": 1, "maximum": 10},
                    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "local_time",
            "description": "Ortszeit in Genf ☀",
            "parameters": {"type": "object", "properties": {}},
        },
    },
]
BARE = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "local_time")]

USER = {"role": "user", "content": "Is it warm by the lake?"}
SYSTEM = {"role": "system", "content": "Answer in one sentence."}
THANKS = {"role": "user", "content": "And tomorrow, please?"}
ANSWER = {"role": "assistant", "content": "It is 21 °C now."}
ARGUMENTS = json.dumps({"city": "Zürich", "days": 2}, ensure_ascii=False)


def call(name="get_weather", arguments=ARGUMENTS, identifier="call_0f8fad5bd9cb469fa165"):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(text='{"celsius": 21.5}', identifier="call_0f8fad5bd9cb469fa165"):
    return {"role": "tool", "tool_call_id": identifier, "content": text}


def conversations():
    """Yields a name, the messages, the tools (or None), and the texts that the prompt must hold."""
    user, thanks, warm = USER["content"], THANKS["content"], "21.5"
    calling = {"role": "assistant", "content": None, "tool_calls": [call()]}
    absent = {"role": "assistant", "tool_calls": [call()]}
    second = "call_7c9e6679742540de944b"
    parts = [{"type": "text", "text": "First of two."}, {"type": "text", "text": "Second of two."}]
    thinking = ANSWER | {"reasoning_content": "The thermometer says so."}
    yield "plain", [USER], None, [user]
    yield "system", [SYSTEM, USER], None, [SYSTEM["content"], user]
    yield "two users in a row", [USER, THANKS], None, [user, thanks]
    yield "parts", [{"role": "user", "content": parts}], None, [part["text"] for part in parts]
    yield "reasoning in the history", [USER, thinking, THANKS], None, [user, ANSWER["content"], thanks]
    yield "full tools", [SYSTEM, USER], TOOLS, [SYSTEM["content"], user, "get_weather", "local_time"]
    yield "bare tools", [USER], BARE, [user, "get_weather", "local_time"]
    yield "null content", [USER, calling, result()], TOOLS, [user, "local_time", "Zürich", warm]
    yield "absent content", [USER, absent, result()], TOOLS, [user, "local_time", "Zürich", warm]
    yield "tool results", [
        SYSTEM, USER,
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call(), call("local_time", "{}", second)]},
        result(), result("12:34:56", second), ANSWER, THANKS,
    ], TOOLS, [
        SYSTEM["content"], user, "Let me look.", "local_time", "Zürich", warm, "12:34:56", ANSWER["content"], thanks]
    yield "empty arguments", [USER, calling | {"tool_calls": [call("local_time", "")]}, result("12:34:56")], TOOLS, [
        user, "get_weather", "local_time", "12:34:56"]
    yield "broken arguments", [USER, calling | {"tool_calls": [call(arguments="{")]}, result()], TOOLS, [
        user, "local_time", warm]
