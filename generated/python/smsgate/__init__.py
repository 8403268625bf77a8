"""The contract of the SMS gateway. Generated; see proto/."""
