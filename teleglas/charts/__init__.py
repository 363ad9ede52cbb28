"""Pictures: values in, PNG out, drawn in a process apart."""
