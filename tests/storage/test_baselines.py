"""The assets' own normals in the store, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.baselines import BaselineChange, StoredBaselines, merged
from teleglas.storage.fail_open import FailOpen
from teleglas.storage.store import Store, StoreUnavailable, open_store
from tests.storage.rows import commit, message


def change(minute, *, assets=(), gone=(), oldest=0):
    """Return what one minute changes."""
    return BaselineChange(((minute, b"minute %d" % minute),), tuple(assets), tuple(gone), oldest)


def keep(store: Store, *changes):
    """Commit changes one by one."""
    for each in changes:
        store.commit(commit(baselines=each))


def test_nothing_at_first(store):
    """A new database knows no asset."""
    assert store.load_baselines() == StoredBaselines()


def test_what_was_committed_comes_back(store, url):
    """Minutes in their order, the newest state of each asset, bytes as they were."""
    keep(
        store, change(9, assets=[("BTC", b"\x00old"), ("ETH", b"")]), change(10, assets=[("BTC", b"\xffnew")])
    )
    store.commit(commit(memory=b"other", position=5))
    store.close()
    again = open_store(url)
    assert again.load_baselines() == StoredBaselines(
        (("BTC", b"\xffnew"), ("ETH", b"")), (b"minute 9", b"minute 10")
    )
    again.close()


def test_needless_minutes_and_forgotten_assets_go(store):
    """So that neither grows for ever; an asset that came back within a change stays."""
    keep(store, change(7, assets=[("A", b"a"), ("B", b"b")]), change(8))
    keep(store, change(9, gone=["A", "B"], assets=[("B", b"again")], oldest=8))
    assert store.load_baselines() == StoredBaselines((("B", b"again"),), (b"minute 8", b"minute 9"))


def test_a_commit_made_again_changes_nothing(store):
    """What is decided again after a crash replaces itself."""
    keep(store, change(7, assets=[("A", b"a")]), change(7, assets=[("A", b"a")]))
    assert store.load_baselines() == StoredBaselines((("A", b"a"),), (b"minute 7",))


def test_they_are_part_of_the_transaction(store):
    """A commit that fails leaves memory, position and normals as they were."""
    keep(store, change(7, assets=[("A", b"a")]))
    with pytest.raises(UnicodeDecodeError):
        store.commit(commit(message("a", content=b"\xff"), baselines=change(8, gone=["A"]), position=2))
    assert store.load_baselines() == StoredBaselines((("A", b"a"),), (b"minute 7",))
    assert store.load_memory()[1] == 1


class _Seconds:
    now = 0.0

    def __call__(self):
        return self.now


def test_what_memory_kept_while_the_database_was_away_comes_home(store):
    """Minutes and states of the time without a database join what it had."""
    keep(store, change(7, assets=[("A", b"a"), ("B", b"b")]))
    seconds, failing = _Seconds(), True
    stores = FailOpen(store, seconds)

    def verb(place: Store, each):
        if failing and place is store:
            raise StoreUnavailable("away")
        keep(place, each)

    stores.apply(verb, change(8, assets=[("A", b"newer")]))
    assert store.load_baselines().minutes == (b"minute 7",)
    failing, seconds.now = False, 60.0
    stores.apply(verb, change(9))
    assert store.load_baselines() == StoredBaselines(
        (("A", b"newer"), ("B", b"b")), (b"minute 7", b"minute 8", b"minute 9")
    )


_changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("ABCD"), st.binary(max_size=2), max_size=3),
        st.sets(st.sampled_from("ABCD"), max_size=2),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def two():
    """Return two stores in memory."""
    stores = open_store("sqlite://"), open_store("sqlite://")
    yield stores
    for store in stores:
        store.close()


@settings(deadline=None)
@given(rows=_changes, cut=st.integers(0, 8))
def test_merged_changes_are_those_changes(two, rows, cut) -> None:
    """What was put back after a failed commit, and joined with what came meanwhile, stores the same."""
    changes = [
        change(n, assets=assets.items(), gone=gone - set(assets), oldest=max(0, n - kept))
        for n, (assets, gone, kept) in enumerate(rows)
    ]
    changes.sort(key=lambda each: each.minutes)
    oldest = 0
    for n, each in enumerate(changes):
        oldest = max(oldest, each.oldest)
        changes[n] = BaselineChange(each.minutes, each.assets, each.gone, oldest)
    one, other = two
    nothing = BaselineChange((), (), tuple("ABCD"), 1_000)
    keep(one, nothing, *changes)
    first = second = None
    for each in changes[:cut]:
        first = merged(first, each)
    for each in changes[cut:]:
        second = merged(second, each)
    keep(other, nothing, merged(first, second))
    assert one.load_baselines() == other.load_baselines()
