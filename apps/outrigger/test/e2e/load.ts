import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** What a load has seen until it was stopped. */
export interface LoadResult {
  readonly calls: number;
  /** Statuses other than 200 with their bodies, and errors of the connection. */
  readonly failures: readonly string[];
}

/** Calls a path over and over on a few connections until it is stopped. */
export class Load {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #workers: Promise<void>[];
  readonly #judge: (headers: IncomingHttpHeaders) => string | undefined;
  #stopped = false;
  #calls = 0;
  readonly #failures: string[] = [];

  /** @param judge says what is wrong with the headers of an answer 200. */
  constructor(
    port: number,
    path: string,
    connections = 4,
    judge: (headers: IncomingHttpHeaders) => string | undefined = () => undefined,
  ) {
    this.#judge = judge;
    this.#workers = Array.from({ length: connections }, () => this.#work(port, path));
  }

  get calls(): number {
    return this.#calls;
  }

  async stop(): Promise<LoadResult> {
    this.#stopped = true;
    await Promise.all(this.#workers);
    this.#agent.destroy();
    return { calls: this.#calls, failures: this.#failures };
  }

  async #work(port: number, path: string): Promise<void> {
    while (!this.#stopped) {
      const outcome = await this.#once(port, path);
      this.#calls += 1;
      // A broken mesh would fill memory with failures that are all alike.
      if (outcome !== undefined && this.#failures.length < 20) this.#failures.push(outcome);
    }
  }

  #once(port: number, path: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const outgoing = request({ host: "127.0.0.1", port, path, agent: this.#agent });
      outgoing.once("error", (error) => resolve(error.message));
      outgoing.once("response", (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.once("error", (error) => resolve(error.message));
        response.once("end", () => {
          if (response.statusCode === 200) resolve(this.#judge(response.headers));
          else resolve(`${response.statusCode} ${body}`);
        });
      });
      outgoing.end();
    });
  }
}
