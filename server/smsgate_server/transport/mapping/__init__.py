"""Between the contract and the domain: the only place that knows both vocabularies."""
