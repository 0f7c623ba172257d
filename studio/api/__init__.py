"""The doors for programs, each in a file of its own, over the desk. They make nothing themselves."""
