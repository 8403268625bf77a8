/** Where and how to connect. */

import { readFileSync } from "node:fs";
import { type ChannelOptions, credentials, type ChannelCredentials } from "@grpc/grpc-js";
import { SERVICES } from "./services.js";

export interface ConnectionOptions {
  /** `host:port`, or several after `ipv4:`; else SMSGATE_TARGET, else 127.0.0.1:50051. */
  readonly target?: string | undefined;
  /** Else SMSGATE_API_KEY. */
  readonly apiKey?: string | undefined;
  /** The certificates to trust, PEM or the path of a file; those of the system if left out. */
  readonly tlsCa?: string | Buffer | undefined;
  /** A certificate for this client, PEM or the path of a file, and its key. */
  readonly tlsCertificate?: string | Buffer | undefined;
  readonly tlsKey?: string | Buffer | undefined;
  /** No TLS, also to other machines. */
  readonly insecure?: boolean | undefined;
  /** Options of the gRPC channel, which win over ours. */
  readonly channel?: ChannelOptions | undefined;
}

interface Method {
  readonly path: string;
  readonly responseStream: boolean;
}

// Every try makes another key or secret, and those of all but the last would be lost.
const NOT_REPEATABLE = new Set(["CreateApiKey", "RotateWebhookSecret"]);

/** Every call but the stream, whose resumption from a cursor is ours. */
const RETRIED = SERVICES.flatMap((service) =>
  Object.values<Method>(service.service).flatMap(({ path, responseStream }) => {
    const [, name = "", method = ""] = path.split("/");
    return responseStream || NOT_REPEATABLE.has(method) ? [] : [{ service: name, method }];
  }),
);

const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: RETRIED,
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.3s",
        maxBackoff: "4s",
        // 7 seconds in all: a server is back within that.
        backoffMultiplier: 2.5,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

const CHANNEL: ChannelOptions = {
  "grpc.enable_retries": 1,
  "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
  // A service config from DNS would replace the one above.
  "grpc.service_config_disable_resolution": 1,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": 32 * 2 ** 20,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.primary_user_agent": "smsgate-typescript",
};

/** What a channel is made of. */
export interface Connection {
  readonly target: string;
  readonly apiKey: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** The connection that the options mean; an Error if they contradict one another. */
export function connectionOf(
  given: ConnectionOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Connection {
  const target = given.target || environment.SMSGATE_TARGET || "127.0.0.1:50051";
  const apiKey = given.apiKey || environment.SMSGATE_API_KEY || "";
  if (!/^[!-~]*$/.test(apiKey)) {
    throw new Error("the API key has a character that no API key has");
  }
  if ((given.tlsCertificate === undefined) !== (given.tlsKey === undefined)) {
    throw new Error("a client certificate needs its key, and a key its certificate");
  }
  const wantsTls = given.tlsCa !== undefined || given.tlsCertificate !== undefined;
  if (given.insecure && wantsTls) {
    throw new Error("insecure and TLS exclude each other");
  }
  const plain = !wantsTls && (given.insecure === true || isLocal(target));
  return {
    target,
    apiKey,
    credentials: plain
      ? credentials.createInsecure()
      : credentials.createSsl(pem(given.tlsCa), pem(given.tlsKey), pem(given.tlsCertificate)),
    options: { ...CHANNEL, ...given.channel },
  };
}

/** Whether a target, with all of its addresses, is on this machine. */
export function isLocal(target: string): boolean {
  const scheme = /^(unix|unix-abstract|dns|ipv4|ipv6):/.exec(target)?.[1];
  if (scheme === "unix" || scheme === "unix-abstract") {
    return true;
  }
  const addresses = scheme ? target.slice(scheme.length + 1).replace(/^\/\/[^/]*\//, "") : target;
  return addresses.split(",").every((address) => isLoopback(hostOf(address)));
}

function hostOf(address: string): string {
  if (address.startsWith("[")) {
    return address.slice(1).split("]", 1)[0] ?? "";
  }
  // More than one colon and no brackets: an IPv6 address without a port.
  return address.split(":").length > 2 ? address : (address.split(":", 1)[0] ?? "");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function pem(source: string | Buffer | undefined): Buffer | null {
  if (source === undefined) {
    return null;
  }
  if (Buffer.isBuffer(source)) {
    return source;
  }
  return source.includes("-----BEGIN") ? Buffer.from(source) : readFileSync(source);
}
