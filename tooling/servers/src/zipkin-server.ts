import { freePorts } from "./free-ports.ts";
import { ServerProcess } from "./server-process.ts";

const readyLimitMs = 60_000;

/** A Zipkin with its storage in memory, on a port of its own. */
export class ZipkinServer {
  readonly url: string;
  readonly #process: ServerProcess;

  private constructor(jar: string, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    const parameters = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", jar];
    const settings = { QUERY_PORT: `${port}`, STORAGE_TYPE: "mem", SELF_TRACING_ENABLED: "false" };
    this.#process = new ServerProcess("java", parameters, settings);
  }

  static async start(jar: string): Promise<ZipkinServer> {
    const [port = 0] = await freePorts(1);
    const server = new ZipkinServer(jar, port);
    try {
      await server.#process.ready(() => server.get("/health"), readyLimitMs);
      return server;
    } catch (reason) {
      await server.stop();
      throw reason;
    }
  }

  /** Asks the query API, or the health route. @throws Error for a status other than 200. */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
    return response.json();
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
