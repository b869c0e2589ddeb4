"""What may be changed about a conversation so that a template can write it, from no change to much.

A template is not asked what it can do: it is tried. The first form that renders without an error, and in which every text
of the conversation stands as it should, is the one to compare with.
"""

import copy
import itertools
import json
import re


def parsed(text):
    """The object that arguments are; the text itself where they are none."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def map_arguments(messages, change):
    for message in messages:
        for call in message.get("tool_calls") or []:
            call["function"]["arguments"] = change(call["function"]["arguments"])


def arguments_as_objects(messages, tools):
    """What the documents of transformers ask for; broken ones stay text."""
    map_arguments(messages, parsed)


def arguments_whole_objects(messages, tools):
    """Broken ones become an empty object."""
    def change(text):
        value = parsed(text)
        return value if isinstance(value, dict) else {}

    map_arguments(messages, change)


def arguments_whole(messages, tools):
    """Text, but empty and broken ones become an empty object's."""
    map_arguments(messages, lambda text: text if text.strip() and isinstance(parsed(text), dict) else "{}")


def content_empty(messages, tools):
    for message in messages:
        if message.get("content") is None:
            message["content"] = ""


def short_ids(messages, tools):
    """Nine letters and digits, as Mistral's templates demand."""
    def short(text):
        return re.sub("[^a-zA-Z0-9]", "", text)[-9:].rjust(9, "0")

    for message in messages:
        for call in message.get("tool_calls") or []:
            call["id"] = short(call["id"])
        if "tool_call_id" in message:
            message["tool_call_id"] = short(message["tool_call_id"])


def named_ids(messages, tools):
    """`functions.NAME:INDEX`, counted through the conversation, as Kimi's templates demand."""
    names, index = {}, 0
    for message in messages:
        for call in message.get("tool_calls") or []:
            names[call["id"]] = call["id"] = f"functions.{call['function']['name']}:{index}"
            index += 1
        if message.get("tool_call_id") in names:
            message["tool_call_id"] = names[message["tool_call_id"]]


def named_results(messages, tools):
    """Results say which function they are of."""
    names = {}
    for message in messages:
        for call in message.get("tool_calls") or []:
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            message["name"] = names[message["tool_call_id"]]


def whole_tools(messages, tools):
    for tool in tools or []:
        tool["function"].setdefault("description", "")
        if not tool["function"].get("parameters"):
            tool["function"]["parameters"] = {"type": "object", "properties": {}}


def described_properties(messages, tools):
    whole_tools(messages, tools)
    for tool in tools or []:
        for schema in tool["function"]["parameters"].get("properties", {}).values():
            schema.setdefault("description", "")


def joined_parts(messages, tools):
    for message in messages:
        if isinstance(message.get("content"), list):
            message["content"] = "\n".join(part["text"] for part in message["content"])


def text_as_parts(messages, tools):
    for message in messages:
        if isinstance(message.get("content"), str):
            message["content"] = [{"type": "text", "text": message["content"]}]


def no_tools_as_list(messages, tools):
    """An empty list in place of nothing, for templates that are for tools alone."""
    return messages, tools if tools is not None else []


def single_calls(messages, tools):
    """One call at a time, each with its result behind it."""
    results = {message["tool_call_id"]: message for message in messages if message["role"] == "tool"}
    changed = []
    for message in messages:
        calls = message.get("tool_calls") or []
        if len(calls) > 1:
            for index, call in enumerate(calls):
                changed.append((message if index == 0 else message | {"content": ""}) | {"tool_calls": [call]})
                if call["id"] in results:
                    changed.append(results.pop(call["id"]))
        elif message["role"] != "tool" or message["tool_call_id"] in results:
            changed.append(message)
    return changed, tools


def split_calls(messages, tools):
    """Text beside calls in a message of its own."""
    changed = []
    for message in messages:
        if message.get("tool_calls") and message.get("content"):
            changed.append({key: value for key, value in message.items() if key != "tool_calls"})
            message = message | {"content": ""}
        changed.append(message)
    return changed, tools


def spaced_calls(messages, tools):
    """As `split_calls`, and the user says nothing in between."""
    changed, _ = split_calls(messages, tools)
    for index in reversed(range(1, len(changed))):
        if changed[index].get("tool_calls") and changed[index - 1]["role"] == "assistant":
            changed.insert(index, {"role": "user", "content": ""})
    return changed, tools


def merged_system(messages, tools):
    """The system's text opens the first user's message."""
    if len(messages) > 1 and messages[0]["role"] == "system":
        system = messages.pop(0)
        messages[0]["content"] = system["content"] + "\n" + messages[0]["content"]


def merged_users(messages, tools):
    index = 1
    while index < len(messages):
        before, message = messages[index - 1], messages[index]
        if before["role"] == message["role"] == "user":
            before["content"] += "\n\n" + message["content"]
            del messages[index]
        else:
            index += 1


def without_reasoning(messages, tools):
    for message in messages:
        message.pop("reasoning_content", None)


# Each group holds the ways of one matter, the mildest first; the first of each is what is done to every conversation.
GROUPS = [
    [arguments_as_objects, None, arguments_whole_objects, arguments_whole],
    [None, content_empty],
    [whole_tools, described_properties],
    [None, no_tools_as_list],
    [None, short_ids, named_ids],
    [None, named_results],
    [None, joined_parts, text_as_parts],
    [None, without_reasoning],
    [None, single_calls],
    [None, split_calls, spaced_calls],
    [None, merged_system],
    [None, merged_users],
]


def orders(groups):
    """Which way of each group is taken, at most three of them changes: the fewest and mildest first."""
    choices = [choice for choice in itertools.product(*[range(len(group)) for group in groups])
               if sum(map(bool, choice)) <= 3]
    return sorted(choices, key=lambda choice: (sum(map(bool, choice)), sum(choice), choice[::-1]))


ORDERS = orders(GROUPS)


def forms(messages, tools):
    """Yields the names of the changes, and messages and tools that they were made to, as `orders` has it."""
    seen = set()
    for choice in ORDERS:
        changed, tools_changed = copy.deepcopy(messages), copy.deepcopy(tools)
        names = []
        for group, index in zip(GROUPS, choice):
            change = group[index]
            if change is None:
                continue
            if change in (merged_system, merged_users) and any(
                    isinstance(message.get("content"), list) for message in changed):
                continue
            before = json.dumps([changed, tools_changed])
            # What makes new lists returns them.
            changed, tools_changed = change(changed, tools_changed) or (changed, tools_changed)
            if json.dumps([changed, tools_changed]) != before:
                names.append(change.__name__)
        key = json.dumps([changed, tools_changed])
        if key not in seen:
            seen.add(key)
            yield names, changed, tools_changed


def loss(rendered, texts):
    """What is wrong with a prompt: a text that is missing, or an object that was written as no model was taught it."""
    for text in texts:
        if text not in rendered and json.dumps(text)[1:-1] not in rendered:
            return f"lost: {text}"
    if re.search(r"\{'(city': '|type': 'text)", rendered) or '"type": "text"' in rendered:
        return "an object in Python's writing"
    if r"{\"city\"" in rendered or '"{}"' in rendered:
        return "arguments quoted twice"
    if re.search(r"(?<![A-Za-z])(?<!= )(None|Undefined)(?![A-Za-z])", rendered):
        return "None in the text"
    return None
