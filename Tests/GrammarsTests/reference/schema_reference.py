"""Writes schemas as generators make them, and judges texts by them.

    schema_reference.py schemas FOLDER SUITE    writes FOLDER/schemas.jsonl: name, schema, tests (texts and whether they are valid)
    schema_reference.py judge FOLDER            reads FOLDER/texts.jsonl (name, text) beside it, prints those that are wrong and why
"""

import datetime
import decimal
import enum
import ipaddress
import itertools
import json
import pathlib
import random
import sys
import uuid
from typing import Annotated, Any, Literal, Optional, Union

import jsonschema
import pydantic
from pydantic import Field, create_model

import zod_schemas

CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER

# MARK: pydantic

PLAIN = [
    int, float, str, bool, datetime.date, datetime.time, datetime.datetime, datetime.timedelta, uuid.UUID, decimal.Decimal,
    bytes, pathlib.Path, ipaddress.IPv4Address, ipaddress.IPv6Address, pydantic.EmailStr, pydantic.AnyUrl, pydantic.SecretStr,
    Any, None, pydantic.JsonValue, pydantic.StrictInt, pydantic.FiniteFloat, pydantic.Base64Bytes, dict, list,
]  # fmt: skip


class Color(enum.Enum):
    red = "red"
    green = "gr\u00fcn \"quoted\""
    number = 7


class Level(enum.IntEnum):
    low = 1
    high = 10


class Tree(pydantic.BaseModel):
    """A recursive model."""

    value: Annotated[int, Field(ge=-5, lt=1000)]
    left: Optional["Tree"] = None
    children: list["Tree"] = Field(default_factory=list, max_length=3)


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=0, le=9)]


