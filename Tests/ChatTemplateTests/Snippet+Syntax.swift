// Templates and what Jinja makes of them; `SnippetTests` compares both this package and Jinja itself with it.
extension Snippet {
    static let whiteSpaceAroundTags: [Snippet] = [
        Snippet("a\n{% if t %}\nb\n{% endif %}\nc", "a\nb\nc"),
        Snippet("a\n  {% if t %}  \n b {% endif %} \nc", "a\n  \n b  \nc"),
        Snippet("a {%- if t -%} \n b \n {%- endif %} c", "ab c"),
        Snippet("{{ 1 }}\n{{ 2 }}\n", "1\n2"),
        Snippet("x\n\n", "x\n"),
        Snippet("x\n", "x"),
        Snippet("  {{- 1 -}}  y", "1y"),
        Snippet("a\n   {#- note -#}   \nb", "ab"),
        Snippet("a\n  {# note #}\nb", "a\nb"),
        Snippet("a\n  {%+ if t %}b{% endif %}", "a\n  b"),
        Snippet("{% if t +%}\nb{% endif %}", "\nb"),
        Snippet("{% raw %}{{ x }}{% endraw %}!", "{{ x }}!"),
        Snippet("a\n{% raw %}\n {% if %}\n{% endraw %}\nb", "a\n\n {% if %}\nb"),
        Snippet("a\r\nb\rc{{ '\r\n'|length }}", "a\nb\nc1"),
        Snippet("  {% set a = 1 %}\n  {{ a }}", "  1"),
        Snippet("{% for i in items %}\n  {{ i }}\n{% endfor %}\n", "  3\n  1\n  2\n"),
        Snippet("{%- for i in items -%} {{ i }} {%- endfor -%}", "312"),
        Snippet("a{# x\n#}\n\nb", "a\nb"),
        Snippet("{{ '%}' }}{{ '}}' }}", "%}}}"),
        Snippet("{{ {'a': {'b': 1}}['a']['b'] }}", "1"),
    ]

