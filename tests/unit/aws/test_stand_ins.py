"""Stand-ins for AWS: each has one owner, who restores what was there before."""

import pytest

from django_offload.aws.stand_ins import StandIns
from django_offload.conf import Options

SHOP, OTHER = (
    Options(alias="default", stack=stack, queues={}, table="", in_tests="send") for stack in ("shop", "other")
)


@pytest.fixture
def changes():
    return []


@pytest.fixture
def stand_ins(changes):
    made = StandIns(lambda: changes.append(1), lambda clock: "in memory")
    yield made
    StandIns.every.remove(made)


def test_a_block_restores_what_the_block_around_it_uses(stand_ins, changes):
    with stand_ins.use("shop", "outer"):
        with stand_ins.use("shop", "inner") as inner:
            assert (inner, stand_ins.get(SHOP)) == ("inner", "inner")
        assert stand_ins.get(SHOP) == "outer"

    assert stand_ins.get(SHOP) is None
    assert len(changes) == 4


def test_another_stack_is_left_alone(stand_ins):
    with stand_ins.use("shop", "ours"):
        assert stand_ins.get(OTHER) is None


def test_an_owner_that_another_one_replaced_says_so_and_restores(stand_ins):
    first, second = stand_ins.use("shop", "first"), stand_ins.use("shop", "second")
    first.__enter__()
    second.__enter__()

    with pytest.raises(RuntimeError, match=r"stack .shop. was replaced and not restored\. Leave the blocks"):
        first.__exit__(None, None, None)
    assert stand_ins.get(SHOP) is None

    with pytest.raises(RuntimeError, match=r"stack 'shop' was replaced"):
        second.__exit__(None, None, None)
