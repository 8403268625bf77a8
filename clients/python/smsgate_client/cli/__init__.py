"""The `smsgate` command: send, follow and look up messages from a terminal or a script."""
