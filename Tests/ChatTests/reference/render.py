"""Renders chat templates as the transformers library does, for the tests to compare with.

    scripts/python --with Tests/ChatTests/reference/requirements.txt Tests/ChatTests/reference/render.py TEMPLATES-FOLDER [NOW]

For every template and every conversation a line of JSON: {template, conversation, messages, tools, texts, form, rendered}, or
with `error` in place of the last two. `messages` and `tools` are what a client sends; `form` names the changes that the
template needed before it could write them (`mending.py`); `rendered` is the prompt of that form, and every one of `texts`
stands in it. Where no form renders, `error` says why the unchanged one does not. NOW is the clock's time for templates that
print the date, in seconds since 1970.
"""

import copy
import datetime
import json
import os
import pathlib
import sys

os.environ["TRANSFORMERS_VERBOSITY"] = "error"  # It says that it found no PyTorch; none is needed.

from transformers.utils import chat_template_utils  # noqa: E402

from conversations import conversations  # noqa: E402
from mending import forms, loss  # noqa: E402

NOW = datetime.datetime.fromtimestamp(int(sys.argv[2])) if len(sys.argv) > 2 else datetime.datetime(2024, 7, 26, 12, 34, 56)
VARIABLES = {
    "bos_token": "<s>", "eos_token": "</s>", "enable_thinking": True, "date_string": "26 Jul 2024",
    "datetime": "Jul 26 2024",
}


def render(source, messages, tools, generation=True, **variables):
    """One prompt, the way `apply_chat_template` makes it, but with a clock that stands."""
    template = chat_template_utils._compile_jinja_template(source)
    template.environment.globals["strftime_now"] = NOW.strftime
    messages = chat_template_utils._normalize_chat_messages(copy.deepcopy(messages))
    rendered, _ = chat_template_utils.render_jinja_template(
        [messages], tools=copy.deepcopy(tools), chat_template=source, add_generation_prompt=generation,
        **(VARIABLES | variables))
    return rendered[0]


def reference(source, messages, tools, texts):
    first = None
    for names, changed, tools_changed in forms(messages, tools):
        try:
            rendered = render(source, changed, tools_changed)
        except Exception as error:  # whatever is raised, the template refused
            fault = f"{type(error).__name__}: {error}"
        else:
            fault = loss(rendered, texts)
        if fault is None:
            return {"form": names, "rendered": rendered}
        first = first or fault
    return {"error": first}


def main(folder):
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        for name, messages, tools, texts in conversations():
            line = {"template": path.name, "conversation": name, "messages": messages, "tools": tools, "texts": texts}
            print(json.dumps(line | reference(source, messages, tools, texts), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1])
