"""The command bot: questions in a chat, answers as cards."""
