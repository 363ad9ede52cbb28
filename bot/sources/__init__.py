"""Who can be asked: CoinGlass, the exchanges, our own tape. Each answers in the words of `bot.answers`."""
