"""From an alert to what a person sees, and onto the channels."""
