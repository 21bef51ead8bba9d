import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { HeaderList } from "@outrigger/core";
import { GrpcClient } from "@outrigger/grpc-http2";
import type { AppConnectionSettings } from "./options.ts";

const tokenHeader = "dapr-api-token";

/** Bound on one attempt to see whether the app listens. */
const attemptTimeoutMs = 1_000;

/** Connections to the app. */
export function createAppClient(settings: AppConnectionSettings, now: () => number): GrpcClient {
  const { host, port, tls, maxMessageBytes, maxHeaderListBytes, connectTimeoutMs } = settings;
  return new GrpcClient(
    { host, port },
    {
      maxMessageBytes,
      maxHeaderListBytes,
      connectTimeoutMs,
      now,
      ...(tls
        ? { tls: () => ({ options: { rejectUnauthorized: false, minVersion: "TLSv1.2" } }) }
        : {}),
    },
  );
}

/** Replaces what a client sent as token by the app's own one. */
export function withAppToken(headers: HeaderList, appToken: string): HeaderList {
  return [...withoutToken(headers), tokenHeader, appToken];
}

/** Metadata without any token. */
export function withoutToken(headers: HeaderList): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.toLowerCase() !== tokenHeader) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}

/** One attempt to connect: TCP, and a handshake where the app speaks TLS. */
export function acceptsConnections(settings: AppConnectionSettings): Promise<boolean> {
  const { host, port, tls } = settings;
  return new Promise((resolve) => {
    const socket = tls
      ? connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"] })
      : connectTcp({ host, port });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(attemptTimeoutMs, () => end(false));
    socket.once(tls ? "secureConnect" : "connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
