"""Renders chat templates with Jinja itself, set up as the transformers library does, for the tests to compare with.

    python3 render.py TEMPLATES-FOLDER    renders every template for every conversation below
    python3 render.py --snippets FILE     renders the templates in a JSON list of {"template", "variables"}

Prints one JSON document: the conversations, and for every pair of template and conversation the text or the error.
"""

import datetime
import functools
import json
import pathlib
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 26, 12, 34, 56)


class Generation(Extension):
    """The tag that marks the assistant's tokens; it prints what is inside."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    result = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return result


@functools.cache
def template(source):
    return environment().from_string(source)


def outcome(source, variables):
    try:
        return {"text": template(source).render(**variables)}
    except Exception as error:  # whatever is raised, the template refused
        return {"error": f"{type(error).__name__}: {error}"}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather at a place.\nUnits are metric.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city, \"quoted\" or <not> & 'so'"},
                    "days": {"type": "integer", "default": 1, "minimum": 1, "maximum": 10},
                    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "where": {
                        "type": "object",
                        "properties": {"latitude": {"type": "number"}, "longitude": {"type": ["number", "null"]}},
                        "required": ["latitude"],
                    },
                },
                "required": ["city", "unit"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "now",
            "description": "Zeit in Zürich ☀",
            "parameters": {"type": "object", "properties": {}},
            "return": {"type": "string"},
        },
    },
]

USER = {"role": "user", "content": "What is the weather in Zürich?  \n"}
SYSTEM = {"role": "system", "content": "  You are terse.\nAlways.  "}


def call(arguments, identifier="abc123XYZ", name="get_weather"):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversations():
    arguments = {"city": "Zürich", "days": 2, "wet": True, "note": None, "scale": 1.5, "tags": ["a", "b"]}
    text = json.dumps(arguments, ensure_ascii=False)
    parts = [{"type": "text", "text": "First part."}, {"type": "text", "text": "Second part."}]
    answer = {"role": "assistant", "content": "Sunny, 21 °C."}
    result = {"role": "tool", "name": "get_weather", "tool_call_id": "abc123XYZ", "content": "{\"celsius\": 21}"}
    called = {"role": "assistant", "content": "", "tool_calls": [call(arguments)]}
    thanks = {"role": "user", "content": "Thanks!"}
    yield "user", dict(messages=[USER])
    yield "user, no prompt", dict(messages=[USER], add_generation_prompt=False)
    yield "system", dict(messages=[SYSTEM, USER])
    yield "developer", dict(messages=[{"role": "developer", "content": "Be kind."}, USER])
    yield "several turns", dict(messages=[SYSTEM, USER, answer, thanks])
    yield "several turns, no prompt", dict(messages=[SYSTEM, USER, answer], add_generation_prompt=False)
    yield "tools", dict(messages=[SYSTEM, USER], tools=TOOLS)
    yield "tools, no system", dict(messages=[USER], tools=TOOLS)
    yield "call", dict(messages=[USER, called, result], tools=TOOLS)
    yield "call and answer", dict(messages=[SYSTEM, USER, called, result, answer, thanks], tools=TOOLS)
    yield "call, text arguments", dict(
        messages=[USER, {"role": "assistant", "content": None, "tool_calls": [call(text)]}, result], tools=TOOLS)
    yield "call without content", dict(
        messages=[USER, {"role": "assistant", "tool_calls": [call(arguments)]}, result], tools=TOOLS)
    yield "two calls", dict(
        messages=[
            USER,
            {"role": "assistant", "content": "Let me see.",
             "tool_calls": [call(arguments), call({}, "def456UVW", "now")]},
            result, {"role": "tool", "name": "now", "tool_call_id": "def456UVW", "content": "12:34"}, answer],
        tools=TOOLS, add_generation_prompt=False)
    yield "reasoning", dict(
        messages=[USER, {"role": "assistant", "content": "21 °C.", "reasoning_content": "I know that.\n"}, thanks])
    yield "reasoning in the text", dict(
        messages=[USER, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\n21 °C."}, thanks])
    yield "reasoning and call", dict(
        messages=[USER, {"role": "assistant", "content": "", "reasoning_content": "A tool.",
                         "tool_calls": [call(arguments)]}, result],
        tools=TOOLS)
    yield "thinking", dict(messages=[
        USER, {"role": "assistant", "content": "21 °C.", "thinking": "Easy."}, thanks])
    yield "thinking on", dict(messages=[SYSTEM, USER], enable_thinking=True, thinking=True, reasoning_effort="high")
    yield "thinking off", dict(messages=[SYSTEM, USER], enable_thinking=False, thinking=False)
    yield "parts", dict(messages=[
        {"role": "system", "content": parts[:1]}, {"role": "user", "content": parts},
        {"role": "assistant", "content": parts[1:]}, {"role": "user", "content": parts}])
    yield "image", dict(messages=[
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}])
    yield "two users", dict(messages=[USER, thanks])
    yield "assistant first", dict(messages=[answer, USER])
    yield "assistant last", dict(messages=[USER, answer])
    yield "empty", dict(messages=[])
    yield "empty content", dict(messages=[{"role": "user", "content": ""}])
    yield "unknown role", dict(messages=[{"role": "oracle", "content": "Hm"}, USER])
    yield "documents", dict(
        messages=[USER], documents=[{"title": "Wetter", "text": "Sonne", "doc_id": 1, "contents": "Sonne"}])
    yield "special text", dict(messages=[
        {"role": "user", "content": "a\r\nb\tc <|im_end|> {{ x }} \u00a0😀 e\u0301 'q' \"d\" \\ <b>&amp;</b>\u2028"}])
    yield "many turns", dict(messages=[SYSTEM] + [USER, answer] * 5 + [thanks])


def render_folder(folder):
    cases = []
    for name, values in conversations():
        variables = {"tools": None, "documents": None, "add_generation_prompt": True,
                     "bos_token": "<s>", "eos_token": "</s>"} | values
        cases.append({"name": name, "variables": variables})
    outcomes = []
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        for case in cases:
            # A copy, because a template could change what it is given.
            variables = json.loads(json.dumps(case["variables"]))
            outcomes.append({"template": path.name, "conversation": case["name"]} | outcome(source, variables))
    return {"now": NOW.replace(tzinfo=datetime.timezone.utc).timestamp(), "conversations": cases, "outcomes": outcomes}


def render_snippets(path):
    snippets = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return [outcome(snippet["template"], snippet["variables"]) for snippet in snippets]


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--snippets":
        result = render_snippets(sys.argv[2])
    elif len(sys.argv) == 2:
        result = render_folder(sys.argv[1])
    else:
        sys.exit(__doc__)
    sys.stdout.buffer.write(json.dumps(result, ensure_ascii=True).encode())
