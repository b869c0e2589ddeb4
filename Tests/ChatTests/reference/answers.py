"""Writes what each model would say, in its own format, for the tests to read back.

    scripts/python --with Tests/ChatTests/reference/requirements.txt Tests/ChatTests/reference/answers.py TEMPLATES-FOLDER

A template writes the turns of the past as its model wrote them. So the answer is what the prompt gains when the assistant's
message is added, less the opening that the generation prompt gives already and less the mark that ends the turn. For every
template that writes calls, and for every case, a line of JSON: {template, case, messages, tools, answer, expected}, where
`expected` is {content, reasoning_content, tool_calls: [{name, arguments}]}; or `error` in place of `answer`, where the template
writes no such thing.
"""

import json
import pathlib
import re
import sys

import jinja2.sandbox

from render import chat_template_utils, render

ODD = 'Zürich ☀ "quoted" \\ back\nnew line, <b> & \'x\' 😀'
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name of the city"},
                    "days": {"type": "integer", "description": "How many days"},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "save_note",
            "description": "Saves a note",
            "parameters": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "What it says"},
                    "tags": {"type": "array", "description": "Its tags", "items": {"type": "string"}},
                    "place": {
                        "type": "object",
                        "description": "Where it was taken",
                        "properties": {
                            "name": {"type": "string", "description": "Name of the place"},
                            "floors": {"type": "array", "description": "Floors", "items": {"type": "integer"}},
                        },
                        "required": ["name"],
                    },
                    "pinned": {"type": "boolean", "description": "Whether it stays on top"},
                },
                "required": ["text"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "measure",
            "description": "Keeps numbers",
            "parameters": {
                "type": "object",
                "properties": {
                    name: {"type": "number", "description": "A number"} for name in ("big", "price", "power", "zero")
                },
                "required": ["big", "price", "power", "zero"],
            },
        },
    },
]
NOT_BESIDE = "text is not written in front of calls"

# What tells that a turn has ended, where another mark than behind a text does: models stop there.
ENDS = (
    r"(?s)(<\|(eom_id|call|calls|tool_response)\|?>|(<\|END|(?<=\n)<\|START)_OF_TURN_TOKEN\|>.*"
    r"|<｜(hy_eos:opensource|end▁of▁sentence)｜>.*)\s*$")
USER = {"role": "user", "content": "Is it warm by the lake?"}
TEXT = "It is 21 °C, and \"calm\"."
REASONING = "The lake is in Zürich.\nSo I look there."

# Templates print numbers as their language does; these stand for literals, which are put in afterwards.
LITERALS = {
    7310000000000001: "12345678901234567890", 7310000000000002: "1.10", 7310000000000003: "1e5",
    7310000000000004: "-0",
}


def with_literals(text):
    for number, literal in LITERALS.items():
        text = text.replace(str(number), literal)
    return text


def cases():
    """Yields a name, the text, the reasoning and the calls of an answer."""
    one = ("get_weather", {"city": "Zürich", "days": 2})
    yield "text", TEXT, "", []
    yield "reasoning and text", TEXT, REASONING, []
    yield "one call", "", "", [one]
    yield "text and one call", TEXT, "", [one]
    yield "reasoning and one call", "", REASONING, [one]
    yield "two calls", "", "", [one, ("get_weather", {"city": "Bern"})]
    yield "nested", "", "", [("save_note", {
        "text": ODD, "tags": ["a \"b\"", "ü"], "place": {"name": "See, {x} [y]", "floors": [1, -2]}, "pinned": True})]
    yield "numbers", "", "", [("measure", dict(zip(("big", "price", "power", "zero"), LITERALS)))]


def be_lenient(source):
    """Some templates do what transformers forbids: they change lists, and write generators as JSON."""
    environment = chat_template_utils._compile_jinja_template(source).environment
    strict = environment.filters["tojson"]
    environment.is_safe_attribute = lambda object, name, value: jinja2.sandbox.SandboxedEnvironment.is_safe_attribute(
        environment, object, name, value)
    environment.filters["tojson"] = lambda value, *arguments, **options: strict(
        list(value) if hasattr(value, "__next__") else value, *arguments, **options)