    static let literals: [Snippet] = [
        Snippet("{{ 1 }} {{ -1 }} {{ 1.50 }} {{ 1e3 }} {{ 0x1F }} {{ 0b11 }} {{ 1_000 }}", "1 -1 1.5 1000.0 31 3 1000"),
        Snippet(#"{{ 'a\n\t\'\\\x41\u00e9\101' }}"#, "a\n\t'\\AéA"),
        Snippet(#"{{ "q\"\d" }}"#, #"q"\d"#),
        Snippet("{{ 'a' 'b' }}", "ab"),
        Snippet("{{ [1, 'a', none, true, 1.0, [2,], (1,), ()] }}", "[1, 'a', None, True, 1.0, [2], (1,), ()]"),
        Snippet("{{ {'a': 1, 2: 'b', 'c': {}} }}", "{'a': 1, 2: 'b', 'c': {}}"),
        Snippet("{{ True }} {{ false }} {{ None }}", "True False None"),
        Snippet("{{ (1, 2) }} {{ 1, 2 }}", "(1, 2) (1, 2)"),
        Snippet(
            #"{{ 'it\'s' ~ ["it's", 'say "x"', 'both \'"', 'tab\t\x00\u2028é'] }}"#,
            #"it's["it's", 'say "x"', 'both \'"', 'tab\t\x00\u2028é']"#),
        Snippet("{{ 1e16 }} {{ 1e15 }} {{ 0.00001 }} {{ 1.0 }}", "1e+16 1000000000000000.0 1e-05 1.0"),
    ]

    static let operators: [Snippet] = [
        Snippet(
            "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}",
            "3 -4 1 2 3.5 1024 0.5"),
        Snippet("{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 + 1.0 }} {{ true + 1 }}", "3.0 0.5 2.0 2"),
        Snippet("{{ 'a' * 3 }} {{ 3 * 'ab' }} {{ [1] * 2 }} {{ 'x' * -1 }}|", "aaa ababab [1, 1] |"),
        Snippet("{{ 'a' + 'b' }} {{ [1] + [2] }} {{ (1,) + (2,) }}", "ab [1, 2] (1, 2)"),
        Snippet("{{ 1 ~ 'a' ~ none ~ 1.0 ~ [1] ~ undef }}", "1aNone1.0[1]"),
        Snippet(
            "{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1,2] < [1,3] }} {{ '1' == 1 }}",
            "True False True True True True False"),
        Snippet(
            "{{ 1 in items }} {{ 9 not in items }} {{ 'ell' in s }} {{ 'b' in d }} {{ 'x' in undef }}",
            "True True True True False"),
        Snippet("{{ not t }} {{ t and 'yes' }} {{ '' or 'no' }} {{ none or undef or 0 }}", "False yes no 0"),
        Snippet("{{ 'a' if t }}{{ 'b' if not t }}{{ 'c' if not t else 'd' if n == 5 else 'e' }}", "ad"),
        Snippet("{{ -n }} {{ +n }} {{ --n }} {{ -n|abs }} {{ (-n)|abs }}", "-5 5 5 5 5"),
        Snippet("{{ 2 + 3 * 4 - 1 }} {{ (2 + 3) * 4 }} {{ 2 * 3 ** 2 }} {{ 2 ** 3 ** 2 }}", "13 20 18 64"),
        Snippet("{{ 10 - 2 - 3 }} {{ 1 ~ 2 }}{{ 1 ~ 2 == '12' }}", "5 12True"),
        Snippet(
            "{{ '%s is %d years, %.2f %5s|%-5s|%05d %x %%' % ('Ann', 30, 1.005, 'a', 'b', 42, 255) }}",
            "Ann is 30 years, 1.00     a|b    |00042 ff %"),
        Snippet("{{ '%(a)s' % {'a': 1} }} {{ '%s' % 'x' }} {{ '%r' % ('x',) }}", "1 x 'x'"),
    ]

    static let variablesAndScopes: [Snippet] = [
        Snippet("{% set a = 1 %}{% for i in items %}{% set a = i %}{% endfor %}{{ a }}", "1"),
        Snippet(
            "{% set ns = namespace(a=1, b='x') %}{% for i in items %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }} {{ ns.b }} {{ ns.c is defined }}",
            "7 x False"),
        Snippet("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
        Snippet("{% set a %}x {{ n }}{% endset %}[{{ a }}]", "[x 5]"),
        Snippet("{% set a | upper | trim %} x {{ n }} {% endset %}[{{ a }}]", "[X 5]"),
        Snippet("{% if t %}{% set a = 1 %}{% endif %}{{ a }}", "1"),
        Snippet("{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "15False"),
        Snippet(
            "{% set d2 = dict(d, z=1) %}{{ d2 }} {{ dict([('a', 1)]) }} {{ dict(a=2) }}",
            "{'b': 1, 'a': [1, 2], 'c': None, 'z': 1} {'a': 1} {'a': 2}"),
        Snippet("{% filter upper %}a{{ name }}{% endfilter %}", "AWORLD"),
        Snippet("{% set x = 2 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 3 %}{{ f() }}", "3"),
        Snippet("{% for i in [1] %}{{ n }}{% set n = 7 %}{{ n }}{% endfor %}{{ n }}", "575"),
        Snippet("{% generation %}a{{ n }}{% endgeneration %}", "a5"),
        Snippet("{% block b %}x{{ n }}{% endblock %}", "x5"),
        Snippet("{% set ns = namespace({'k': 1}) %}{{ ns.k }}{{ ns['k'] }}", "11"),
        Snippet("{% print n, 2 %}", "52"),
    ]

    static let loops: [Snippet] = [
        Snippet(
            "{% for i in items %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
            "1032TrueFalse3 2121FalseFalse3 3210FalseTrue3 "),
        Snippet("{% for i in items if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}", "1/2:3 2/2:2 "),
        Snippet("{% for i in [] %}x{% else %}none{% endfor %}", "none"),
        Snippet("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "b=1;a=[1, 2];c=None;"),
        Snippet("{% for k in d %}{{ k }}{% endfor %}", "bac"),
        Snippet("{% for c in 'äb' %}{{ c }}.{% endfor %}", "ä.b."),
        Snippet(
            "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "02"),
        Snippet("{% for i in items %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "<3>1 3<1>2 1<2> "),
        Snippet(
            "{% for i in items %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }}{% endfor %}", "aTruebTrueaTrue"),
        Snippet(
            "{% for i in items %}{% for j in 'ab' %}{{ loop.index }}{{ i }}{% endfor %}{{ loop.index }}{% endfor %}",
            "132311121212223"),
        Snippet(
            "{% for i in items recursive %}{{ i }}{% if loop.depth < 3 and i == 1 %}({{ loop([1, 9]) }}){% endif %}{% endfor %}",
            "31(1(19)9)2"),
        Snippet("{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"),
        Snippet("{% for i in undef %}x{% else %}e{% endfor %}", "e"),
        Snippet("{{ range(3) | list }}{{ range(1, 4)|list }}{{ range(5, 0, -2)|list }}", "[0, 1, 2][1, 2, 3][5, 3, 1]"),
        Snippet(
            "{% set ns = namespace(f=false) %}{% for i in items if not ns.f %}{{ i }}{% set ns.f = true %}{% endfor %}",
            "3"),
        Snippet("{% for i in items %}{{ i }}{{ ', ' if not loop.last }}{% endfor %}", "3, 1, 2"),
    ]

    static let macros: [Snippet] = [
        Snippet(
            "{% macro f(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f(b=4, a=5) }} {{ f() }}",
            "12x 123 54x 2x"),
        Snippet("{% macro f(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, k=3) }}", "(2,){'k': 3}"),
        Snippet("{% macro f(x) %}[{{ caller(x) }}]{% endmacro %}{% call(y) f(3) %}{{ y }}{{ n }}{% endcall %}", "[35]"),
        Snippet("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210"),
        Snippet("{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}", "11"),
        Snippet("{% macro f() %}x{% endmacro %}{{ f()|upper }}{{ f() == 'x' }}", "XTrue"),
        Snippet("{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}", "12"),
        Snippet("{% macro f() %} a {% endmacro %}[{{- f() -}}]", "[ a ]"),
        Snippet("{{ g() if g is defined else 'no' }}{% macro g() %}y{% endmacro %}{{ g() }}", "noy"),
    ]
}
