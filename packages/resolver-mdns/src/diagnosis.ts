import { type Logger, OutriggerError } from "@outrigger/core";
import { serviceName } from "./names.ts";
import type { Network } from "./network.ts";
import type { MdnsSettings } from "./options.ts";

/** The same app is diagnosed in the log at most this often. */
const logEveryMs = 10_000;
const maxRemembered = 256;

/**
 * Turns a failed look-up into an error and one line of advice. The error's message is exactly
 * Dapr's, since tools match on it; what was tried stands in `details` and in the log.
 */
export class Diagnosis {
  readonly #settings: MdnsSettings;
  readonly #network: Network;
  readonly #log: Logger;
  readonly #loggedAt = new Map<string, number>();

  constructor(settings: MdnsSettings, network: Network, log: Logger) {
    this.#settings = settings;
    this.#network = network;
    this.#log = log;
  }

  notFound(appId: string, asked: number): OutriggerError {
    const { lookupTimeoutMs, port } = this.#settings;
    const interfaces = this.#network.describe();
    const packetsSeen = this.#network.packetsSeen;
    // Our own questions come back to us, so a silent socket means that multicast is blocked.
    const hint =
      packetsSeen === 0
        ? `nothing at all was received on UDP port ${port}: a VPN, firewall or content filter blocks multicast`
        : "check that the app's sidecar runs, that the app id is spelled alike (case matters), and that both sidecars share a network interface";
    this.#warn(
      appId,
      `no sidecar answered for app id ${appId}: asked ${asked} times for ${serviceName(appId)} within ${lookupTimeoutMs} ms on ${interfaces}; ${hint}`,
    );
    return new OutriggerError(`couldn't find service: ${appId}`, {
      code: "OTR_RESOLVE_NOT_FOUND",
      details: { appId, question: serviceName(appId), asked, interfaces, packetsSeen, hint },
    });
  }

  impossibleId(appId: string): OutriggerError {
    const hint = "the app id is no DNS name: its labels must have 1 to 63 bytes";
    return new OutriggerError(`couldn't find service: ${appId}`, {
      code: "OTR_RESOLVE_NOT_FOUND",
      details: { appId, hint },
    });
  }

  noNetwork(): OutriggerError {
    const interfaces = this.#network.describe();
    return new OutriggerError(`mDNS has no network interface to use: ${interfaces}`, {
      code: "OTR_RESOLVE_FAILED",
      details: { interfaces, port: this.#settings.port },
    });
  }

  #warn(appId: string, message: string): void {
    const time = performance.now();
    if (time - (this.#loggedAt.get(appId) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return;
    if (this.#loggedAt.size >= maxRemembered) this.#loggedAt.clear();
    this.#loggedAt.set(appId, time);
    this.#log.log("warn", message);
  }
}
