import type {
  Connection,
  Endpoint,
  EndpointOutcome,
  InvokeRequest,
  InvokeResponse,
  ResolveRequest,
  Resolver,
  Transport,
  TransportHandler,
} from "@outrigger/core";

/** An answer of an HTTP app. */
export function answer(text: string, code = 200): InvokeResponse {
  return {
    status: { code, message: "", details: [] },
    headers: [],
    trailers: [],
    contentType: "text/plain",
    typeUrl: "",
    body: Buffer.from(text),
  };
}

/** A transport whose connections do what the test says. */
export class ScriptedTransport implements Transport {
  readonly name = "transport-scripted";
  readonly features = { streams: true, remote: false };
  readonly attempts: { endpoint: Endpoint; call: InvokeRequest }[] = [];
  readonly resets: Endpoint[] = [];
  readonly journal: string[] = [];
  handler: TransportHandler | undefined;
  respond: (endpoint: Endpoint, call: InvokeRequest) => Promise<InvokeResponse> = async () =>
    answer("ok");
  drainWork: Promise<void> = Promise.resolve();

  connect(endpoint: Endpoint): Connection {
    return {
      invoke: async (call) => {
        this.attempts.push({ endpoint, call });
        return this.respond(endpoint, call);
      },
      reset: () => {
        this.resets.push(endpoint);
      },
    };
  }

  async start(): Promise<void> {
    this.journal.push("transport start");
  }

  async listen(handler: TransportHandler): Promise<{ host: string; port: number }> {
    this.journal.push("transport listen");
    this.handler = handler;
    return { host: "127.0.0.1", port: 4711 };
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.journal.push("transport drain");
    const cutOff = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([this.drainWork, cutOff]);
  }

  async stop(): Promise<void> {
    this.journal.push("transport stop");
  }
}

/** A resolver that answers with a list the test changes. */
export class ListResolver implements Resolver {
  readonly name = "resolver-list";
  readonly features = { announces: true, namespaces: true, expires: false, watches: false };
  readonly reports: [Endpoint, EndpointOutcome][] = [];
  readonly journal: string[];
  endpoints: readonly Endpoint[];
  announceFailures = 0;

  constructor(endpoints: readonly Endpoint[], journal: string[] = []) {
    this.endpoints = endpoints;
    this.journal = journal;
  }

  async resolve(): Promise<readonly Endpoint[]> {
    return this.endpoints;
  }

  async announce(): Promise<void> {
    if (this.announceFailures > 0) {
      this.announceFailures -= 1;
      throw new Error("registry away");
    }
    this.journal.push("resolver announce");
  }

  async withdraw(): Promise<void> {
    this.journal.push("resolver withdraw");
  }

  report(_request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.reports.push([endpoint, outcome]);
  }

  async stop(): Promise<void> {
    this.journal.push("resolver stop");
  }
}
