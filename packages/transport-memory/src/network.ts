import { OutriggerError, type TransportHandler } from "@outrigger/core";

/** The wires of one process: who listens on which port. Transports on different ones never meet. */
export interface MemoryNetwork {
  /** @throws OutriggerError `OTR_LISTEN_FAILED` when the port is taken. Returns the port. */
  attach(port: number, handler: TransportHandler): number;
  detach(port: number): void;
  find(port: number): TransportHandler | undefined;
}

/** First port that is handed out for port 0. */
const firstPort = 40_000;

/** Makes a network. It holds no resources. */
export function memoryNetwork(): MemoryNetwork {
  const handlers = new Map<number, TransportHandler>();
  let next = firstPort;
  return {
    attach: (wanted, handler) => {
      const port = wanted === 0 ? next++ : wanted;
      if (handlers.has(port)) {
        throw new OutriggerError(`port ${port} is taken`, { code: "OTR_LISTEN_FAILED" });
      }
      handlers.set(port, handler);
      return port;
    },
    detach: (port) => {
      handlers.delete(port);
    },
    find: (port) => handlers.get(port),
  };
}