class Dog(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    kind: Literal["dog", "wolf"]
    name: Annotated[str, Field(min_length=1, max_length=20)]


class Fish(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    kind: Literal["fish"]


PETS = [Annotated[Union[Cat, Dog], Field(discriminator="kind")], Annotated[Union[Cat, Dog, Fish], Field(discriminator="kind")]]


class Maker:
    """Makes models from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.models = [Tree, Cat, Dog, Fish]
        self.count = 0

    def constrained(self):
        r = self.random
        low, high = sorted([r.randint(-300, 300), r.randint(301, 9000)])
        fraction = round(r.uniform(-50, 50), r.randint(0, 4))
        return r.choice([
            Annotated[int, Field(ge=low, le=high)],
            Annotated[int, Field(gt=low)],
            Annotated[int, Field(lt=2**63, ge=-(2**63))],
            Annotated[int, Field(multiple_of=r.choice([1, 2, 3, 10, 100]), ge=0)],
            Annotated[float, Field(ge=fraction, le=fraction + r.choice([0.5, 1, 33.3]))],
            Annotated[float, Field(gt=fraction, lt=fraction + 7)],
            Annotated[float, Field(ge=0, le=1)],
            Annotated[str, Field(min_length=r.randint(0, 3), max_length=r.randint(4, 60))],
            Annotated[str, Field(pattern=r.choice([
                r"^[A-Z]{2}\d{4}$", r"^\d{3}-\d{2}$", "^(a|b)+c?$", r"[a-z]+@[a-z]+\.com", r"^\S+$", "^#[0-9a-fA-F]{6}$"]))],
            Annotated[str, Field(pattern="^[a-z]+$", min_length=2, max_length=10)],
            Annotated[list[int], Field(min_length=1, max_length=4)],
            Annotated[dict[str, int], Field(min_length=1, max_length=3)],
            Annotated[decimal.Decimal, Field(ge=0, max_digits=8, decimal_places=2)],
        ])  # fmt: skip

    def type(self, depth):
        r = self.random
        kind = r.randint(0, 13) if depth > 0 else r.randint(0, 3)
        if kind <= 1:
            return r.choice(PLAIN)
        if kind == 2:
            return self.constrained()
        if kind == 3:
            return r.choice([Color, Level, Literal["a", "b"], Literal[1, "x", None, True], Literal["one"]])
        if kind <= 5:
            return Optional[self.type(depth - 1)]
        if kind == 6:
            return list[self.type(depth - 1)]
        if kind == 7:
            return dict[r.choice([str, str, Literal["k", "l"]]), self.type(depth - 1)]
        if kind == 8:
            return tuple[self.type(depth - 1), self.type(depth - 1)]
        if kind == 9:
            return tuple[self.type(depth - 1), ...]
        if kind == 10:
            return Union[self.type(depth - 1), self.type(depth - 1), self.type(depth - 1)]
        if kind == 11:
            return r.choice(PETS)
        if kind == 12 and r.random() < 0.3:
            return set[r.choice([int, str])]
        return self.model(depth - 1) if r.random() < 0.5 else r.choice(self.models)

    def model(self, depth):
        r = self.random
        fields = {}
        for index in range(r.randint(1, 6)):
            annotation = self.type(depth)
            extra = {"description": f"field {index}"} if r.random() < 0.3 else {}
            if r.random() < 0.15:
                extra["json_schema_extra"] = {"x-order": index, "examples": ["e"]}
            if r.random() < 0.1:
                extra["alias"] = r.choice(["a-b", "a b", "ünï", "$ref", "a/b", "q\"t"]) + str(index)
            default = None if r.random() < 0.3 else ...
            fields[f"f{index}"] = (annotation, Field(default, **extra))
        self.count += 1
        extra = r.choice([None, None, "forbid", "allow"])
        config = {"__config__": pydantic.ConfigDict(extra=extra, arbitrary_types_allowed=True)} if extra else {}
        made = create_model(f"Model{self.count}", **config, **fields)
        self.models.append(made)
        return made


def pydantic_schemas(count):
    for seed in range(count):
        maker = Maker(seed)
        for attempt in itertools.count():
            try:
                model = maker.model(2)
                mode = "validation" if seed % 4 else "serialization"
                schema = model.model_json_schema(mode=mode)
                break
            except pydantic.errors.PydanticUserError:
                assert attempt < 50
        yield {"name": f"pydantic {seed}", "schema": schema, "tests": []}


# MARK: any schemas


class Thrower:
    """Throws keywords together."""

    names = ["a", "b", "ab", "é", 'q"', "x-1"]
    patterns = ["^a", "b$", "^[a-z]*$", "^(ab|a)(b|c)?$", "[0-9]", "^.{2,4}$", "^(?!a).*$", r"^\w+-\d{1,3}$", "^[^ab]+$", "c|d"]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self):
        r = self.random
        return r.choice([
            r.randint(-20, 20), r.randint(-20, 20), round(r.uniform(-3, 3), r.randint(1, 4)), r.randint(-(10**6), 10**6), 0,
            10**r.randint(1, 25), r.uniform(-1, 1), -1e-7, 1.5e3,
        ])  # fmt: skip

    def value(self, depth=1):
        r = self.random
        kind = r.randint(0, 7 if depth else 4)
        if kind == 0:
            return r.choice([None, True, False])
        if kind <= 2:
            return self.number()
        if kind <= 4:
            return r.choice(["", "a", "ab", "abc", "b", "c", "x-1", "é", "\n\"", "2024-01-31", "12"])
        if kind <= 6:
            return {name: self.value(depth - 1) for name in r.sample(self.names, r.randint(0, 2))}
        return [self.value(depth - 1) for _ in range(r.randint(0, 3))]

    def bounds(self, schema, low, high, top):
        r = self.random
        if r.random() < 0.5:
            schema[low] = r.randint(0, top)
        if r.random() < 0.5:
            schema[high] = r.randint(schema.get(low, 0) if r.random() < 0.9 else 0, top + 3)

    def schema(self, depth):
        r = self.random
        if depth == 0 or r.random() < 0.05:
            return r.choice([True, {}, {"type": "null"}, {"type": "boolean"}, {"type": "integer"}, {"$ref": "#/$defs/d"}, False])
        schema = {}
        kind = r.randint(0, 9)
        if kind <= 1:
            schema["type"] = r.choice(["integer", "number", ["integer", "null"]])
            for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]:
                if r.random() < 0.35:
                    schema[keyword] = self.number()
            if r.random() < 0.2:
                schema["multipleOf"] = r.choice([1, 2, 3, 10, 100, 0.1, 0.01, 0.5, 7, 12])
        elif kind <= 3:
            if r.random() < 0.8:
                schema["type"] = "string"
            self.bounds(schema, "minLength", "maxLength", 5)
            if r.random() < 0.5:
                schema["pattern"] = r.choice(self.patterns)
            elif r.random() < 0.3:
                schema["format"] = r.choice(FORMATS)
        elif kind <= 6:
            if r.random() < 0.7:
                schema["type"] = r.choice(["object", "object", ["object", "null"]])
            if r.random() < 0.8:
                schema["properties"] = {name: self.schema(depth - 1) for name in r.sample(self.names, r.randint(0, 4))}
            if r.random() < 0.5:
                schema["required"] = r.sample(self.names, r.randint(0, 2))
            if r.random() < 0.5:
                schema["additionalProperties"] = r.choice([False, True, self.schema(depth - 1)])
            if r.random() < 0.15:
                schema["propertyNames"] = r.choice([{"pattern": r.choice(self.patterns)}, {"maxLength": 2}, {"enum": ["a", "é"]}])
            if r.random() < 0.1:
                schema["patternProperties"] = {r.choice(self.patterns): self.schema(depth - 1)}
            if r.random() < 0.3:
                self.bounds(schema, "minProperties", "maxProperties", 3)
        elif kind <= 8:
            if r.random() < 0.7:
                schema["type"] = "array"
            if r.random() < 0.4:
                schema["prefixItems"] = [self.schema(depth - 1) for _ in range(r.randint(1, 3))]
            if r.random() < 0.7:
                schema["items"] = self.schema(depth - 1)
            if r.random() < 0.6:
                self.bounds(schema, "minItems", "maxItems", 4)
        else:
            schema[r.choice(["enum", "const"])] = self.value()
            if "enum" in schema:
                schema["enum"] = [self.value() for _ in range(r.randint(1, 5))]
        if r.random() < 0.3:
            keyword = r.choice(["anyOf", "allOf", "oneOf", "allOf"])
            schema[keyword] = [self.schema(depth - 1) for _ in range(r.randint(1, 3))]
        if r.random() < 0.05:
            schema["$ref"] = "#/$defs/d"
        return schema


def thrown_schemas(count):
    for seed in range(count):
        thrower = Thrower(seed)
        schema = thrower.schema(3)
        if isinstance(schema, dict):
            schema["$defs"] = {"d": thrower.schema(1)}
        validator = jsonschema.Draft202012Validator(schema, format_checker=CHECKER)
        tests = []
        for value in [thrower.value() for _ in range(8)]:
            try:
                test = {"isValid": validator.is_valid(value), "description": "thrown", "restriction": "what was thrown"}
            except RecursionError:
                continue
            tests.append({"texts": [json.dumps(value, ensure_ascii=False, separators=(",", ":"))], **test})
        yield {"name": f"thrown {seed}", "schema": schema, "tests": tests}


# MARK: the test suite

FORMATS = ["date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"]


KINDS = {
    dict: ["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
           "maxProperties"],
    list: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
    str: ["minLength", "maxLength", "pattern", "format"],
    float: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
}  # fmt: skip


DRAFT = "https://json-schema.org/draft/2020-12/schema"


def parts(value):
    """A value and all that is inside of it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from parts(inner)


def restriction(schema, value):
    """Which of the converter's restrictions may keep it from a valid value; empty if none does."""
    schemas = [part for part in parts(schema) if isinstance(part, dict)]
    keywords = {keyword for part in schemas for keyword in part}
    if isinstance(schema, dict) and schema.get("$schema", DRAFT) != DRAFT:
        return "vocabularies are those of the standard"
    if isinstance(schema, dict) and "type" not in schema:
        implied = [kind for kind, names in KINDS.items() if set(schema) & set(names)]
        if implied and "$ref" in keywords:
            return "keywords imply the type that they belong to, also where the schema is referred to"
        kind = float if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if implied and kind not in implied:
            return "keywords imply the type that they belong to"
    named = {name for part in schemas for name in list(part.get("properties") or []) + list(part.get("required") or [])}
    if "properties" in keywords or "patternProperties" in keywords:
        if any(name not in named for part in parts(value) if isinstance(part, dict) for name in part):
            return "members come where a schema names them or asks for others"
    if "anyOf" in keywords and isinstance(value, dict):
        return "members are those of one alternative"
    if "prefixItems" in keywords and "items" not in keywords and isinstance(value, list):
        return "elements come where a schema speaks about them"
    if any(isinstance(part, float) and part.is_integer() for part in [*parts(value), *parts(schema)]):
        return "integers have no fraction and constants are written as they are given"
    if "format" in keywords:
        return "formats are written in the usual ways"
    return ""


def orders(value):
    """A value with its members in every order, as far as there are few."""
    if isinstance(value, dict) and 1 < len(value) <= 4:
        return [dict(order) for order in itertools.permutations(value.items())]
    return [value]


def suite_schemas(folder):
    folder = pathlib.Path(folder)
    files = sorted(folder.glob("*.json")) + [folder / "optional/format" / f"{name}.json" for name in FORMATS]
    for path in files:
        for number, group in enumerate(json.loads(path.read_text())):
            tests = []
            for test in group["tests"]:
                texts = [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in orders(test["data"])]
                tests.append({"texts": texts, "isValid": test["valid"], "description": test["description"],
                              "restriction": restriction(group["schema"], test["data"])})
            yield {"name": f"{path.stem} {number}: {group['description']}", "schema": group["schema"], "tests": tests}


def write_schemas(folder, suite):
    examples = list(pydantic_schemas(240))
    examples += [{"name": f"zod {name}", "schema": schema, "tests": []} for name, schema in zod_schemas.SCHEMAS.items()]
    examples += thrown_schemas(1000)
    for example in suite_schemas(suite):
        example["name"] = "suite " + example["name"]
        examples.append(example)
    with open(f"{folder}/schemas.jsonl", "w") as file:
        for example in examples:
            example["schema"] = json.dumps(example["schema"], ensure_ascii=False)
            file.write(json.dumps(example) + "\n")
    print(json.dumps({"count": len(examples)}))


# MARK: judging


def standard(schema):
    """The schema without what is no JSON Schema: OpenAPI's nullable, and null for what is absent."""
    if isinstance(schema, list):
        return [standard(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: value if key in ("enum", "const", "default", "examples") else standard(value)
        for key, value in schema.items()
        if value is not None or key in ("const", "default")
    }
    if result.get("nullable") is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result


def refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def has_fractional_steps(schema):
    if isinstance(schema, list):
        return any(map(has_fractional_steps, schema))
    if not isinstance(schema, dict):
        return False
    return isinstance(schema.get("multipleOf"), float) or any(map(has_fractional_steps, schema.values()))


def judge(folder):
    with open(f"{folder}/schemas.jsonl") as file:
        schemas = {example["name"]: example["schema"] for example in map(json.loads, file)}
    validators = {}
    wrong = []
    count = 0
    with open(f"{folder}/texts.jsonl") as file:
        for line in file:
            answer = json.loads(line)
            count += 1
            if answer["name"] not in validators:
                text = schemas[answer["name"]]
                # Binary floating point has no 0.01, of which others could be multiples.
                numbers = decimal.Decimal if has_fractional_steps(json.loads(text)) else float
                schema = standard(json.loads(text, parse_float=numbers))
                validator = jsonschema.Draft202012Validator(schema, format_checker=CHECKER)
                validators[answer["name"]] = validator, numbers
            validator, numbers = validators[answer["name"]]
            try:
                value = json.loads(answer["text"], parse_float=numbers, parse_constant=refuse_constant)
                json.dumps(value, ensure_ascii=False, default=str, allow_nan=False).encode()
                validator.validate(value)
            except Exception as error:
                wrong.append({"name": answer["name"], "text": answer["text"], "reason": str(error)[:300]})
    print(json.dumps({"count": count, "wrong": wrong}))


if __name__ == "__main__":
    if sys.argv[1] == "schemas":
        write_schemas(sys.argv[2], sys.argv[3])
    else:
        judge(sys.argv[2])
