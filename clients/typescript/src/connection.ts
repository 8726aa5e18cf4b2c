/**
 * The addresses of one client object and the channel to the one in use.
 *
 * Starts at a random address, so that many clients spread over the nodes, and moves to the next one when a user of the
 * connection reports a failure. Channels are made on first use and kept, because a node that was away comes back.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { SluiceClientError } from "./errors.ts";

/** Where the nodes are. */
export interface ConnectionOptions {
  /** "host:port", or several: one is picked at random, the others are failed over to. Default "127.0.0.1:7070". */
  readonly address?: string | readonly string[] | undefined;
}

/** One node, with the channel to it. */
export interface Endpoint {
  readonly address: string;
  readonly client: Client;
}

const DEFAULT_ADDRESS = "127.0.0.1:7070";

/** Largest message taken from a node: far above what nodes send, but a limit. Above it: RESOURCE_EXHAUSTED. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
  "grpc.max_send_message_length": -1,
  // A connection that dies without a word (a pulled cable, a lost NAT entry) is found within 30 s.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Emitter and analyzer have their own backoff; that of the channel, up to two minutes, would come on top of it and make
  // an analyzer miss the resume grace of its leases.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  // Retries are the SDK's, where outcomes are known; grpc-js would buffer every message for its own.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // Leaks in long-lived processes (grpc-node #1941, #2068).
  "grpc.enable_channelz": 0,
  // The default of 64 KiB per connection stalls deliveries on every round trip.
  "grpc-node.flow_control_window": 4 * 1024 * 1024,
};

/** Addresses and channels. Not for use after `close`. */
export class Connection {
  readonly #addresses: readonly string[];
  readonly #endpoints = new Map<string, Endpoint>();
  #current: number;
  #closed = false;

  /** @param random - picks the first address; from [0, 1) */
  constructor(options: ConnectionOptions, random = Math.random()) {
    this.#addresses = checked(options.address ?? DEFAULT_ADDRESS);
    this.#current = Math.floor(random * this.#addresses.length);
  }

  /** How many addresses there are: a call that fails at this many in a row has tried them all. */
  get size(): number {
    return this.#addresses.length;
  }

  /** The node in use. UNAVAILABLE after `close`. */
  endpoint(): Endpoint {
    if (this.#closed) throw new SluiceClientError("UNAVAILABLE", "this client is closed: make a new one");
    const address = this.#addresses[this.#current] ?? DEFAULT_ADDRESS;
    let endpoint = this.#endpoints.get(address);
    if (endpoint === undefined) {
      endpoint = { address, client: new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS) };
      this.#endpoints.set(address, endpoint);
    }
    return endpoint;
  }

  /** Says that a node could not be used. Moves on to the next, once however many calls report the same node. */
  failed(endpoint: Endpoint): void {
    if (this.#addresses[this.#current] === endpoint.address)
      this.#current = (this.#current + 1) % this.#addresses.length;
  }

  /** Closes the channels; calls that wait for a connection fail. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { client } of this.#endpoints.values()) client.close();
    this.#endpoints.clear();
  }
}

function checked(address: string | readonly string[]): readonly string[] {
  const addresses = typeof address === "string" ? [address] : [...new Set(address)];
  if (addresses.length === 0)
    throw new SluiceClientError("INVALID_ARGUMENT", "no address given: pass one as host:port");
  for (const one of addresses) {
    // grpc-js would silently take port 443.
    if (!/:\d+$/.test(one) && !one.startsWith("unix:")) {
      throw new SluiceClientError(
        "INVALID_ARGUMENT",
        `address ${JSON.stringify(one)} has no port: write it as host:port`,
      );
    }
  }
  return addresses;
}
