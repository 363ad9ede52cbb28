"""Binance USD-M: routed WebSocket paths, combined streams, REST."""
