"""Why a store cannot be opened: a sentence for the operator, shown without a stack trace."""


class StoreSetupError(Exception):
    pass
