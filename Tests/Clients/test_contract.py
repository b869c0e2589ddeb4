"""What the node answers to made-up requests, compared with its own contract.

What is made up depends on `SEED` alone; `SHOAL_CONTRACT_SEED` sets another one.
"""

import re

import hypothesis
import pytest
import schemathesis
from conftest import IS_THOROUGH, REPOSITORY, ROOT, SEED, Node, eventually
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
)

CONTRACT = ROOT / "Sources/CContract/openapi.yaml"
# Shutting down ends the test; made-up codes would make the node dial made-up addresses.
SKIPPED = ["/api/admin/shutdown", "/api/admin/join-network"]


def no_unforeseen_error(ctx, response, case):
    """Like `not_a_server_error`; but what an operation's description says of its errors may happen."""
    definition = case.operation.definition.raw
    said = f"{definition.get('summary', '')} {definition.get('description', '')}".split()
    is_foreseen = str(response.status_code) in said or str(response.status_code) in definition["responses"]
    if response.status_code >= 500 and not is_foreseen:
        raise Failure(operation=case.operation.label, title="Server error", message=f"status {response.status_code}")


def strangers_stay_outside(ctx, response, case):
    """Whoever proves nothing gets 401 with what to prove, except where the contract lets everybody in."""
    definition = case.operation.definition.raw
    ways = definition.get("security", case.operation.schema.raw_schema["security"])
    if ways == [] or {} in ways:
        return
    if response.status_code != 401 or response.headers.get("www-authenticate") != ["Bearer"]:
        raise Failure(
            operation=case.operation.label, title="A stranger came in",
            message=f"status {response.status_code}, www-authenticate {response.headers.get('www-authenticate')}",
        )


# What a request of the right form can still be refused for: what a form cannot say, as words of the answer.
BEYOND_FORM = {
    # Which options go together: the answer names the one at fault.
    "POST /v1/chat/completions": '"param":"[a-z]',
    "POST /v1/completions": '"param":"[a-z]',
    "POST /v1/embeddings": "empty text|no tokens",
    # Whether a token is one of the model's vocabulary.
    "POST /tokenize": "vocabulary|no tokens|empty",
    "POST /detokenize": "no tokens|vocabulary",
    # Whether this node has, or can have, the model.
    "GET /api/admin/models/{id}/metadata": "there is no header of model",
    "POST /api/admin/models/{id}/add": "no connected node has",
    "POST /api/admin/models/{id}/shards/{index}/download": "no connected node has",
    "POST /api/admin/downloads/{id}/cancel": "no download of .* is under way",
    # Two names of one field; what the parts of a path begin and end with, and how long they are.
    "GET /api/admin/hf/search": "query and q say different things",
    "GET /api/admin/hf/probe": "is no path of a file",
    "POST /api/admin/hf/download-shards": "only one of them|is no path of a file",
    # The node key is no user, has no session and no password.
    "POST /api/auth/logout": "the node key is no session",
    "POST /api/auth/password": "the node key has no password",
    "GET /admin/api/api_tokens": "the node key is no user",
    "POST /admin/api/api_tokens": "the node key is no user",
    "GET /admin/api/users": "after needs limit|there are no pages",
    "GET /admin/api/cluster_tokens": "after needs limit",
    "GET /admin/api/cluster_clients": "after needs limit",
    "GET /api/admin/cluster_nodes": "after needs limit",
    # A name of blanks alone is none.
    "POST /admin/api/cluster_tokens": "takes 1 to 100 characters",
    "GET /admin/api/browse": "a name in the path has more than",
    "GET /admin/api/jobs": "is the id of a job",
    "POST /admin/api/users/{id}/tokens": "the balance is",
    # Lengths that are counted in bytes, and what may not equal one another.
    "POST /admin/api/users": "password: (takes|may not be)|email: is no e-mail address",
    "PATCH /admin/api/users/{id}": "password: (takes|may not be)|email: is no e-mail address",
}
for prefix in ("", "/api/v1"):
    BEYOND_FORM |= {
        # A form's field cannot be null; it reads "null", which is no type. And a file has to be one.
        f"POST {prefix}/lora/upload": "no such entity type|file",
        f"POST {prefix}/admin/lora/upload": "no such entity type|file",
        # How long the name behind the folder is.
        f"GET {prefix}/admin/lora": "no path of a LoRA file",
        f"GET {prefix}/admin/lora/bin": "no path of a LoRA file",
        f"DELETE {prefix}/admin/lora": "no path of a LoRA file",
        f"DELETE {prefix}/admin/lora/bin": "no path of a LoRA file|partial_path and all|partial_path is missing",
        f"POST {prefix}/admin/lora/restore": "no path of a LoRA file",
    }


