"""The garbage collector during a worker's start, and after it."""

from tests.unit.worker.test_start import started


def test_the_collector_looks_at_nothing_that_a_start_made_and_goes_on_afterwards():
    script = "import gc, lambdas.worker; print(gc.isenabled(), gc.get_freeze_count() > 10_000)"

    assert started(script).split() == ["True", "True"]


def test_a_collector_that_somebody_switched_off_stays_off():
    tells = "print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    script = f"import gc; gc.disable(); import lambdas.worker; {tells}"

    assert started(script).split() == ["False", "False"]
