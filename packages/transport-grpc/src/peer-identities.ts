import type { TLSSocket } from "node:tls";
import {
  type ComponentContext,
  joinHostPort,
  type PeerIdentity,
  type ResolveRequest,
  type WorkloadIdentity,
} from "@outrigger/core";
import type { DialTls, GrpcServerCall, GrpcServerOptions } from "@outrigger/grpc-http2";
import { clientTls, serverTls, verifyPeer } from "@outrigger/spiffe";
import { RefusalLog } from "./refusal-log.ts";

/** Mutual TLS with the identity of this sidecar, and who is at the other end of each connection. */
export class PeerIdentities {
  readonly #identity: WorkloadIdentity | undefined;
  readonly #now: () => number;
  readonly #log: RefusalLog;
  readonly #known = new WeakMap<TLSSocket, PeerIdentity>();

  constructor({ identity, now, log }: ComponentContext) {
    this.#identity = identity;
    this.#now = now;
    this.#log = new RefusalLog(log, now);
  }

  /** The identity that the calling sidecar proved; `undefined` in plaintext. */
  of(call: GrpcServerCall): PeerIdentity | undefined {
    const { tls } = call;
    return tls === undefined ? undefined : this.#known.get(tls);
  }

  /** Any app of the mesh may connect; what it may call is for the access policy to say. */
  server(): Pick<GrpcServerOptions, "tls" | "verifyPeer" | "onRefused"> {
    const identity = this.#identity;
    if (identity === undefined) return {};
    return {
      onRefused: (reason, remote) => {
        // The port is another one each time; the host tells clients apart.
        const host = remote.slice(0, remote.lastIndexOf(":"));
        this.#log.tell(
          host,
          `refused a connection of ${remote}: TLS handshake failed`,
          reason.message,
        );
      },
      tls: () => {
        const svid = identity.current();
        return serverTls(svid, svid.trustAnchors);
      },
      verifyPeer: (socket) => {
        const peer = this.#verify(socket, identity.current().trustAnchors);
        if (peer instanceof Error) return peer;
        this.#known.set(socket, peer);
        return undefined;
      },
    };
  }

  /** Only the app that was asked for is spoken to. */
  client(expected: ResolveRequest): { readonly tls?: () => DialTls } {
    const identity = this.#identity;
    if (identity === undefined) return {};
    return {
      tls: () => {
        const svid = identity.current();
        return {
          options: clientTls(svid, svid.trustAnchors),
          onFailed: (reason, address) => {
            const wanted = nameOf(expected);
            this.#log.tell(`${wanted} ${address}`, `TLS to ${wanted} at ${address} failed`, reason);
          },
          verifyPeer: (socket) => {
            const peer = this.#verify(socket, svid.trustAnchors);
            const refusal = peer instanceof Error ? peer : refuseOther(peer, expected);
            if (refusal !== undefined) this.#logRefusal(socket, expected, refusal);
            return refusal;
          },
        };
      },
    };
  }

  #logRefusal(socket: TLSSocket, expected: ResolveRequest, refusal: Error): void {
    const address = joinHostPort(socket.remoteAddress ?? "", socket.remotePort ?? 0);
    const wanted = nameOf(expected);
    const line = `refused to call ${wanted} at ${address}`;
    this.#log.tell(`${wanted} ${address}`, line, refusal.message);
  }

  #verify(socket: TLSSocket, trustAnchors: string): PeerIdentity | Error {
    try {
      return verifyPeer(socket, trustAnchors, this.#now());
    } catch (reason) {
      return reason instanceof Error ? reason : new Error(String(reason));
    }
  }
}

function nameOf({ appId, namespace }: ResolveRequest): string {
  return `${appId} in namespace ${namespace}`;
}

/** The trust domain is not looked at: Dapr's sidecars of several domains share their anchors. */
function refuseOther(peer: PeerIdentity, expected: ResolveRequest): Error | undefined {
  const { namespace, appId, spiffeId } = peer;
  if (namespace === expected.namespace && appId === expected.appId) return undefined;
  return new Error(
    `unexpected SPIFFE ID: "${spiffeId}", expected /ns/${expected.namespace}/${expected.appId}`,
  );
}