def right_form_is_accepted(ctx, response, case):
    """Like `positive_data_acceptance`, except for what a form cannot say."""
    words = BEYOND_FORM.get(case.operation.label)
    if response.status_code in (400, 402, 422) and words and re.search(words, response.text):
        return
    positive_data_acceptance(ctx, response, case)


load_all_checks()
CHECKED = [
    {not_a_server_error: no_unforeseen_error, positive_data_acceptance: right_form_is_accepted}.get(check, check)
    for check in CHECKS.get_all()
]


def contract():
    """The contract, with what is made up settled by the seed."""
    return schemathesis.openapi.from_path(CONTRACT, config=SchemathesisConfig(seed=SEED)).exclude(path=SKIPPED)


def made_up(examples, **others):
    """Settings for that many examples of each operation."""
    return hypothesis.settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate], **others,
    )


schema = contract()
for_strangers = contract()
# Who may call does not depend on every edge of every value, which are all tried by an administrator.
for_strangers.config.phases.coverage.enabled = False


@schema.parametrize()
@made_up(40 if IS_THOROUGH else 10)
def test_answers_are_as_the_contract_says(case, node):
    case.call_and_validate(
        base_url=node.url, headers={"Authorization": f"Bearer {node.key}"}, checks=CHECKED, timeout=60
    )


@for_strangers.parametrize()
@made_up(6)
def test_nobody_gets_in_where_the_contract_says_so(case, node):
    case.call_and_validate(
        base_url=node.url, checks=CHECKED, additional_checks=[strangers_stay_outside], timeout=60
    )


def test_what_one_answer_names_the_next_request_finds(hub_url, tmp_path):
    """Sequences of requests, each with what earlier answers said, against a node that may lose its model by it."""
    node = Node(tmp_path, hub_url)

    # Nothing follows from log-ins with made-up passwords, which cost the time of a hash.
    class Walk(contract().exclude(path_regex="^/api/auth/").as_state_machine()):
        def get_call_kwargs(self, case):
            return {"base_url": node.url, "headers": {"Authorization": f"Bearer {node.key}"}, "timeout": 60}

        def validate_response(self, response, case, **transport):
            case.validate_response(response, checks=CHECKED, transport_kwargs=transport, recorder=self.recorder)

    broken_off = 0
    try:
        for start in range(12):
            try:
                hypothesis.seed(SEED + start)(Walk).run(settings=made_up(3, stateful_step_count=8))
            except hypothesis.errors.FlakyStrategyDefinition:
                # The node remembers, so that a sequence which is tried again may find less to go on from.
                broken_off += 1
        assert broken_off < 6
    finally:
        node.stop()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_made_up_options_of_a_real_request_are_answered_or_refused(path, node):
    operation = schema[path]["POST"]

    @hypothesis.seed(SEED)
    @hypothesis.given(case=operation.as_strategy())
    @made_up(60)
    def run(case):
        if isinstance(case.body, dict):
            # The node's own model, few tokens and few answers, so that options and not lengths are tried.
            case.body |= {"model": node.model, "n": 1, "max_tokens": 2, "stream": False}
            for name in ("n_predict", "max_completion_tokens", "best_of", "stream_options"):
                case.body.pop(name, None)
            if path == "/v1/completions":
                case.body["prompt"] = "A shoal is"
        case.call_and_validate(
            base_url=node.url, headers={"Authorization": f"Bearer {node.key}"}, timeout=60,
            checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
        )

    run()


def test_a_model_of_the_hub_is_found_and_fetched(node):
    def check(path, method, **parts):
        """The answer, which is as the contract says."""
        case = schema[path][method].Case(**parts)
        answer = case.call(base_url=node.url, headers={"Authorization": f"Bearer {node.key}"}, timeout=60)
        case.validate_response(answer, checks=[response_schema_conformance, content_type_conformance])
        assert answer.status_code == 200, answer.text
        return answer.json()

    file = {"repo_id": REPOSITORY, "filename": "demo.Q8_0.gguf"}
    [hit] = check("/api/admin/hf/search", "GET", query={"query": "demo"})
    assert hit["repo_id"] == REPOSITORY
    assert check("/api/admin/hf/files", "GET", query={"repo_id": REPOSITORY})["variants"][0]["filename"] == file["filename"]
    probe = check("/api/admin/hf/probe", "GET", query=file)
    assert probe["architecture_supported"]
    started = check("/api/admin/hf/download-shards", "POST", body=file | {"all_shards": True, "model_id": "fetched"})
    assert len(started["shards"]) == probe["shard_count"]
    status = {"path_parameters": {"id": "fetched"}}
    eventually(lambda: check("/api/admin/models/{id}/status", "GET", **status)["state"] == "complete", within=60)
    assert check("/api/admin/hf/source/{id}", "GET", **status) == file | {"model_id": "fetched"}
    assert check("/api/admin/models/{id}", "DELETE", **status)
