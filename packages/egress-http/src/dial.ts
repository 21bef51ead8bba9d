import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import { abortError } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";
import { brokenOff } from "./engine-answer.ts";

/** Where and how to connect. */
export interface Dialing {
  readonly base: BaseUrl;
  readonly secureContext: SecureContext | undefined;
  readonly timeoutMs: number;
}

/**
 * Begins a connection that fails with `ETIMEDOUT` when it, the TLS handshake included, is not there
 * in time.
 * @param protocols offered by ALPN, the preferred one first.
 */
export function openSocket(
  { base, secureContext, timeoutMs }: Dialing,
  protocols: string[],
): Socket {
  const { host, port } = base;
  const socket =
    base.scheme === "https"
      ? connectTls({
          host,
          port,
          ALPNProtocols: protocols,
          ...(secureContext === undefined ? { minVersion: "TLSv1.2" } : { secureContext }),
          // An address is no server name (RFC 6066 section 3).
          ...(isIP(host) === 0 ? { servername: host } : {}),
        })
      : connectTcp({ host, port });
  socket.setNoDelay(true);
  const timer = setTimeout(() => {
    const reason = new Error("connecting took too long");
    socket.destroy(Object.assign(reason, { code: "ETIMEDOUT" }));
  }, timeoutMs);
  const settle = (): void => clearTimeout(timer);
  socket.once(readyEvent(base), settle);
  socket.once("close", settle);
  // An error that nobody hears would end the process.
  socket.on("error", () => undefined);
  return socket;
}

/** Waits until a connection is usable. @throws Node's errors. */
export function connected(socket: Socket, base: BaseUrl, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: Error): void => {
      settle();
      socket.destroy();
      reject(reason);
    };
    const onAbort = (): void => fail(abortError(signal));
    const onClose = (): void => fail(brokenOff());
    const onReady = (): void => {
      settle();
      resolve();
    };
    const settle = (): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off(readyEvent(base), onReady);
      socket.off("close", onClose);
      socket.off("error", fail);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once(readyEvent(base), onReady);
    socket.once("close", onClose);
    socket.once("error", fail);
    if (signal.aborted) onAbort();
  });
}

function readyEvent({ scheme }: BaseUrl): string {
  return scheme === "https" ? "secureConnect" : "connect";
}
