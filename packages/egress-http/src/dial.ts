import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { abortError } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";

/** Where and how to connect. */
export interface Dialing {
  readonly base: BaseUrl;
  readonly secureContext: SecureContext | undefined;
  readonly timeoutMs: number;
}

/**
 * Opens a connection, the TLS handshake included, within the time that is left for it.
 * @param protocols offered by ALPN, the preferred one first.
 * @throws Node's errors; `ETIMEDOUT` when it takes too long.
 */
export function dial(
  { base, secureContext, timeoutMs }: Dialing,
  protocols: string[],
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const { host, port } = base;
    const secure = base.scheme === "https";
    const socket = secure
      ? connectTls({
          host,
          port,
          ALPNProtocols: protocols,
          ...(secureContext === undefined ? { minVersion: "TLSv1.2" } : { secureContext }),
          // An address is no server name (RFC 6066 section 3).
          ...(isIP(host) === 0 ? { servername: host } : {}),
        })
      : connectTcp({ host, port });
    const fail = (reason: Error): void => {
      settle();
      socket.destroy();
      reject(reason);
    };
    const onAbort = (): void => fail(abortError(signal));
    const onClose = (): void => fail(Object.assign(new Error("EOF"), { code: "UND_ERR_SOCKET" }));
    const onTimeout = (): void =>
      fail(Object.assign(new Error("connecting took too long"), { code: "ETIMEDOUT" }));
    const timer = setTimeout(onTimeout, timeoutMs);
    const onOpen = (): void => {
      settle();
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 60_000);
      resolve(socket);
    };
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off(secure ? "secureConnect" : "connect", onOpen);
      socket.off("close", onClose);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once(secure ? "secureConnect" : "connect", onOpen);
    socket.once("close", onClose);
    // Stays on: an error that nobody hears would end the process.
    socket.on("error", fail);
  });
}
