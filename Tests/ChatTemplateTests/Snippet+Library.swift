// Templates and what Jinja makes of them; `SnippetTests` compares both this package and Jinja itself with it.
extension Snippet {
    static let strings: [Snippet] = [
        Snippet(
            "{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ 'xxaxx'.strip('x') }}",
            "Hello World|Hello World  |  Hello World|a"),
        Snippet(
            "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ 'a  b c'.split(none, 1) }}",
            "['a', 'b', '', 'c'] ['a', 'b'] ['a', 'b c'] ['a b', 'c'] ['a', 'b c']"),
        Snippet(
            "{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.startswith('b', 1) }}",
            "True True True"),
        Snippet(
            "{{ 'aXbX'.replace('X', '-') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '.') }}",
            "a-b- bba .a.b."),
        Snippet(
            "{{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aB'.swapcase() }} {{ 'ß'.upper() }} {{ 'ÄÖ'.lower() }}",
            "Hello World Hello Ab SS äö"),
        Snippet(
            "{{ 'a-b'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'ab'.partition('-') }}",
            "('a', '-', 'b') ('a-b', '-', 'c') ('ab', '', '')"),
        Snippet(
            "{{ 'abcabc'.find('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.rfind('b') }} {{ 'äbc'.index('c') }} {{ 'aaa'.count('a') }}",
            "2 -1 4 2 3"),
        Snippet("{{ ','.join(['a', 'b']) }} {{ 'a'.join('xyz') }}", "a,b xayaz"),
        Snippet(
            "{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.ljust(3) }}| {{ 'a'.rjust(3, '.') }} {{ 'ab'.center(5) }}| {{ 'ab'.center(5, '*') }}",
            "007 -007 a  | ..a   ab | **ab*"),
        Snippet(
            "{{ 'a1'.isalnum() }} {{ 'a1'.isalpha() }} {{ '12'.isdigit() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }} {{ 'Ab Cd'.istitle() }} {{ ''.isdigit() }}",
            "True False True True True True True False"),
        Snippet(
            #"{{ 'a\nb\r\nc'.splitlines() }} {{ 'a\n\nb\n'.splitlines(true) }}"#,
            #"['a', 'b', 'c'] ['a\n', '\n', 'b\n']"#),
        Snippet("{{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.py'.removesuffix('.py') }}", "x x"),
        Snippet(
            "{{ '{} {} {0}'.replace('{0}', '').format(1, 'b') }} {{ '{0}{1}{0}'.format('a', 'b') }} {{ '{a}-{b.c}-{b[c]}'.format(a=1, b={'c': 2}) if false else '' }}{{ '{x:>5}|{x:<5}|{x:^5}|{y:05d}|{z:.2f}|{y:,}|{y:x}|{{}}'.format(x='ab', y=1234, z=3.14159) }} {{ '{!r}'.format('a') }}",
            "1 b  aba    ab|ab   | ab  |01234|3.14|1,234|4d2|{} 'a'"),
        Snippet("{{ uni[0] }}{{ uni[-1] }}{{ uni[1:3] }}{{ uni[::-1] }}{{ uni|length }}", "G😀rü😀 eßürG7"),
        Snippet(
            "{{ s[2:-2] }}|{{ s[:4] }}|{{ s[-4:] }}|{{ 'abcdef'[::2] }}|{{ 'abcdef'[4:1:-1] }}|{{ 'abc'[5:] }}|{{ 'abc'[-9:2] }}",
            "Hello World|  He|ld  |ace|edc||ab"),
        Snippet("{{ 'abc'[1] }} {{ 'abc'[9] is defined }}", "b False"),
        Snippet(#"{{ 'a\u0301' == '\u00e1' }} {{ 'a\u0301'|length }}"#, "False 2"),
    ]

    static let listsAndDictionaries: [Snippet] = [
        Snippet(
            "{{ items[0] }} {{ items[-1] }} {{ items[1:] }} {{ items[9] is defined }} {{ items[::-1] }} {{ items.0 }}",
            "3 2 [1, 2] False [2, 1, 3] 3"),
        Snippet(
            "{{ d.a }} {{ d['a'][1] }} {{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 7) }} {{ d.zz is defined }} {{ d['c'] }}",
            "[1, 2] 2 1 None 7 False None"),
        Snippet(
            "{{ d.keys()|list }} {{ d.values()|list }} {{ d.items()|list }} {{ d.keys()|length }}",
            "['b', 'a', 'c'] [1, [1, 2], None] [('b', 1), ('a', [1, 2]), ('c', None)] 3"),
        Snippet("{{ items.index(2) }} {{ [1, 1].count(1) }} {{ (1, 2).index(2) }}", "2 2 1"),
        Snippet(
            "{{ {'items': 1}.items is defined }} {{ {'items': 1}['items'] }} {{ {'x': {'items': 2}}.x['items'] }}",
            "True 1 2"),
        Snippet("{{ d|length }} {{ items|length }} {{ {}|length }} {{ 'a' in {'a': 1} }}", "3 3 0 True"),
        Snippet(
            "{{ [1, [2, [3]]][1][1][0] }} {{ people[0].name }} {{ people[2].city is defined }} {{ people[2]['city'] | default('?') }}",
            "3 Ann False ?"),
        Snippet(
            "{{ [3,1,2]|sort }} {{ items == [3, 1, 2] }} {{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ (1, 2) == [1, 2] }}",
            "[1, 2, 3] True True False"),
        Snippet("{{ nothing.foo is defined }} {{ none[1:] is defined }} {{ 1[2:] }}", "False False "),
        Snippet("{{ {1: 'a', true: 'b', 1.0: 'c'} }} {{ {'a': 1, 'a': 2} }}", "{1: 'c'} {'a': 2}"),
    ]

    static let valueTests: [Snippet] = [
        Snippet(
            "{{ undef is defined }} {{ n is defined }} {{ undef is undefined }} {{ none is none }} {{ n is not none }}",
            "False True True True True"),
        Snippet(
            "{{ 's' is string }} {{ n is number }} {{ t is number }} {{ t is integer }} {{ n is integer }} {{ x is float }} {{ t is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }}",
            "True True True False True True True True False True"),
        Snippet(
            "{{ d is mapping }} {{ items is mapping }} {{ items is iterable }} {{ 's' is iterable }} {{ n is iterable }} {{ items is sequence }} {{ d is sequence }} {{ undef is sequence }} {{ undef is iterable }} {{ d.items() is sequence }}",
            "True False True True False True True True True False"),
        Snippet(
            "{{ n is odd }} {{ n is even }} {{ n is divisibleby 5 }} {{ n is divisibleby(3) }}", "True False True False"
        ),
        Snippet(
            "{{ n is equalto 5 }} {{ n is eq(5) }} {{ n == 5 is true }} {{ n is ne 4 }} {{ n is gt 4 }} {{ n is lessthan 4 }} {{ n is ge 5 }}",
            "True True False True True False True"),
        Snippet("{{ 1 is in items }} {{ 9 is not in items }} {{ 'a' is in 'abc' }}", "True True True"),
        Snippet(
            "{{ range is callable }} {{ n is callable }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'x' is sameas 'x' }} {{ 1 is sameas true }}",
            "True False True True True False"),
        Snippet("{{ 'upper' is filter }} {{ 'zz' is filter }} {{ 'odd' is test }}", "True False True"),
        Snippet("{{ 'x' if undef is not defined and n is number else 'y' }}", "x"),
        Snippet("{{ items is defined and items is string or n is number }}", "True"),
    ]

    static let filtersOfText: [Snippet] = [
        Snippet(
            "{{ s|trim }}|{{ 'xax'|trim('x') }}|{{ name|upper }}|{{ name|lower }}|{{ 'aBC dE'|capitalize }}|{{ 'aBC dE-fG (hI'|title }}",
            "Hello World|a|WORLD|world|Abc de|Abc De-Fg (Hi"),
        Snippet(
            "{{ 'a-b-c'|replace('-', '+') }} {{ 'a-b-c'|replace('-', '+', 1) }} {{ 112|replace(1, 2) }}",
            "a+b+c a+b-c 222"),
        Snippet(
            #"{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ 'a\nb'|indent('> ') }}"#,
            "a\n    b\n\n    c|  a\n  b|a\n \n b|a\n> b"),
        Snippet(
            #"{{ '<a href="x">&\'</a>'|e }} {{ '<'|escape }} {{ '<'|safe }}"#,
            "&lt;a href=&#34;x&#34;&gt;&amp;&#39;&lt;/a&gt; &lt; <"),
        Snippet(
            "{{ 'ab'|center(6) }}| {{ 'one two three four'|truncate(10) }} {{ 'one two three four'|truncate(10, true, '!') }} {{ 'short'|truncate(4) }}",
            "  ab  | one... one two t! short"),
        Snippet("{{ 'one two,three'|wordcount }} {{ 'a b/ü'|urlencode }}", "3 a%20b/%C3%BC"),
        Snippet(
            "{{ '%s-%s'|format('a', 1) }} {{ 5|string + '6' }} {{ none|string }} {{ 'a'|string|length }}",
            "a-1 56 None 1"),
        Snippet("{{ undef|upper }}{{ none|upper }}{{ 5|trim }}{{ [1]|upper }}", "NONE5[1]"),
        Snippet(
            "{{ 'abc'|reverse }} {{ 'abc'|first }}{{ 'abc'|last }} {{ 'abc'|list }} {{ 'abc'|join('-') }}",
            "cba ac ['a', 'b', 'c'] a-b-c"),
    ]

    static let json: [Snippet] = [
        Snippet(
            #"{{ d|tojson }} {{ people[0]|tojson }} {{ 'ü"\n'|tojson }} {{ 1.0|tojson }} {{ 1e-7|tojson }} {{ true|tojson }} {{ none|tojson }} {{ (1, 2)|tojson }}"#,
            #"{"b": 1, "a": [1, 2], "c": null} {"name": "Ann", "age": 30, "city": "Rom"} "ü\"\n" 1.0 1e-07 true null [1, 2]"#
        ),
        Snippet("{{ d|tojson(indent=2) }}", "{\n  \"b\": 1,\n  \"a\": [\n    1,\n    2\n  ],\n  \"c\": null\n}"),
        Snippet("{{ {}|tojson(indent=2) }}{{ []|tojson(indent=2) }}", "{}[]"),
        Snippet("{{ uni|tojson(ensure_ascii=true) }}", #""Gr\u00fc\u00dfe \ud83d\ude00""#),
        Snippet("{{ d|tojson(sort_keys=true) }}", #"{"a": [1, 2], "b": 1, "c": null}"#),
        Snippet("{{ d|tojson(separators=(',', ':')) }}", #"{"b":1,"a":[1,2],"c":null}"#),
        Snippet("{{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }}", #"{"1": 4, "null": 3, "1.5": 5}"#),
        Snippet("{{ d|tojson(indent='--') }}", "{\n--\"b\": 1,\n--\"a\": [\n----1,\n----2\n--],\n--\"c\": null\n}"),
        Snippet(#"{{ '</script>&\'\x7f'|tojson }}"#, "\"</script>&'\u{7F}\""),
        Snippet("{{ d|tojson(indent=0) }}", "{\n\"b\": 1,\n\"a\": [\n1,\n2\n],\n\"c\": null\n}"),
    ]

    static let filtersOfSequences: [Snippet] = [
        Snippet(
            "{{ items|join }} {{ items|join(', ') }} {{ people|join('/', attribute='name') }} {{ d|join('|') }}",
            "312 3, 1, 2 Ann/bob/Cy b|a|c"),
        Snippet(
            "{{ items|first }} {{ items|last }} {{ []|first is defined }} {{ d|first }} {{ d|last }}", "3 2 False b c"),
        Snippet(
            "{{ undef|default('x') }} {{ ''|default('x') }}| {{ ''|default('x', true) }} {{ none|default('x') }} {{ undef|d }}|",
            "x | x None |"),
        Snippet(
            "{{ items|sort }} {{ items|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ people|sort(attribute='age,name')|map(attribute='name')|list }}",
            "[1, 2, 3] [3, 2, 1] ['apple', 'Banana', 'cherry'] ['Banana', 'apple', 'cherry'] ['bob', 'Ann', 'Cy']"),
        Snippet(
            "{{ d|dictsort }} {{ {'b': 1, 'A': 2, 'c': 0}|dictsort }} {{ {'b': 1, 'A': 2}|dictsort(true) }} {{ {'b': 1, 'A': 2}|dictsort(by='value', reverse=true) }}",
            "[('a', [1, 2]), ('b', 1), ('c', None)] [('A', 2), ('b', 1), ('c', 0)] [('A', 2), ('b', 1)] [('A', 2), ('b', 1)]"
        ),
        Snippet(
            "{{ words|map('upper')|list }} {{ people|map(attribute='city', default='?')|list }} {{ items|map('string')|join('+') }} {{ [[1, 2], [3]]|map('first')|list }} {{ people|map(attribute='name')|map('length')|list }}",
            "['APPLE', 'BANANA', 'CHERRY'] ['Rom', 'Bonn', '?'] 3+1+2 [1, 3] [3, 3, 2]"),
        Snippet(
            "{{ items|select('odd')|list }} {{ items|reject('odd')|list }} {{ [0, 1, '', 'a', none]|select|list }} {{ items|select('>', 1)|list }} {{ items|select('in', [1, 2])|list }}",
            "[3, 1] [2] [1, 'a'] [3, 2] [1, 2]"),
        Snippet(
            "{{ people|selectattr('age', 'equalto', 30)|map(attribute='name')|list }} {{ people|rejectattr('city', 'defined')|map(attribute='name')|list }} {{ people|selectattr('city')|list|length }}",
            "['Ann', 'Cy'] ['Cy'] 2"),
        Snippet(
            "{{ items|sum }} {{ people|sum(attribute='age') }} {{ items|sum(start=10) }} {{ items|min }} {{ items|max }} {{ people|max(attribute='age') }} {{ words|min }} {{ []|max is defined }}",
            "6 85 16 1 3 {'name': 'Ann', 'age': 30, 'city': 'Rom'} apple False"),
        Snippet(
            "{{ [1, 2, 1, 'a', 'A']|unique|list }} {{ ['b', 'B', 'a']|unique(true)|list }} {{ people|unique(attribute='age')|map(attribute='name')|list }}",
            "[1, 2, 'a'] ['b', 'B', 'a'] ['Ann', 'bob']"),
        Snippet(
            "{% for k, g in people|groupby('age') %}{{ k }}:{{ g|map(attribute='name')|join(',') }} {% endfor %}{% for g in people|groupby('city', default='-') %}{{ g.grouper }}{{ g.list|length }} {% endfor %}",
            "25:bob 30:Ann,Cy -1 Bonn1 Rom1 "),
        Snippet(
            "{{ items|reverse|list }} {{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 0)|list }} {{ [1, 2, 3, 4, 5]|slice(2)|list }} {{ [1, 2, 3, 4]|slice(3, 'x')|list }}",
            "[2, 1, 3] [[1, 2], [3, 4], [5]] [[1, 2], [3, 0]] [[1, 2, 3], [4, 5]] [[1, 2], [3, 'x'], [4, 'x']]"),
        Snippet(
            "{{ d|items|list }} {{ undef|items|list }} {{ d|list }} {{ items|list }} {{ d|count }}",
            "[('b', 1), ('a', [1, 2]), ('c', None)] [] ['b', 'a', 'c'] [3, 1, 2] 3"),
        Snippet("{{ people[0]|attr('name') is defined }} {{ 'a'|attr('upper') is defined }}", "False True"),
        Snippet(
            "{{ '42'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '0x1f'|int(base=16) }} {{ 4.9|int }} {{ -4.9|int }} {{ '4.9'|int }} {{ none|int }} {{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }} {{ ' 7 '|int }} {{ '1_0'|int }}",
            "42 0 7 31 4 -4 4 0 1.5 0.0 3.0 7 10"),
        Snippet(
            "{{ 2.5|round }} {{ 3.5|round }} {{ 2.567|round(2) }} {{ 2.567|round(1, 'floor') }} {{ 2.1|round(method='ceil') }} {{ 5|round }} {{ 1234|round(-2) }} {{ 2.675|round(2) }} {{ -5|abs }} {{ -1.5|abs }}",
            "2.0 4.0 2.57 2.5 3.0 5 1200 2.67 5 1.5"),
        Snippet("{{ (items|select('odd')) is iterable }} {{ (people|map(attribute='name')|first) }}", "True Ann"),
    ]

    static let functions: [Snippet] = [
        Snippet(
            "{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %A %j %%') }}", "2024-07-26 12:34:56 26 Jul July Friday 208 %"),
        Snippet("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "abab"),
        Snippet("{% set j = joiner(', ') %}{% for i in items %}{{ j() }}{{ i }}{% endfor %}", "3, 1, 2"),
        Snippet("{{ dict(a=1).a }} {{ range(0)|list }} {{ range(3)|length }} {{ 2 in range(3) }}", "1 [] 3 True"),
    ]
}