def common_prefix(a, b):
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return a[:length]


def whole_tags(text):
    """The text without the tag that it ends amid."""
    return text[:len(text) - len(re.search(r"(<[^<>]*)?$", text)[0])]


def as_literals(arguments):
    """Values that a template prints as Python's, given as the JSON text that its model writes."""
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in arguments.items()}


def as_python(arguments):
    """Text that a template puts between single quotes as it is, given as the inside of a Python literal."""
    def escaped(text):
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'")

    return {name: escaped(value) if isinstance(value, str) else value for name, value in arguments.items()}


class Writer:
    """Takes answers out of the prompts of one template."""

    def __init__(self, source, tools=TOOLS):
        self.source, self.tools = source, tools
        be_lenient(source)
        functions = json.dumps([tool["function"] for tool in tools], ensure_ascii=False)
        self.variables = {"functions": functions, "datetime": "Jul 26 2024"}
        asking = self.render([USER], True)
        # Some templates end the past in another way when an answer is to come.
        self.before = whole_tags(common_prefix(self.render([USER], False), asking))
        self.opening = asking[len(self.before):]

    def render(self, messages, generation):
        return render(self.source, messages, self.tools, generation, **self.variables)

    def message(self, text, reasoning, calls, change):
        message = {"role": "assistant", "content": text}
        if reasoning:
            message["reasoning_content"] = reasoning
        if calls:
            message["tool_calls"] = [
                {"id": f"call{index:05}", "type": "function", "function": {"name": name, "arguments": change(arguments)}}
                for index, (name, arguments) in enumerate(calls)]
        return message

    def fault(self, turn, text, reasoning, calls):
        names = [name for name, _ in calls]
        if any(turn.count(name) < names.count(name) for name in names):
            return "calls are not written"
        if text not in turn:
            return NOT_BESIDE
        if reasoning not in turn:
            return "reasoning is not written"
        pythonic = re.search(r"\[\w+\(\w+=", turn)
        if not pythonic and re.search(r"\{'(city|text|big)': |\['a |'name': 'See|[=>\n]True\b", turn):
            return "values are written as Python's"
        if re.search("text='[^']*\n", turn):
            return "a line break stands in a literal"
        if calls and r'{\"' in turn.replace(json.dumps(ODD), ""):
            return "arguments are quoted twice"
        return None

    def turn(self, text, reasoning, calls):
        """The assistant's turn as the template writes it, with its opening and its end."""
        first = None
        for change in (dict, lambda arguments: json.dumps(arguments, ensure_ascii=False), as_literals, as_python):
            try:
                rendered = self.render([USER, self.message(text, reasoning, calls, change)], False)
            except Exception as error:  # whatever is raised, the template refused
                first = first or str(error)
                continue
            # Where the past is written otherwise once it is past, the turn begins with its last opening.
            begin = len(self.before) if rendered.startswith(self.before) else rendered.rfind(self.opening)
            turn = rendered[begin:]
            fault = self.fault(turn, text, reasoning, calls) if begin >= 0 else "the past is written otherwise"
            if fault is None:
                return turn
            first = first or fault
        raise ValueError(first)

    def parts(self, text, reasoning, calls):
        """What the generation prompt has begun, and what the model writes behind it, by the template."""
        turn = self.turn(text, reasoning, calls)
        plain = self.turn(TEXT, "", [])
        end = plain[plain.rindex(TEXT) + len(TEXT):].strip()
        turn = re.sub(ENDS, "", turn).rstrip().removesuffix(end).rstrip()
        turn = re.sub(ENDS, "", turn)
        header = common_prefix(turn, self.opening)
        if len(header) < len(self.opening):
            header = whole_tags(header)
        begun, answer = self.opening[len(header):], turn[len(header):]
        if reasoning and re.search(r"</\w*think", begun):
            raise ValueError("the prompt says not to reason")
        if text and calls and end and end in answer:
            raise ValueError(NOT_BESIDE)
        if text and calls and answer.rfind(text) > answer.find(calls[0][0]):
            raise ValueError(NOT_BESIDE)
        return begun, answer

    def beside(self, text, calls):
        """Text in front of calls, where the template of a model leaves it out or puts it behind."""
        plain, call = self.answer(text, "", []), self.answer("", "", calls)
        start = plain[:plain.index(text)]
        if not call.startswith(start) or plain[len(start):] != text:
            raise ValueError(NOT_BESIDE)
        return plain + call[len(start):]

    def answer(self, text, reasoning, calls):
        if text and calls:
            try:
                thought = self.turn("", REASONING, calls).replace(REASONING, text)
            except ValueError:
                thought = None
            try:
                if thought == self.turn(text, "", calls):
                    raise ValueError("text beside calls is written as reasoning")
                _, answer = self.parts(text, "", calls)
                if calls[0][0] not in answer or text not in answer:
                    raise ValueError(NOT_BESIDE)
            except ValueError as error:
                if str(error) != NOT_BESIDE:
                    raise
                return self.beside(text, calls)
        begun, answer = self.parts(text, "", calls)
        try:
            opened, thought = self.parts(text, REASONING, calls)
            rest = thought[thought.index(REASONING) + len(REASONING):]
            opened = thought[:thought.index(REASONING)]
        except ValueError as error:
            # The template leaves reasoning out; its model does not.
            if "</think>" not in self.source or "not to reason" in str(error):
                if reasoning:
                    raise
                return answer
            opened = "" if re.search(r"<think>\s*$", self.opening) else "<think>\n"
            rest = "\n</think>\n\n" + re.sub(r"^\s*(<think>\s*)?</think>\s*", "", answer)
        if reasoning:
            return opened + reasoning + rest
        # Where the prompt has opened the reasoning, it ends at once.
        thinking = begun.strip() or re.search(r"<think>\s*$", self.opening)
        return rest.lstrip() if thinking and rest.split()[0] not in answer else answer


