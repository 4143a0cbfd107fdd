"""What the audit says of requests against what a real nginx with PHP-FPM does with them, for written and for generated server blocks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nginx_cases import CASES, server
from nginx_configurations import server as generated
from nginx_server import Asked, differences, missed_for_attackers, requests

pytestmark = pytest.mark.real
pytest_plugins = ["nginx_fixtures"]

AT_ONCE = 5


@pytest.fixture(scope="module")
def remembered() -> dict[str, list[str]]:
    """The differences of every case, once they are known."""
    return {}


@pytest.fixture
def found_differences(real_nginx, remembered) -> dict[str, list[str]]:
    """The differences of every case: one start of the server tells all."""
    if not remembered:
        real_nginx.forget()
        for number, body in enumerate(CASES.values()):
            real_nginx.site(number, server(number, body))
        found = differences(real_nginx, [request for number in range(len(CASES)) for request in requests(number)])
        assert found is not None
        remembered.update({name: [line for line in found if f"//s{number}.test/" in line] for number, name in enumerate(CASES)})
    return remembered


@pytest.mark.parametrize("name", CASES)
def test_a_written_server_block_is_understood_as_nginx_does(name, found_differences):
    assert found_differences[name] == []


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(*(generated(number) for number in range(AT_ONCE))))
def test_a_generated_server_block_is_understood_as_nginx_does(real_nginx, bodies):
    real_nginx.forget()
    for number, body in enumerate(bodies):
        real_nginx.site(number, body)
    asked: list[Asked] = [request for number in range(AT_ONCE) for request in requests(number)]
    assert differences(real_nginx, asked) in ([], None)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(*(generated(number) for number in range(AT_ONCE))))
def test_a_request_that_its_sender_crafts_is_not_missed(real_nginx, bodies):
    real_nginx.forget()
    for number, body in enumerate(bodies):
        real_nginx.site(number, body)
    asked: list[Asked] = [request for number in range(AT_ONCE) for request in requests(number) if request.method == "GET"]
    assert missed_for_attackers(real_nginx, asked) in ([], None)
