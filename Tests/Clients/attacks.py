"""Requests that once stopped a node, each with siblings of its kind: what is sent, and what must come back."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    path: str
    body: object
    # Statuses that are right.
    statuses: tuple = (400,)


def _chat(**fields):
    return {"model": "MODEL", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8, **fields}


def _schema(schema):
    return _chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})


def _doubling_pattern(levels, times):
    pattern = "a"
    for _ in range(levels):
        pattern = f"({pattern}){{251,5000}}"
    return {"type": "string", "pattern": f"^{pattern}{times}$"}


def _crossed_references(properties, references, values):
    return {
        "type": "object",
        "properties": {f"p{i}": {"$ref": "#/$defs/A", "type": "integer"} for i in range(properties)},
        "$defs": {
            "A": {"allOf": [{"$ref": "#/$defs/B"}] * references},
            "B": {"enum": list(range(values))},
        },
    }


def _ladder(levels):
    """Each level refers to the next one twice."""
    definitions = {f"L{i}": {"allOf": [{"$ref": f"#/$defs/L{i + 1}"}] * 2} for i in range(levels)}
    definitions[f"L{levels}"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    return {"$ref": "#/$defs/L0", "$defs": definitions}


def _grammar(text):
    return _chat(grammar=text)


ATTACKS = [
    Attack("a pattern that doubles per level", "/v1/chat/completions", _schema(_doubling_pattern(28, ""))),
    Attack("a pattern that triples per level", "/v1/chat/completions",
           _schema({"type": "string", "pattern": "^" + "(" * 40 + "a|b|c" + "){3,9}" * 40 + "$"})),
    Attack("references onto lists of references", "/v1/chat/completions", _schema(_crossed_references(30, 3000, 3000))),
    Attack("a ladder of references", "/v1/chat/completions", _schema(_ladder(60)), (200, 400)),
    Attack("a range that runs backwards", "/v1/chat/completions", _grammar('root ::= "a"{2,1}')),
    Attack("a range beyond all bounds", "/v1/chat/completions", _grammar('root ::= "a"{1000000000}')),
    Attack("ranges that multiply", "/v1/chat/completions", _grammar('root ::= ((("a"{1000}){1000}){1000}){1000}')),
    Attack("an ambiguous grammar", "/v1/chat/completions", _grammar('root ::= (("a"? "b"?){0,40}){0,40}')),
    Attack("an ambiguous pattern", "/v1/chat/completions",
           _schema({"type": "string", "pattern": "^(a?b?c?d?){0,200}$"})),
    Attack("an ambiguous grammar of rules", "/v1/chat/completions",
           _grammar("root ::= x*\nx ::= y* | z*\ny ::= \"a\"? z?\nz ::= \"a\"? \"b\"?")),
    Attack("a NUL in a grammar", "/v1/chat/completions", _grammar('root ::= "\\x00"')),
    Attack("a NUL in a class", "/v1/chat/completions", _grammar('root ::= [\\x00-\\x01]'), (200, 400)),
    Attack("60,000 parentheses", "/v1/chat/completions", _grammar("root ::= " + "(" * 60_000 + '"a"' + ")" * 60_000)),
    Attack("left recursion", "/v1/chat/completions", _grammar('root ::= a\na ::= b? a "x"\nb ::= "y"')),
    Attack("a rule without end", "/v1/chat/completions", _grammar('root ::= "a" root')),
    Attack("an unknown rule", "/v1/chat/completions", _grammar('root ::= nobody')),
    Attack("control tokens without end", "/tokenize", {"model": "MODEL", "content": "<|im_end|>" * 300_000}),
    Attack("spaces without end", "/tokenize", {"model": "MODEL", "content": " " * 3_000_000}),
    Attack("a prompt of control tokens", "/v1/chat/completions",
           _chat(messages=[{"role": "user", "content": "<|im_end|>" * 300_000}])),
    Attack("template variables of ten megabytes", "/v1/chat/completions",
           _chat(chat_template_kwargs={"messages": "x" * 1_000_000} | {f"v{i}": "x" * 1_000_000 for i in range(9)}),
           (400, 413)),
    Attack("65,536 messages", "/v1/chat/completions",
           _chat(messages=[{"role": "user", "content": "a"}] * 65_536), (400, 413)),
    Attack("a tool's pattern that doubles per level", "/v1/chat/completions",
           _chat(tools=[{"type": "function", "function": {"name": "f", "parameters": {
               "type": "object", "properties": {"a": _doubling_pattern(28, "")}}}}]), (200, 400)),
    Attack("2,000 token ids beyond the vocabulary", "/detokenize",
           {"model": "MODEL", "tokens": [2_000_000_000] * 2000}),
    Attack("a prompt of 16 megabytes", "/v1/completions",
           {"model": "MODEL", "prompt": "word " * 3_300_000, "max_tokens": 1}, (400, 413)),
    Attack("embeddings of 16 megabytes", "/v1/embeddings",
           {"model": "MODEL", "input": ["word " * 8000] * 400}, (400, 413)),
]

# 26 megabytes of the smallest objects; no dictionary of Python holds it cheaply.
MANY_OBJECTS = b'{"model":"m","messages":[' + b'{"":1},' * 3_700_000 + b'{}]}'