def python_call(name, arguments):
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


# What models write whose templates leave the calls of the past out: by words that only their templates have.
UNWRITTEN = {
    "List of tools: ": lambda calls: "<|tool_call_start|>[" + ", ".join(
        python_call(*call) for call in calls) + "]<|tool_call_end|>",
    "respond only with <|tool_call|> followed by a JSON list": lambda calls: "<|tool_call|>" + json.dumps(
        [{"name": name, "arguments": arguments} for name, arguments in calls], ensure_ascii=False),
}


class Teller:
    """Writes the answers of models whose templates leave the calls of the past out."""

    def __init__(self, source, write):
        self.writer, self.write = Writer(source), write

    def answer(self, text, reasoning, calls):
        if reasoning:
            raise ValueError("reasoning is not written")
        written = self.writer.answer(text, "", []) if text else ""
        return written + self.write(calls) if calls else written


def writer_of(source):
    """The writer of a template and the tools that it can list; nothing, if it knows no calls."""
    call = [("get_weather", {"city": "Bern"})]
    for tools in (TOOLS, [tool for tool in TOOLS if tool["function"]["name"] != "save_note"]):
        try:
            writer = Writer(source, tools)
            writer.turn("", "", call)
            return writer, tools
        except Exception:  # whatever is raised, the template refused
            continue
    for words, write in UNWRITTEN.items():
        if words in source:
            return Teller(source, write), TOOLS
    return None, []


def main(folder):
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        writer, tools = writer_of(path.read_text(encoding="utf-8"))
        if writer is None:
            continue
        listed = [tool["function"]["name"] for tool in tools]
        for name, text, reasoning, calls in cases():
            if any(function not in listed for function, _ in calls):
                continue
            line = {"template": path.name, "case": name, "messages": [USER], "tools": tools}
            try:
                answer = writer.answer(text, reasoning, calls)
            except Exception as error:  # whatever is raised, the template refused
                line["error"] = str(error)[:200]
            else:
                line |= {"answer": with_literals(answer), "expected": {
                    "content": text, "reasoning_content": reasoning, "tool_calls": [
                        {"name": name, "arguments": with_literals(json.dumps(arguments, ensure_ascii=False))}
                        for name, arguments in calls]}}
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
