"""What people chose for the daily digest, on both databases."""

from __future__ import annotations

from teleglas.storage.digests import Choice, choose_digest, digest_choices, moved_from
from teleglas.storage.store import open_store


def test_a_choice_replaces_the_one_before(store, url):
    """Each target has its newest choice, also for the next process; off is a choice too."""
    assert digest_choices(store) == {}
    first = Choice("-100:17", "08:00 Asia/Jakarta", 1_795_262_400_000)
    choose_digest(store, first)
    choose_digest(store, Choice("42", "07:30 UTC", 5))
    choose_digest(store, Choice("42", "", 6))
    store.close()
    again = open_store(url)
    assert digest_choices(again) == {"-100:17": first, "42": Choice("42", "", 6)}
    again.close()


def test_where_a_chat_came_from(store):
    """A supergroup is known by the groups that became it, also over two moves."""
    store.migrate_chat("-1", "-100")
    store.migrate_chat("-2", "-100")
    assert moved_from(store, "-100") == ["-1", "-2"]
    store.migrate_chat("-100", "-200")
    assert moved_from(store, "-200") == ["-1", "-100", "-2"]
    assert moved_from(store, "-100") == []
