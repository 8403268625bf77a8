"""What Envoy is told: one listener for HTTP/2, the contract's calls to Python, the rest to grpcio.

https://www.envoyproxy.io/docs/envoy/latest/configuration/configuration
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

from smsgate_server.envoy.certificates import Secrets

Json = dict[str, Any]

_TYPE = "type.googleapis.com/envoy."
_MANAGER = f"{_TYPE}extensions.filters.network.http_connection_manager"
_APPLICATION = "smsgate_server.envoy.inside:app"
# The paths of the contract; health, reflection and channelz are grpcio's.
_CONTRACT = "/smsgate.v1."
_TOOLS = "tools"
_MAX_HEADERS_KIB = 16
_MAX_STREAMS = 20_000


def configuration(host: str, port: int, tools: Path, secrets: Secrets | None) -> Json:
    """`tools` is the socket on which grpcio serves what is not of the contract."""
    listener: Json = {
        "name": "smsgate",
        "address": {"socket_address": {"address": host, "port_value": port}},
        "enable_reuse_port": True,
        "filter_chains": [_filter_chain(secrets)],
    }
    return {
        "node": {"id": "smsgate", "cluster": "smsgate"},
        "static_resources": {"listeners": [listener], "clusters": [_cluster(tools)]},
    }


def _filter_chain(secrets: Secrets | None) -> Json:
    manager = {
        "@type": f"{_MANAGER}.v3.HttpConnectionManager",
        "stat_prefix": "smsgate",
        "codec_type": "HTTP2",
        "generate_request_id": False,
        "max_request_headers_kb": _MAX_HEADERS_KIB,
        # A stream lasts as long as its reader wants it to; heartbeats and pings tell who is there.
        "stream_idle_timeout": "0s",
        "common_http_protocol_options": {"idle_timeout": "0s"},
        "http2_protocol_options": {
            "max_concurrent_streams": _MAX_STREAMS,
            "connection_keepalive": {"interval": "60s", "timeout": "20s"},
        },
        "http_filters": [_python_for_the_contract(), _router()],
        "route_config": {"virtual_hosts": [_everything_else()]},
    }
    name = "envoy.filters.network.http_connection_manager"
    chain: Json = {"filters": [{"name": name, "typed_config": manager}]}
    if secrets is not None:
        chain["transport_socket"] = _tls(secrets)
    return chain


def _python_for_the_contract() -> Json:
    path = {
        "name": "request-headers",
        "typed_config": {
            "@type": f"{_TYPE}type.matcher.v3.HttpRequestHeaderMatchInput",
            "header_name": ":path",
        },
    }
    tree = {"input": path, "prefix_match_map": {"map": {_CONTRACT: {"action": _python()}}}}
    name = "envoy.filters.http.composite"
    composite = {"@type": f"{_TYPE}extensions.filters.http.composite.v3.Composite"}
    return {
        "name": name,
        "typed_config": {
            "@type": f"{_TYPE}extensions.common.matching.v3.ExtensionWithMatcher",
            "xds_matcher": {"matcher_tree": tree},
            "extension_config": {"name": name, "typed_config": composite},
        },
    }


def _python() -> Json:
    application = {"app": _APPLICATION, "interface": "asgi", "root_path": "", "lifespan": True}
    module = {
        "@type": f"{_TYPE}extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
        "dynamic_module_config": {"module": {"local": {"filename": _module()}}},
        "filter_name": "pyvoy",
        "terminal_filter": True,
        "filter_config": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": json.dumps(application),
        },
    }
    action = {
        "@type": f"{_TYPE}extensions.filters.http.composite.v3.ExecuteFilterAction",
        "typed_config": {"name": "pyvoy", "typed_config": module},
    }
    return {"name": "python", "typed_config": action}


def _module() -> str:
    spec = importlib.util.find_spec("pyvoy._pyvoy")
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _router() -> Json:
    router = {"@type": f"{_TYPE}extensions.filters.http.router.v3.Router"}
    return {"name": "envoy.filters.http.router", "typed_config": router}


def _everything_else() -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": _TOOLS, "timeout": "0s"}}
    return {"name": _TOOLS, "domains": ["*"], "routes": [route]}


def _cluster(socket: Path) -> Json:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    return {
        "name": _TOOLS,
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": _TOOLS,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _tls(secrets: Secrets) -> Json:
    common: Json = {
        "alpn_protocols": ["h2"],
        "tls_certificate_sds_secret_configs": [_secret(secrets.server)],
    }
    if secrets.callers is not None:
        common["validation_context_sds_secret_config"] = _secret(secrets.callers)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPE}extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": secrets.callers is not None,
        },
    }


def _secret(file: Path) -> Json:
    source = {"path_config_source": {"path": str(file)}, "resource_api_version": "V3"}
    return {"name": file.stem, "sds_config": source}
