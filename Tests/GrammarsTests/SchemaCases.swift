/// Schemas as generators write them.
enum SchemaCases {
    typealias Case = GrammarTests.Case

    static let all = numbers + strings + objects + arrays + combinations + sloppiness

    static let numbers = [
        Case(
            #"{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}"#,
            accepts: ["0", "-9007199254740991", "9007199254740991", "-1"],
            refuses: ["9007199254740992", "-9007199254740992", "10000000000000000", "-0", "1.0"]),
        Case(
            #"{"type":"integer","minimum":0,"maximum":18446744073709551615}"#,
            accepts: ["18446744073709551615", "9999999999999999999"],
            refuses: ["18446744073709551616", "20000000000000000000", "-1"]),
        Case(
            #"{"type":"integer","exclusiveMinimum":-9223372036854775808}"#, accepts: ["-9223372036854775807", "7"],
            refuses: ["-9223372036854775808", "-9223372036854775809"]),
        Case(#"{"type":"integer","minimum":0.5,"maximum":2.5}"#, accepts: ["1", "2"], refuses: ["0", "3", "1.5"]),
        Case(
            #"{"type":"number","minimum":0.5,"maximum":12.25}"#,
            accepts: [
                "0.5", "0.50", "0.500001", "0.51", "0.9", "1", "1.0", "11.999", "12", "12.25", "12.2500", "12.1", "9",
            ],
            refuses: ["0.49", "0.4", "0", "0.0", "12.26", "12.2501", "12.3", "13", "-1", "100", "1e0"]),
        Case(
            #"{"type":"number","exclusiveMinimum":-0.25,"exclusiveMaximum":0.125}"#,
            accepts: ["-0.24", "-0.2499", "-0.1", "0", "0.0", "0.124", "0.12", "0.1249999", "-0.2"],
            refuses: ["-0.25", "-0.250", "-0.3", "0.125", "0.1250", "0.13", "0.2", "1", "-1"]),
        Case(
            #"{"type":"number","minimum":3.14,"maximum":3.15}"#, accepts: ["3.14", "3.145", "3.15", "3.150"],
            refuses: ["3.1399", "3.151", "3.2", "3", "3.1"]),
        Case(
            #"{"type":"number","minimum":-2,"maximum":-1.5}"#, accepts: ["-2", "-1.5", "-1.75", "-2.0"],
            refuses: ["-1.4", "-2.1", "1.5", "-1"]),
        Case(
            #"{"type":"number","maximum":1e2,"minimum":1E+1}"#, accepts: ["10", "99.5", "100"],
            refuses: ["9.9", "100.1", "1e1"]),
        Case(
            #"{"type":"number","exclusiveMaximum":0.30000000000000004}"#, accepts: ["0.3", "-5"],
            refuses: ["0.30000000000000004", "0.31"]),
        Case(#"{"type":"number","minimum":-1.7976931348623157e308}"#, accepts: ["-12.5"], refuses: ["1e99"]),
        Case(#"{"type":"integer","format":"int32"}"#, accepts: ["2147483647", "-2147483648"], refuses: ["2147483648"]),
        Case(#"{"type":"integer","multipleOf":1}"#, accepts: ["7", "-3"], refuses: ["1.5"]),
        Case(#"{"type":"integer","multipleOf":0.5}"#, accepts: ["7", "-3"], refuses: ["1.5"]),
        Case(
            #"{"type":"integer","multipleOf":100,"minimum":-200,"maximum":1050}"#,
            accepts: ["-200", "-100", "0", "100", "1000"], refuses: ["1100", "150", "-300", "00", "1"]),
        Case(
            #"{"type":"number","multipleOf":0.01,"minimum":0.1,"maximum":2}"#,
            accepts: ["0.1", "0.15", "1.99", "2", "2.00"],
            refuses: ["0.155", "0.09", "2.01", "0"]),
        Case(
            #"{"multipleOf":7}"#, accepts: ["0", "7", "-14", "49", "700", "7777"],
            refuses: ["1", "10", "48", "07", "7.0", "-0.5"]),
        Case(
            #"{"type":"integer","multipleOf":12,"minimum":0}"#, accepts: ["0", "12", "144"],
            refuses: ["-12", "1", "13", "120.0"]),
        Case(
            #"{"type":"number","multipleOf":0.25,"exclusiveMinimum":-0.5,"maximum":0.5}"#,
            accepts: ["-0.25", "0.00", "0.25", "0.50"], refuses: ["-0.50", "0.75", "0.1"]),
        Case(
            #"{"allOf":[{"multipleOf":4},{"multipleOf":6}],"minimum":0,"maximum":30}"#, accepts: ["0", "12", "24"],
            refuses: ["4", "6", "36"]),
        Case(
            #"{"enum":[12345678901234567890,1.10,1e5,-0]}"#, accepts: ["12345678901234567890", "1.10", "1e5", "-0"],
            refuses: ["1.1", "100000", "0", "12345678901234567000"]),
        Case(#"{"allOf":[{"enum":[1.10,2]},{"enum":[1.1,3,20e-1]}]}"#, accepts: ["1.10", "2"], refuses: ["3", "1.1"]),
        Case(#"{"type":"integer","const":1.0}"#, accepts: ["1.0"], refuses: ["1"]),
    ]

    static let strings = [
        Case(
            #"{"type":"string"}"#, accepts: [#""\ud83d\ude00""#, #""\u00e9\uFFFF""#, "\"\u{1F600}\""],
            refuses: [#""\ud83d""#, #""\udE00\ud83d""#, #""\ud83dx""#, "\"\u{1}\"", #""\uD83D\u0041""#]),
        Case(#"{"type":"string","maxLength":1}"#, accepts: [#""\ud83d\ude00""#, #""x""#], refuses: [#""xy""#]),
        Case(
            #"{"pattern":"^[a-z]+(?:-[a-z]+)*$","maxLength":5,"minLength":2}"#,
            accepts: [#""ab""#, #""a-bcd""#, #""abcde""#],
            refuses: [#""a""#, #""abcdef""#, #""a-""#, #""a--b""#]),
        Case(
            #"{"pattern":"^a","maxLength":3}"#, accepts: [#""a""#, #""abc""#, #""a\"\\""#],
            refuses: [#""abcd""#, #""b""#, #""""#]),
        Case(#"{"pattern":"^[A-Z]{2}$","minLength":1,"maxLength":9}"#, accepts: [#""AB""#], refuses: [#""A""#]),
        Case(
            #"{"allOf":[{"pattern":"a"},{"pattern":"b"}]}"#, accepts: [#""ab""#, #""xbya""#],
            refuses: [#""a""#, #""b""#]),
        Case(
            #"{"pattern":"^(?!x)(?!.*\\.\\.)[a-z.]+$"}"#, accepts: [#""a.b.c""#, #"".x""#],
            refuses: [#""xa""#, #""a..b""#, #""""#]),
        Case(#"{"pattern":"^(?=.*\\d).{2,3}$"}"#, accepts: [#""a1""#, #""1ab""#], refuses: [#""ab""#, #""1""#]),
        Case(
            #"{"pattern":"^(a|ab)(c|bcd)$"}"#, accepts: [#""ac""#, #""abc""#, #""abcd""#, #""abbcd""#],
            refuses: [#""a""#, #""ab""#]),
        Case(#"{"pattern":"^(a*)*$"}"#, accepts: [#""""#, #""aaa""#], refuses: [#""b""#]),
        Case(#"{"pattern":"^a|b$"}"#, accepts: [#""ax""#, #""xb""#], refuses: [#""xa""#, #""bx""#]),
        Case(#"{"pattern":"^[\"\\\\\\n]+$"}"#, accepts: [#""\"\\\n""#], refuses: [#""a""#, "\"\n\"", #""\u0022""#]),
        Case(#"{"pattern":"^\\x41\\u00e9\\t$"}"#, accepts: [#""Aé\t""#], refuses: [#""A""#]),
        Case(
            #"{"format":"date"}"#, accepts: [#""2024-02-29""#, #""2000-02-29""#, #""0001-01-01""#],
            refuses: [#""2023-02-29""#, #""1900-02-29""#, #""0000-01-01""#]),
        Case(
            #"{"format":"time"}"#, accepts: [#""23:59:59Z""#, #""00:00:00.123456+01:30""#],
            refuses: [#""24:00:00Z""#, #""12:00:00""#]),
        Case(
            #"{"format":"duration"}"#, accepts: [#""P1D""#, #""PT3H4M""#, #""P2W""#, #""P1Y2M3DT4S""#],
            refuses: [#""P""#, #""PT""#, #""P1WT1H""#, #""P1Y1D""#]),
        Case(
            #"{"format":"email"}"#, accepts: [#""a.b@c-d.example.org""#],
            refuses: [#""a""#, #""a@b""#, #"".a@b.cd""#, #""a..b@c.de""#]),
        Case(#"{"format":"email","maxLength":12}"#, accepts: [#""abc@defg.com""#], refuses: [#""abcd@defg.com""#]),
        Case(
            #"{"format":"ipv4"}"#, accepts: [#""255.0.19.1""#], refuses: [#""256.0.0.1""#, #""1.2.3""#, #""01.2.3.4""#]),
        Case(
            #"{"format":"ipv6"}"#, accepts: [#""::""#, #""::1""#, #""fe80::1:2""#, #""1:2:3:4:5:6:7:8""#, #""1::""#],
            refuses: [#""1:2""#, #""1::2::3""#, #""12345::""#]),
        Case(
            #"{"format":"uri","minLength":1,"maxLength":2083}"#, accepts: [#""https://example.org:80/a?b=%20""#],
            refuses: [#""example.org""#, #""http://a b""#]),
        Case(
            #"{"format":"uri"}"#, accepts: [#""mailto:a@b.c""#, #""https://a.b/c#d""#],
            refuses: [#""//a""#, #""http://a/%2""#]),
        Case(#"{"format":"hostname"}"#, accepts: [#""a-b.example""#], refuses: [#""-a""#, #""a.""#, #""a_b""#]),
        Case(
            #"{"format":"uuid","pattern":"^[0-9a-f-]+$"}"#, accepts: [#""123e4567-e89b-12d3-a456-426614174000""#],
            refuses: [#""123E4567-e89b-12d3-a456-426614174000""#]),
        Case(
            #"{"type":"string","format":"binary","contentMediaType":"image/png"}"#, accepts: [#""x""#], refuses: ["1"]),
        Case(
            #"{"type":"string","format":"byte"}"#, accepts: [#""""#, #""YQ==""#, #""YWJj""#],
            refuses: [#""YQ=""#, #""Y""#]),
        Case(
            #"{"enum":["ab","b",3,"abc"],"pattern":"^a","type":["string","integer"],"maxLength":2}"#,
            accepts: [#""ab""#, "3"], refuses: [#""b""#, #""abc""#]),
    ]

    static let objects = [
        Case(
            #"{"type":"object","properties":{"ab":{"type":"integer"},"a\"":true},"additionalProperties":{"type":"string"}}"#,
            accepts: [#"{"a\"":1,"x\"y":"z"}"#, #"{"a":"z"}"#],
            refuses: [#"{"\u0061b":"x"}"#, #"{"x":"y","a\"":"x"}"#, #"{"x":1}"#]),
        Case(
            #"{"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}"#,
            accepts: ["{}", #"{"a":1}"#], refuses: [#"{"b":1}"#]),
        Case(
            #"{"allOf":[{"properties":{"a":{"minimum":2}},"additionalProperties":{"type":"integer"}},{"properties":{"a":{"maximum":4},"b":{"maximum":9}}}]}"#,
            accepts: [#"{"a":3,"b":7}"#, #"{"c":99}"#], refuses: [#"{"a":5}"#, #"{"b":1.5}"#, #"{"c":"x"}"#]),
        Case(
            #"{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"null"}}"#,
            accepts: ["{}", #"{"a":null}"#], refuses: [#"{"a":1}"#]),
        Case(
            #"{"type":"object","propertyNames":{"enum":["x","y"]},"additionalProperties":{"type":"null"},"required":["y"]}"#,
            accepts: [#"{"y":null}"#, #"{"y":null,"x":null}"#], refuses: [#"{"x":null}"#, #"{"z":null}"#, "{}"]),
        Case(
            #"{"type":"object","propertyNames":{"pattern":"^k\\d$"},"additionalProperties":{"type":"null"},"minProperties":1,"maxProperties":2}"#,
            accepts: [#"{"k1":null}"#, #"{"k1":null,"k2":null}"#],
            refuses: ["{}", #"{"x":null}"#, #"{"k1":null,"k2":null,"k3":null}"#]),
        Case(
            #"{"type":"object","properties":{"a":{},"xyz":{}},"propertyNames":{"maxLength":2}}"#,
            accepts: [#"{"a":1}"#],
            refuses: [#"{"xyz":1}"#]),
        Case(
            #"{"type":"object","properties":{"id":{"type":"integer"}},"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#,
            accepts: [#"{"id":1,"x-a":"b"}"#, #"{"x-":"b"}"#], refuses: [#"{"x-a":1}"#, #"{"y":"b"}"#]),
        Case(
            #"{"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"minProperties":2,"maxProperties":2}"#,
            accepts: [#"{"a":1,"b":2}"#, #"{"a":1,"c":3}"#, #"{"b":2,"c":3}"#],
            refuses: ["{}", #"{"a":1}"#, #"{"a":1,"b":2,"c":3}"#]),
        Case(
            #"{"type":"object","properties":{"a":false,"b":{"not":{}},"c":{"type":"integer"}}}"#,
            accepts: ["{}", #"{"c":1}"#], refuses: [#"{"a":1}"#, #"{"b":1}"#]),
        Case(
            #"{"type":"object","required":["a","a","z"],"properties":{"a":{"const":1}}}"#,
            accepts: [#"{"a":1,"z":[]}"#], refuses: [#"{"a":1}"#]),
        Case(
            #"{"type":"object","properties":{"next":{"anyOf":[{"type":"object","properties":{"a":{"type":"string","minLength":3,"maxLength":2}},"required":["a"]},{"type":"null"}]}},"required":["next"]}"#,
            accepts: [#"{"next":null}"#], refuses: [#"{"next":{"a":""}}"#]),
        Case(
            ##"{"type":"object","properties":{"a/b c~d":{"type":"integer"}},"required":["a/b c~d"],"additionalProperties":{"$ref":"#/properties/a~1b%20c~0d"}}"##,
            accepts: [#"{"a/b c~d":1,"e":2}"#], refuses: [#"{"a/b c~d":1,"e":"x"}"#]),
    ]

    static let arrays = [
        Case(
            #"{"prefixItems":[{"type":"integer"},{"type":"string"}]}"#, accepts: ["[]", "[1]", #"[1, "a"]"#],
            refuses: [#"["a"]"#, #"[1,"a",2]"#]),
        Case(
            #"{"prefixItems":[{"type":"integer"}],"items":{"type":"null"},"minItems":2,"maxItems":3}"#,
            accepts: ["[1,null]", "[1,null,null]"], refuses: ["[1]", "[null]", "[1,null,null,null]", "[1,1]"]),
        Case(#"{"prefixItems":[{"type":"integer"}],"items":false}"#, accepts: ["[]", "[1]"], refuses: ["[1,2]"]),
        Case(
            #"{"items":[{"type":"integer"}],"additionalItems":{"type":"null"}}"#, accepts: ["[]", "[1]", "[1,null]"],
            refuses: ["[null]"]),
        Case(#"{"type":"array","items":false}"#, accepts: ["[]", "[ ]"], refuses: ["[1]"]),
        Case(
            #"{"prefixItems":[{"type":"integer"},false,{"type":"null"}]}"#, accepts: ["[]", "[1]"], refuses: ["[1,2]"]),
        Case(#"{"type":"array","maxItems":1,"uniqueItems":true}"#, accepts: ["[]", "[1]"], refuses: ["[1,2]"]),
        Case(
            #"{"allOf":[{"items":{"minimum":2}},{"prefixItems":[{"maximum":5}],"items":{"maximum":9}}]}"#,
            accepts: ["[3,7]"], refuses: ["[7,7]", "[1]", "[3,10]"]),
    ]

    static let combinations = [
        Case(
            #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"integer"}}},{"type":"object","properties":{"k":{"enum":["b","c"]}}}],"discriminator":{"propertyName":"k"}}"#,
            accepts: [#"{"k":"a","x":1}"#, #"{"k":"a"}"#, #"{"k":"c"}"#],
            refuses: ["{}", #"{"x":1}"#, #"{"k":"b","x":1}"#]),
        Case(
            #"{"oneOf":[{"type":"string"},{"type":"number"},{"type":["null","array"]}]}"#,
            accepts: [#""a""#, "1.5", "null", "[]"],
            refuses: ["true", "{}"]),
        Case(
            #"{"oneOf":[{"type":"integer"},{"const":"x"},{"enum":["y",null]}]}"#, accepts: ["1", #""x""#, "null"],
            refuses: [#""z""#]),
        Case(
            #"{"anyOf":[{"type":"string","minLength":3},{"type":"integer"}],"maxLength":2}"#, accepts: ["5"],
            refuses: [#""ab""#, #""abc""#]),
        Case(#"{"enum":[1,2,3,4],"anyOf":[{"maximum":1},{"minimum":4}]}"#, accepts: ["1", "4"], refuses: ["2", "3"]),
        Case(#"{"enum":[1,2,3,4],"oneOf":[{"maximum":3},{"minimum":3}]}"#, accepts: ["1", "2", "4"], refuses: ["3"]),
        Case(
            #"{"const":{"b":[1,{"c":null}],"a":"x"},"type":"object","required":["a"]}"#,
            accepts: [#"{"b":[1,{"c":null}],"a":"x"}"#], refuses: [#"{"a":"x"}"#]),
        Case(
            ##"{"$defs":{"n":{"$anchor":"name","type":"integer"}},"type":"array","items":{"$ref":"#name"}}"##,
            accepts: ["[1]"], refuses: [#"["a"]"#]),
        Case(
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},"b":{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}}}}}"##,
            accepts: [#"{"x":{"x":{}}}"#], refuses: [#"{"x":1}"#]),
        Case(
            ##"{"$defs":{"A":{"minimum":3}},"properties":{"p":{"$ref":"#/$defs/A","type":"integer","description":"d"}}}"##,
            accepts: [#"{"p":3}"#], refuses: [#"{"p":2}"#, #"{"p":3.5}"#]),
    ]

    static let sloppiness = [
        Case(
            #"{"type":"object","properties":{"a":{"type":"string","enum":null,"pattern":null}},"required":null,"items":null,"anyOf":null,"additionalProperties":null}"#,
            accepts: ["{}", #"{"a":"x"}"#], refuses: [#"{"a":1}"#, #"{"b":1}"#]),
        Case(#"{"type":"string","nullable":true}"#, accepts: ["null", #""x""#], refuses: ["1"]),
        Case(#"{"type":"string","nullable":false}"#, accepts: [#""x""#], refuses: ["null"]),
        Case(
            #"{"type":"string","enum":["a"],"enumDescriptions":["b"],"markdownDescription":"c","x-any":{"type":"integer"},"examples":[1],"deprecated":true,"title":null}"#,
            accepts: [#""a""#], refuses: [#""b""#]),
        Case(#"{"const":null}"#, accepts: ["null"], refuses: ["1"]),
    ]
}
