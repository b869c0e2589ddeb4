"""Schemas in the shapes that zod 4's toJSONSchema() and generators of OpenAPI documents write, by hand."""

SAFE = {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}
UUID = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)
EMAIL = (
    r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
)
DAY = (
    r"(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-"
    r"(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))"
)
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"


def tagged(name, tag, **properties):
    return {
        "type": "object",
        "properties": {name: {"type": "string", "const": tag}, **properties},
        "required": [name, *properties],
        "additionalProperties": False,
    }


def closed(required=None, **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


STRING = {"type": "string"}
NODE = closed(value=SAFE, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]})

SCHEMAS = {
    "int": SAFE,
    "int32": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647},
    "uint32": {"type": "integer", "minimum": 0, "maximum": 4294967295},
    "int64": {"type": "integer", "minimum": -9223372036854775808, "maximum": 9223372036854775807},
    "uint64": {"type": "integer", "format": "uint64", "minimum": 0},
    "float32": {"type": "number", "minimum": -3.4028234663852886e38, "maximum": 3.4028234663852886e38},
    "float64": {"type": "number", "minimum": -1.7976931348623157e308, "maximum": 1.7976931348623157e308},
    "positive": {"type": "number", "exclusiveMinimum": 0},
    "nonnegative int": {"type": "integer", "minimum": 0, "maximum": 9007199254740991},
    "fractional limits": {"type": "number", "minimum": 0.5, "maximum": 99.25},
    "open interval": {"type": "number", "exclusiveMinimum": -0.125, "exclusiveMaximum": 1.5},
    "percent": {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.01},
    "multiple of 5": {**SAFE, "multipleOf": 5},
    "multiple of 7": {"type": "integer", "minimum": 0, "multipleOf": 7},
    "multiple of 1000": {"type": "integer", "multipleOf": 1000, "exclusiveMinimum": -5000.5},
    "quarters": {"type": "number", "multipleOf": 0.25, "minimum": -1, "exclusiveMaximum": 1.5},
    "min and max": {"type": "string", "minLength": 2, "maxLength": 8},
    "email": {"type": "string", "format": "email", "pattern": EMAIL},
    "uuid": {"type": "string", "format": "uuid", "pattern": UUID},
    "guid": {
        "type": "string",
        "format": "uuid",
        "pattern": "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$",
    },
    "url": {"type": "string", "format": "uri"},
    "date": {"type": "string", "format": "date", "pattern": f"^{DAY}$"},
    "datetime": {"type": "string", "format": "date-time", "pattern": f"^{DAY}T(?:{CLOCK}(?:Z))$"},
    "datetime with offset": {
        "type": "string",
        "format": "date-time",
        "pattern": rf"^{DAY}T(?:{CLOCK}(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))$",
    },
    "time without offset": {"type": "string", "format": "time", "pattern": f"^{CLOCK}$"},
    "duration": {
        "type": "string",
        "format": "duration",
        "pattern": r"^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$",
    },
    "ipv4": {"type": "string", "format": "ipv4", "pattern": rf"^(?:{BYTE}\.){{3}}{BYTE}$"},
    "ipv6": {"type": "string", "format": "ipv6"},
    "base64": {
        "type": "string",
        "format": "base64",
        "contentEncoding": "base64",
        "pattern": "^$|^(?:[0-9a-zA-Z+/]{4})*(?:(?:[0-9a-zA-Z+/]{2}==)|(?:[0-9a-zA-Z+/]{3}=))?$",
    },
    "nanoid": {"type": "string", "format": "nanoid", "pattern": "^[a-zA-Z0-9_-]{21}$"},
    "ulid": {"type": "string", "format": "ulid", "pattern": "^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$"},
    "e164": {"type": "string", "format": "e164", "pattern": r"^\+[1-9]\d{6,14}$"},
    "jwt": {"type": "string", "format": "jwt"},
    "slug": {"type": "string", "maxLength": 30, "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"},
    "startsWith and endsWith": {"type": "string", "allOf": [{"pattern": "^ab.*"}, {"pattern": ".*yz$"}]},
    "includes": {"type": "string", "pattern": "@", "minLength": 3, "maxLength": 12},
    "quotes": {"type": "string", "pattern": r'^["\\/\t\n a-z]{1,5}$'},
    "word characters": {"type": "string", "pattern": r"^\w+\s\W\S\D\d$"},
    "enum": {"type": "string", "enum": ["red", "green", "blue"], "enumDescriptions": ["r", "g", "b"]},
    "literals": {"enum": ["a", 1, True, None, 1.5, {"k": [1, "x"]}, []]},
    "nullable string": {"anyOf": [STRING, {"type": "null"}]},
    "optional members": closed(
        ["c"], a=STRING, b={"anyOf": [{"type": "number"}, {"type": "null"}]}, c={"default": True, "type": "boolean"}
    ),
    "object": closed(
        name={"type": "string", "description": "full name", "markdownDescription": "**full** name"},
        age={"type": "integer", "minimum": 0, "maximum": 9007199254740991},
        tags={"maxItems": 5, "type": "array", "items": STRING},
        address=closed(street=STRING, zip={"type": "string", "minLength": 5, "maxLength": 5}),
    ),
    "loose object": {"type": "object", "properties": {"a": STRING}, "required": ["a"], "additionalProperties": {}},
    "catchall": {
        "type": "object",
        "properties": {"a": STRING, "a\"b\\": STRING, "é": STRING},
        "required": ["a"],
        "additionalProperties": {"type": "number"},
    },
    "record": {"type": "object", "propertyNames": STRING, "additionalProperties": {"type": "number"}},
    "record of an enum": {
        "type": "object",
        "propertyNames": {"type": "string", "enum": ["x", "y"]},
        "additionalProperties": SAFE,
        "required": ["x", "y"],
    },
    "partial record": {
        "type": "object",
        "propertyNames": {"anyOf": [{"type": "string", "const": "x"}, {"type": "string", "enum": ["y", "z"]}]},
        "additionalProperties": SAFE,
        "maxProperties": 2,
    },
    "record of a pattern": {
        "type": "object",
        "propertyNames": {"type": "string", "pattern": "^k_[a-z]{1,4}$"},
        "additionalProperties": {"type": "boolean"},
        "minProperties": 1,
    },
    "pattern properties": {
        "type": "object",
        "properties": {"id": SAFE},
        "patternProperties": {"^x-[a-z]+$": STRING},
        "additionalProperties": False,
        "required": ["id"],
    },
    "tuple": {"type": "array", "prefixItems": [STRING, SAFE], "items": False, "minItems": 2},
    "tuple with a rest": {"type": "array", "prefixItems": [STRING], "items": {"type": "boolean"}, "minItems": 1},
    "tuple with optional items": {
        "type": "array",
        "prefixItems": [STRING, SAFE, {"type": "null"}],
        "minItems": 1,
        "maxItems": 3,
    },
    "array of 1 to 3": {"minItems": 1, "maxItems": 3, "type": "array", "items": SAFE},
    "union": {"anyOf": [STRING, SAFE, {"type": "null"}]},
    "discriminated union": {
        "oneOf": [
            tagged("type", "circle", r={"type": "number", "exclusiveMinimum": 0}),
            tagged("type", "square", side={"type": "number"}),
            closed(type={"type": "string", "enum": ["rect", "box"]}, w=SAFE, h=SAFE),
        ]
    },
    "discriminated union in a discriminated union": {
        "oneOf": [
            {"oneOf": [tagged("t", "a", x=SAFE), tagged("t", "b")]},
            {"anyOf": [tagged("t", "c"), tagged("t", "d", y=STRING)]},
        ],
        "discriminator": {"propertyName": "t"},
    },
    "oneOf by type": {"oneOf": [STRING, SAFE, {"type": "array", "items": SAFE}, {"const": None}]},
    "oneOf by closed members": {"oneOf": [closed(a=SAFE), closed(b=SAFE)]},
    "intersection": {"allOf": [
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        {"type": "object", "properties": {"b": SAFE, "a": {"maxLength": 4}}, "required": ["b"]},
    ]},
    "unknown": closed([], data={}, any={}),
    "never": closed(["b"], a={"not": {}}, b=SAFE),
    "template literal": {"type": "string", "pattern": r"^v\d+\.(x|y)$"},
    "recursive": NODE,
    "recursive in definitions": {
        "$ref": "#/$defs/Category",
        "$defs": {"Category": closed(name=STRING, sub={"type": "array", "items": {"$ref": "#/$defs/Category"}})},
    },
    "expression": {
        "$ref": "#/definitions/e~1x%20p",
        "definitions": {
            "e/x p": {
                "anyOf": [{"type": "number"}, closed(op={"enum": ["+", "*"]}, l={"$ref": "#/definitions/e~1x%20p"})]
            }
        },
    },
    "anchor": {"$defs": {"n": {"$anchor": "name", **SAFE}}, "type": "array", "items": {"$ref": "#name"}, "maxItems": 2},
    "OpenAPI nullable": closed(
        a={"type": "string", "nullable": True, "example": "x"}, b={"type": "integer", "format": "int32", "nullable": False}
    ),
    "OpenAPI discriminator": {
        "oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}],
        "discriminator": {"propertyName": "pet", "mapping": {"cat": "#/$defs/cat", "dog": "#/$defs/dog"}},
        "$defs": {
            "cat": {"type": "object", "properties": {"pet": {"const": "cat", "type": "string"}, "lives": SAFE}},
            "dog": {"type": "object", "properties": {"pet": {"const": "dog", "type": "string"}, "x-y": STRING}},
        },
    },
    "OpenAPI bytes": closed(a={"type": "string", "format": "byte"}, b={"type": "string", "format": "binary"}),
    "nulls for what is absent": {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": None, "pattern": None, "items": None, "minLength": None}},
        "required": None,
        "additionalProperties": None,
        "anyOf": None,
    },
    "repeated and unknown names in required": {
        "type": "object",
        "properties": {"a": STRING},
        "required": ["a", "z", "a"],
    },
    "listed values with limits": {"enum": [1, 2, 3, 10, 2.5, "x"], "type": ["integer", "string"], "minimum": 2},
    "listed strings with a pattern": {"type": "string", "enum": ["ab", "b", "abc"], "pattern": "^a", "maxLength": 2},
    "some of many members": {
        "type": "object",
        "properties": {"a": SAFE, "b": SAFE, "c": SAFE, "d": SAFE},
        "required": ["c"],
        "minProperties": 2,
        "maxProperties": 3,
    },
}
