"""The official `openai` client against a real node."""

import json
import math
import threading

import openai
import pytest
from conftest import eventually

QUESTION = [{"role": "user", "content": "What is Shoal?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 12}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def chat(client, node, **options):
    defaults = {"model": node.model, "messages": QUESTION, "temperature": 0, "max_tokens": 48, "seed": 1}
    return client.chat.completions.create(**{**defaults, **options})


def complete(client, node, **options):
    defaults = {"model": node.model, "prompt": "A shoal is", "temperature": 0, "max_tokens": 8, "seed": 1}
    return client.completions.create(**{**defaults, **options})


def test_models_are_listed_and_found(client, node):
    models = client.models.list().data
    assert [model.id for model in models] == [node.model]
    assert client.models.retrieve(node.model).owned_by == "shoal"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_statistics_say_what_computes_and_how_fast_its_memory_is(client, node):
    chat(client, node, max_tokens=1)
    # Engines say what they compute with every few seconds; what they do meanwhile is not measured.
    eventually(lambda: node.get("/api/admin/stats")["hardware"]["inference_backend"], within=60)
    eventually(lambda: node.get("/api/admin/stats")["active_requests"] == 0, within=10)
    hardware = node.get("/api/admin/stats")["hardware"]
    assert hardware["inference_backend"] in ("cpu", "cuda", "rocm")
    assert hardware["gpu_inference"] == (hardware["inference_backend"] != "cpu")
    speed = hardware["memory_bandwidth_gbps"]
    if hardware["gpu_inference"]:
        assert speed is None and hardware["est_tokens_per_sec_7b"] is None
    else:
        assert 0.5 < speed < 20_000
        # Nine tenths of it, 4.37 GB for each token.
        assert hardware["est_tokens_per_sec_7b"] == pytest.approx(speed * 0.9 / 4.37, abs=0.1)
        assert node.get("/api/admin/stats")["hardware"]["memory_bandwidth_gbps"] == speed


def test_chat_answers_in_whole_sentences(client, node):
    answer = chat(client, node, max_tokens=96)
    choice = answer.choices[0]
    assert choice.message.role == "assistant"
    assert "machines" in choice.message.content
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_chat_is_the_same_text(client, node):
    whole = chat(client, node).choices[0].message.content
    stream = list(chat(client, node, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == whole
    assert stream[-1].choices == [] and stream[-1].usage.completion_tokens > 0
    assert stream[-2].choices[0].finish_reason in ("stop", "length")


def test_the_same_seed_gives_the_same_answer(client, node):
    def sampled(seed):
        options = {"temperature": 1.5, "seed": seed, "extra_body": {"cache_prompt": False, "min_p": 0, "top_k": 0}}
        return chat(client, node, top_p=1, **options).choices[0].message.content

    assert sampled(7) == sampled(7)
    assert len({sampled(seed) for seed in range(4)}) > 1


def test_several_answers_come_at_once(client, node):
    answer = chat(client, node, n=3, temperature=1.5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    streamed = {chunk.choices[0].index for chunk in chat(client, node, n=3, stream=True) if chunk.choices}
    assert streamed == {0, 1, 2}


def test_length_and_stop_end_an_answer(client, node):
    assert chat(client, node, max_completion_tokens=3, max_tokens=openai.NOT_GIVEN).choices[0].finish_reason == "length"
    whole = chat(client, node).choices[0].message.content
    word = whole.split()[3]
    stopped = chat(client, node, stop=[word])
    assert stopped.choices[0].message.content == whole[: whole.index(word)]
    assert stopped.choices[0].finish_reason == "stop"


def test_log_probabilities_of_chat(client, node):
    content = chat(client, node, logprobs=True, top_logprobs=3, max_tokens=6).choices[0].logprobs.content
    assert len(content) == 6
    for token in content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        # At temperature 0 the chosen token is the most likely one.
        assert math.isclose(token.logprob, token.top_logprobs[0].logprob, abs_tol=1e-4)
        assert bytes(token.bytes).decode("utf-8", "replace") == token.token


def test_tools_are_called(client, node):
    answer = chat(client, node, tools=[WEATHER], tool_choice="required", max_tokens=64)
    assert answer.choices[0].finish_reason == "tool_calls"
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and set(json.loads(call.function.arguments)) == {"city"}


def test_streamed_tool_calls_add_up(client, node):
    choice = {"type": "function", "function": {"name": "weather"}}
    name, arguments, reason = "", "", None
    for chunk in chat(client, node, tools=[WEATHER], tool_choice=choice, stream=True, max_tokens=64):
        for call in chunk.choices[0].delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
        reason = chunk.choices[0].finish_reason or reason
    assert name == "weather" and reason == "tool_calls" and "city" in json.loads(arguments)


def test_tool_results_are_understood(client, node):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    messages = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    assert chat(client, node, messages=messages, tools=[WEATHER], tool_choice="none").choices[0].message.content


def test_json_mode_gives_json(client, node):
    answer = chat(client, node, response_format={"type": "json_object"}, max_tokens=200, temperature=0.8)
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
    else:
        assert answer.choices[0].message.content.lstrip().startswith("{")


def test_a_schema_is_followed(client, node):
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}, "count": {"enum": [1, 2, 3]}},
        "required": ["sure", "count"],
        "additionalProperties": False,
    }
    format = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    answer = json.loads(chat(client, node, response_format=format, max_tokens=64).choices[0].message.content)
    assert isinstance(answer["sure"], bool) and answer["count"] in (1, 2, 3)


def test_a_grammar_is_followed(client, node):
    answer = chat(client, node, extra_body={"grammar": 'root ::= "yes" | "no"'})
    assert answer.choices[0].message.content in ("yes", "no")


def test_completions_continue_texts(client, node):
    answer = complete(client, node, prompt=["A shoal is", "The name says"])
    assert len(answer.choices) == 2 and all(choice.text for choice in answer.choices)
    streamed = "".join(chunk.choices[0].text for chunk in complete(client, node, stream=True))
    assert streamed == complete(client, node).choices[0].text


def test_echo_scores_the_prompt_as_evaluation_harnesses_ask(client, node):
    prompt = "Each machine holds some layers of a model"
    answer = complete(client, node, prompt=prompt, echo=True, logprobs=2, max_tokens=1)
    choice = answer.choices[0]
    found = choice.logprobs
    assert choice.text.startswith(prompt)
    counts = {len(found.tokens), len(found.token_logprobs), len(found.top_logprobs), len(found.text_offset)}
    assert counts == {answer.usage.prompt_tokens + answer.usage.completion_tokens}
    assert found.token_logprobs[0] is None and all(value <= 0 for value in found.token_logprobs[1:])
    for token, value, top in list(zip(found.tokens, found.token_logprobs, found.top_logprobs))[1:]:
        if max(top, key=top.get) == token:
            assert math.isclose(top[token], value, abs_tol=1e-4)
    for offset, token in zip(found.text_offset, found.tokens):
        if not token.startswith("bytes:") and offset < len(prompt):
            assert choice.text[offset:].startswith(token) or token.startswith("<|")


def test_scores_alone_need_no_generated_token(client, node):
    answer = complete(client, node, echo=True, logprobs=1, max_tokens=0)
    assert answer.choices[0].text == "A shoal is" and answer.usage.completion_tokens == 0


def test_token_ids_are_prompts_too(client, node):
    from_text = complete(client, node, echo=True, logprobs=0)
    ids = node.post("/tokenize", {"content": "A shoal is", "add_special": True})["tokens"]
    assert complete(client, node, prompt=ids).choices[0].text == complete(client, node).choices[0].text
    assert from_text.usage.prompt_tokens == len(ids)


def test_embeddings_have_one_direction_each(client, node):
    try:
        answer = client.embeddings.create(model=node.model, input=["one machine", "several machines"])
    except openai.BadRequestError as error:
        pytest.skip(f"the demo model gives no embeddings: {error.message}")
    first, second = (item.embedding for item in answer.data)
    assert len(first) == len(second) and first != second
    assert math.isclose(sum(value * value for value in first), 1, abs_tol=1e-3)
    numbers = client.embeddings.create(model=node.model, input="one machine", encoding_format="float")
    assert all(math.isclose(a, b, abs_tol=1e-3) for a, b in zip(first, numbers.data[0].embedding))


def test_errors_have_their_classes(client, node):
    with pytest.raises(openai.NotFoundError) as unknown:
        chat(client, node, model="nothing")
    assert unknown.value.type == "not_found_error"
    with pytest.raises(openai.BadRequestError) as wrong:
        chat(client, node, temperature=9)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, node, extra_body={"warp_factor": 9})
    assert refused.value.param == "warp_factor"
    with pytest.raises(openai.BadRequestError) as long:
        chat(client, node, messages=[{"role": "user", "content": "many words " * 5000}])
    assert "context" in long.value.message
    with pytest.raises(openai.BadRequestError):
        chat(client, node, extra_body={"grammar": "root ::= ("})
    with pytest.raises(openai.AuthenticationError):
        chat(openai.OpenAI(base_url=node.url + "/v1", api_key="wrong", max_retries=0), node)


def test_headers_tell_the_route(client, node):
    answer = client.chat.completions.with_raw_response.create(model=node.model, messages=QUESTION, max_tokens=2)
    assert answer.headers["x-shoal-route"].startswith("layers=0..<")
    assert "decode;dur=" in answer.headers["server-timing"]
    assert answer.headers["x-request-id"]


def test_eight_clients_at_once_get_the_answer_of_one(client, node):
    alone = chat(client, node).choices[0].message.content
    answers = [None] * 8

    def ask(index):
        answers[index] = chat(client, node).choices[0].message.content

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [alone] * 8


def test_closing_a_stream_frees_its_session_within_a_second(client, node):
    stream = chat(client, node, stream=True, max_tokens=400, extra_body={"ignore_eos": True})
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    assert node.get("/api/admin/stats")["active_requests"] == 1
    stream.close()
    eventually(lambda: node.get("/api/admin/stats")["active_requests"] == 0, within=1)
