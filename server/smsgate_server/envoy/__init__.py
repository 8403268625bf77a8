"""The gateway behind Envoy, which serves HTTP/2 with Python in its own process.

`inside.py` is what Envoy loads; `configuration.py` is what it is told; `certificates.py` brings
renewed ones. `cli/envoy.py` starts and stops it.
"""
