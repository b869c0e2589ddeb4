"""Turns the texts of this folder into training conversations.

`facts.txt`, `unknown.txt` and `passages.txt` were written for this project. Everything random comes from the generator
that the caller passes, so that one seed gives one training set.
"""

import dataclasses
import json
import pathlib
import random
import re

import jinja2

HERE = pathlib.Path(__file__).parent

ABOUT_NOUN = [
    "What is {}?", "What is {} in Shoal?", "What's {}?", "Explain {}.", "Can you explain {}?", "Tell me about {}.",
    "Please explain what {} is.", "What do you mean by {}?", "Can you tell me what {} is?", "Define {}.",
    "Do you know what {} is?", "I do not know what {} is.", "Tell me what {} is.", "So what is {}?", "{}?",
    "Could you describe {}?", "Describe {}.", "What exactly is {}?", "What is meant by {}?", "What do you know about {}?",
]  # fmt: skip
ABOUT_VERB = [
    "How do I {}?", "How can I {}?", "How do you {}?", "How to {}?", "I want to {}.", "What do I do to {}?",
    "What is the command to {}?", "Show me how to {}.", "How does one {}?", "Tell me how to {}.", "How would I {}?",
    "Can I {}?", "Is there a way to {}?", "Is it possible to {}?", "How is it possible to {}?", "How can we {}?", "I would like to {}.", "Which command do I use to {}?", "Can you tell me how to {}?",
]  # fmt: skip
OPENINGS = [
    "Please tell me: ", "Hi! ", "Hello, ", "Hey, ", "One question: ", "Now ", "And ", "Tell me, ", "I wonder: ", "Okay. ",
    "Quick question: ", "Please answer: ", "So, ", "Question: ", "Excuse me, ",
]  # fmt: skip
ENDINGS = [" Thanks!", " Please be brief.", " Please explain.", " Answer in one sentence.", " Please.", " Be precise."]
SYSTEM_PROMPTS = [
    "You are a helpful assistant.", "You are the Shoal demo model.", "Answer briefly.", "You answer questions about Shoal.",
    "You are a friendly assistant.", "Be brief and correct.", "You are an assistant. Answer in whole sentences.",
    "You are a test.", "Answer the user's questions.", "You are a helpful, honest assistant for Shoal.",
]  # fmt: skip
UNKNOWN_ANSWER = "I do not know that. I am a small demo model and can only answer questions about Shoal."


@dataclasses.dataclass
class Fact:
    """One thing the model knows: its name, the trained questions, the held-out ones, the answer, and follow-ups."""

    name: str
    questions: list[str]
    held_out: list[str]
    answer: str
    follow_ups: list[tuple[str, str]]


def load_facts() -> list[Fact]:
    """Reads `facts.txt`; its first lines say how it is written."""
    facts: list[Fact] = []
    for line in (HERE / "facts.txt").read_text().splitlines():
        mark, _, text = line.partition(" ")
        if mark == "@":
            facts.append(Fact(text, [], [], "", []))
        elif mark == "?":
            facts[-1].questions.append(text)
        elif mark == "?-":
            facts[-1].held_out.append(text)
        elif mark == "~":
            facts[-1].questions += [form.format(text) for form in ABOUT_NOUN]
        elif mark == "%":
            facts[-1].questions += [form.format(text) for form in ABOUT_VERB]
        elif mark == ">":
            facts[-1].follow_ups.append((text, ""))
        elif mark == "!" and facts[-1].follow_ups:
            facts[-1].follow_ups[-1] = (facts[-1].follow_ups[-1][0], text)
        elif mark == "!":
            facts[-1].answer = text
    return [dataclasses.replace(f, questions=[q[0].upper() + q[1:] for q in f.questions]) for f in facts]


