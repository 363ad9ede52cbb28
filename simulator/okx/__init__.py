"""OKX v5 public: channels, REST."""
