import {
  type ComponentFactory,
  type Endpoint,
  type Instance,
  OutriggerError,
  type ResolveRequest,
  type Resolver,
} from "@outrigger/core";

/** A registry in memory that a test can take away, and that counts the questions. */
export class MemoryRegistry {
  readonly instances = new Set<Instance>();
  /** What to throw instead of working. */
  failure: Error | undefined;
  /** How long each answer takes, in milliseconds. */
  delayMs = 0;
  queries = 0;
  readonly reports: string[] = [];

  readonly resolver: ComponentFactory<Resolver> = ({ log }) => {
    const own = new Set<Instance>();
    let stopped = false;
    const check = () => {
      if (this.failure !== undefined) throw this.failure;
      if (stopped) throw new OutriggerError("memory is stopped", { code: "OTR_STOPPED" });
    };
    const withdraw = async () => {
      for (const instance of own) this.instances.delete(instance);
      own.clear();
    };
    return {
      name: "memory",
      features: { announces: true, namespaces: true, expires: true, watches: false },
      start: async () => check(),
      resolve: async (request, signal) => {
        const found = await this.#resolve(request, signal, check);
        if (found.length > 0) return found;
        const message = `couldn't find service: ${request.appId}`;
        log.log("warn", `nobody answered for ${request.appId}`);
        throw new OutriggerError(message, { code: "OTR_RESOLVE_NOT_FOUND" });
      },
      announce: async (instance) => {
        check();
        for (const [field, value] of Object.entries(instance)) {
          if (["appId", "host"].includes(field) && value === "") throw invalid(field);
        }
        if (instance.internalPort < 1 || instance.internalPort > 65_535) {
          throw invalid("internalPort");
        }
        own.add(instance);
        this.instances.add(instance);
      },
      withdraw,
      report: (_request, { port }, outcome) => this.reports.push(`${port} ${outcome}`),
      stop: async () => {
        await withdraw();
        stopped = true;
      },
    };
  };

  async #resolve(
    { appId, namespace }: ResolveRequest,
    signal: AbortSignal,
    check: () => void,
  ): Promise<readonly Endpoint[]> {
    this.queries += 1;
    if (this.delayMs > 0) await pause(this.delayMs, signal);
    check();
    const found = [...this.instances].filter(
      (one) => one.appId === appId && one.namespace === namespace,
    );
    return found.map(({ host, internalPort: port }) => ({ host, port }));
  }
}

function invalid(field: string): OutriggerError {
  return new OutriggerError(`memory: ${field} is wrong`, { code: "OTR_OPTIONS_INVALID" });
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
