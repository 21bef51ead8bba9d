import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Requests under way on one connection; HTTP/1.1 clients that pipeline at all send a few. */
const maxPipelined = 100;

interface Pipeline {
  readonly running: Set<ServerResponse>;
  refused: boolean;
}

/**
 * Node's parser hands over every request that a connection has sent, whether the one before was
 * answered or not: this bounds their number and ends the connection's service after a refusal.
 */
export class PipelineGuard {
  readonly #pipelines = new WeakMap<Duplex, Pipeline>();

  /** False when the request must not be served. Each true needs a `leave`. */
  enter(socket: Duplex, response: ServerResponse): boolean {
    let pipeline = this.#pipelines.get(socket);
    if (pipeline === undefined) {
      pipeline = { running: new Set(), refused: false };
      this.#pipelines.set(socket, pipeline);
    }
    if (pipeline.refused) return false;
    if (pipeline.running.size >= maxPipelined) {
      pipeline.refused = true;
      socket.destroy();
      return false;
    }
    pipeline.running.add(response);
    return true;
  }

  leave(socket: Duplex, response: ServerResponse): void {
    this.#pipelines.get(socket)?.running.delete(response);
  }

  /** True when bytes of an answer are out, or will be: none of ours may get into or behind it. */
  isAnswering(socket: Duplex): boolean {
    const pipeline = this.#pipelines.get(socket);
    if (pipeline === undefined) return false;
    if (pipeline.refused) return true;
    for (const response of pipeline.running) if (response.headersSent) return true;
    return false;
  }

  /** True while a request of this connection is under way. */
  isServing(socket: Duplex): boolean {
    const pipeline = this.#pipelines.get(socket);
    return pipeline !== undefined && (pipeline.refused || pipeline.running.size > 0);
  }

  isRefused(socket: Duplex): boolean {
    return this.#pipelines.get(socket)?.refused === true;
  }

  /** Nothing that this connection still sends is served. */
  refuse(socket: Duplex): void {
    const pipeline = this.#pipelines.get(socket);
    if (pipeline !== undefined) pipeline.refused = true;
  }
}