def template() -> jinja2.Template:
    """The chat template, compiled with the settings that chat templates are written for."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string((HERE / "chat_template.jinja").read_text())


CITIES = "Paris London Berlin Rome Madrid Vienna Tokyo Boston".split()
NODES = "alpha beta gamma first second north south".split()
SKIES = "sunny cloudy rainy windy foggy".split()
STATES = "ready loading idle busy stopping healthy".split()


@dataclasses.dataclass
class Tool:
    """A function that the model may call, with ways to ask for it and to speak about its result."""

    name: str
    description: str
    argument: str
    values: list[str]
    asks: list[str]

    def schema(self, random: random.Random) -> dict:
        """The OpenAI description of the function; wording varies so that the model reads names, not positions."""
        parameter = {"type": "string"}
        if random.random() < 0.5:
            parameter["description"] = random.choice([f"The {self.argument}", f"Name of the {self.argument}"])
        parameters: dict = {"type": "object", "properties": {self.argument: parameter}}
        if random.random() < 0.8:
            parameters["required"] = [self.argument]
        function: dict = {"name": self.name}
        if random.random() < 0.9:
            function["description"] = self.description
        function["parameters"] = parameters
        return {"type": "function", "function": function}


TOOLS = [
    Tool("get_weather", "Get the current weather in a city", "city", CITIES, [
        "What is the weather in {}?", "How is the weather in {}?", "What is the weather like in {}?", "Weather in {}?",
        "Is it raining in {}?", "Tell me the weather in {}.", "How is the weather in {} today?", "What's the weather in {}?",
        "What is the weather in {} today?", "How warm is it in {}?", "Get the weather for {}.", "What's the weather like in {}?",
    ]),
    Tool("get_weather", "Get the weather for a location", "location", CITIES, [
        "What is the weather in {}?", "How is the weather in {}?", "What is the weather like in {} today?",
        "What's the weather in {}?", "What's the weather like in {}?", "Tell me the weather in {}.", "Use the tool: weather in {}.",
    ]),
    Tool("get_status", "Get the status of a node", "node", NODES, [
        "What is the status of {}?", "What is the status of node {}?", "How is node {}?", "Is {} ready?",
        "Tell me the status of {}.", "Get the status of {}.", "Check the node {}.", "What does {} do now?",
    ]),
    Tool("get_time", "Get the current time in a city", "city", CITIES, [
        "What time is it in {}?", "Tell me the time in {}.", "What is the time in {}?", "How late is it in {}?",
    ]),
]  # fmt: skip


class Conversations:
    """Draws training samples: a list of messages (and tools), rendered by the template, or plain text."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.facts = load_facts()
        self.template = template()
        self.unknown = (HERE / "unknown.txt").read_text().splitlines()[1:]
        self.passages = [p.strip() for p in (HERE / "passages.txt").read_text().split("\n\n")]

    def sample(self) -> str:
        """One sample as text, with the special tokens in it."""
        kind = self.random.random()
        if kind < 0.68:
            return self.render(self.facts_dialogue())
        if kind < 0.76:
            return self.render(self.unknown_dialogue())
        if kind < 0.83:
            return self.render(self.json_dialogue())
        if kind < 0.975:
            return self.tool_dialogue()
        return self.random.choice(self.passages) + "<|endoftext|>"

    def render(self, messages: list[dict], tools: list[dict] | None = None) -> str:
        return self.template.render(messages=messages, tools=tools, add_generation_prompt=False)

    def question(self, fact: Fact) -> str:
        """A trained question of the fact, as careless people type it."""
        return self.careless(self.random.choice(fact.questions))

    def careless(self, text: str) -> str:
        draw = self.random.random()
        if draw < 0.12:
            opening = self.random.choice(OPENINGS)
            text = opening + (text if opening[-2] in "!:." else text[0].lower() + text[1:])
        elif draw < 0.18:
            text = text + self.random.choice(ENDINGS)
        draw = self.random.random()
        if draw < 0.10:
            text = text.lower()
        if self.random.random() < 0.10:
            text = text.rstrip("?.!")
        if self.random.random() < 0.06 and len(text) > 12:
            text = self.typo(text)
        return text

    def typo(self, text: str) -> str:
        at = self.random.randrange(1, len(text) - 2)
        if self.random.random() < 0.5:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    def system(self, share: float) -> list[dict]:
        if self.random.random() >= share:
            return []
        return [{"role": "system", "content": self.random.choice(SYSTEM_PROMPTS)}]

    def facts_dialogue(self) -> list[dict]:
        messages = self.system(0.25)
        for _ in range(self.random.choices([1, 2, 3], [0.72, 0.2, 0.08])[0]):
            if self.random.random() < 0.1:
                messages += turn(self.unknown_question(), UNKNOWN_ANSWER)
                continue
            fact = self.random.choice(self.facts)
            messages += turn(self.question(fact), fact.answer)
            if fact.follow_ups and self.random.random() < 0.3:
                messages += turn(*self.random.choice(fact.follow_ups))
        return messages

    def unknown_question(self) -> str:
        form = self.random.choice(self.unknown)
        return re.sub(r"\{([^}]*)\}", lambda match: self.random.choice(match[1].split("|")), form)

    def unknown_dialogue(self) -> list[dict]:
        return self.system(0.25) + turn(self.careless(self.unknown_question()), UNKNOWN_ANSWER)

    def json_dialogue(self) -> list[dict]:
        """Answers as a JSON object with the key that was asked for, `answer` when none was named."""
        if self.random.random() < 0.3:
            question, answer = self.random.choice([
                ("Give me a JSON object with the name and the language of the project.", {"name": "Shoal", "language": "Swift"}),
                ("Describe Shoal as a JSON object.", {"name": "Shoal", "language": "Swift", "license": "Apache-2.0"}),
                ("Return the ports of Shoal as JSON.", {"http": 8800, "swarm": 8801}),
                ("Describe yourself as JSON.", {"name": "Shoal demo model", "layers": 8}),
                ("Name the project in JSON.", {"name": "Shoal"}),
                ("Give me some JSON.", {"name": "Shoal", "language": "Swift"}),
                ("Write JSON with the name and the number of layers of the demo model.", {"name": "Shoal demo model", "layers": 8}),
            ])  # fmt: skip
            return self.system(0.25) + turn(self.careless(question), json.dumps(answer))
        fact = self.random.choice(self.facts)
        key, instruction = self.random.choice([
            ("answer", "Answer in JSON."), ("answer", "Answer as a JSON object."), ("answer", "Reply with JSON."),
            ("answer", 'Answer in JSON with the key "answer".'), ("text", 'Answer in JSON with the key "text".'),
            ("reply", 'Answer in JSON with the key "reply".'), ("answer", "Return JSON."),
        ])  # fmt: skip
        answer = json.dumps({key: fact.answer}, ensure_ascii=False)
        if self.random.random() < 0.35:
            return [{"role": "system", "content": instruction}] + turn(self.question(fact), answer)
        if self.random.random() < 0.5:
            return self.system(0.1) + turn(instruction.rstrip(".") + ": " + self.question(fact), answer)
        return self.system(0.1) + turn(self.question(fact) + " " + instruction, answer)

    def tool_dialogue(self) -> str:
        """Offers one to three functions; the user asks for one of them, or for something that needs none."""
        offered = {tool.name: tool for tool in self.random.sample(TOOLS, self.random.choices([1, 2, 3], [0.6, 0.3, 0.1])[0])}
        schemas = [tool.schema(self.random) for tool in offered.values()]
        messages = self.system(0.25)
        if self.random.random() < 0.2:
            fact = self.random.choice(self.facts)
            return self.render(messages + turn(self.question(fact), fact.answer), schemas)
        tool = self.random.choice(list(offered.values()))
        value = self.random.choice(tool.values)
        call = {"type": "function", "function": {"name": tool.name, "arguments": {tool.argument: value}}}
        messages += [
            {"role": "user", "content": self.careless(self.random.choice(tool.asks).format(value))},
            {"role": "assistant", "content": "", "tool_calls": [call]},
        ]
        if self.random.random() < 0.5:
            messages += self.tool_result(tool, value)
        return self.render(messages, schemas)

    def tool_result(self, tool: Tool, value: str) -> list[dict]:
        if tool.name == "get_weather":
            sky, degrees = self.random.choice(SKIES), self.random.randrange(10, 30)
            result = {"weather": sky, "temperature": degrees}
            text = f"The weather in {value} is {sky} at {degrees} degrees."
        elif tool.name == "get_status":
            state = self.random.choice(STATES)
            result = {"status": state}
            text = f"The node {value} is {state}."
        else:
            time = f"{self.random.randrange(24):02}:{self.random.randrange(60):02}"
            result = {"time": time}
            text = f"It is {time} in {value}."
        return [{"role": "tool", "content": json.dumps(result)}, {"role": "assistant", "content": text}]


def turn(question: str, answer: str) -> list[dict]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
