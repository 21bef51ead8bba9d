import type { Endpoint, Transport } from "@outrigger/core";

/** What the transport suite works with: two sidecars' transports, made new for every case. */
export interface TransportSubject {
  /** Calls. Never listens. */
  readonly caller: Transport;
  /** Listens. The cases start it. */
  readonly callee: Transport;
  /** Makes another callee for the given port; for the case in which a peer comes back. */
  readonly makeCallee: (port: number) => Transport;
  /** An endpoint where nobody listens. */
  readonly unreachable: Endpoint;
  /**
   * Most bytes that leave a producer while its consumer does not read, in bytes: every buffer on
   * the way together. Default 4 MiB.
   */
  readonly bufferedBytes?: number;
}
