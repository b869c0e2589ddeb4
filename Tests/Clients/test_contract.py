"""What the node answers to made-up requests, compared with its own contract."""

import hypothesis
import pytest
import schemathesis
from conftest import REPOSITORY, ROOT, eventually
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)


def no_unforeseen_error(ctx, response, case):
    """Like `not_a_server_error`; but what an operation's description says of its errors may happen."""
    definition = case.operation.definition.raw
    said = f"{definition.get('summary', '')} {definition.get('description', '')}".split()
    is_foreseen = str(response.status_code) in said or str(response.status_code) in definition["responses"]
    if response.status_code >= 500 and not is_foreseen:
        raise Failure(operation=case.operation.label, title="Server error", message=f"status {response.status_code}")


CHECKS = [
    no_unforeseen_error,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
# Shutting down ends the test; made-up codes would make the node dial made-up addresses.
SKIPPED = ["/api/admin/shutdown", "/api/admin/join-network"]

schema = schemathesis.openapi.from_path(ROOT / "Sources/HTTPAPI/Resources/openapi.yaml").exclude(path=SKIPPED)


@schema.parametrize()
@hypothesis.settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
def test_answers_are_as_the_contract_says(case, node):
    case.call_and_validate(
        base_url=node.url, headers={"Authorization": f"Bearer {node.key}"}, checks=CHECKS, timeout=60
    )


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_made_up_options_of_a_real_request_are_answered_or_refused(path, node):
    operation = schema[path]["POST"]

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
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
