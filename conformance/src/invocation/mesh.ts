import {
  type ComponentFactory,
  createRuntime,
  emptyBody,
  OutriggerError,
  type Resolver,
  type Runtime,
  type RuntimeOptions,
} from "@outrigger/core";
import type {
  AppHandler,
  AppReply,
  ClientCall,
  InvocationClient,
  InvocationSubject,
} from "./subject.ts";

/** Two sidecars: the client's (`caller`) and the app's (`callee`). Both have the app. */
export interface Mesh {
  readonly client: InvocationClient;
  readonly caller: Runtime;
  readonly callee: Runtime;
}

/** What the app of a mesh is like. */
export interface MeshApp {
  readonly handler: AppHandler;
  /** `absent`: does not listen. `none`: the sidecars have no app channel. Default `there`. */
  readonly appIs?: "there" | "absent" | "none" | undefined;
  /** Default 0: unlimited. */
  readonly maxConcurrency?: number;
}

/** Composes a mesh for the time of `use` and releases all of it. */
export async function withMesh(
  subject: InvocationSubject,
  app: MeshApp,
  signal: AbortSignal,
  use: (mesh: Mesh) => Promise<void>,
): Promise<void> {
  const releases: (() => unknown)[] = [];
  try {
    const appChannel = await channelOf(subject, app);
    const shared = {
      retry: { retries: 0, delayMs: 1 },
      ...(appChannel === undefined ? {} : { appChannel }),
    };
    const start = async (options: RuntimeOptions): Promise<Runtime> => {
      const runtime = await createRuntime({ ...shared, ...options }, signal);
      releases.push(() => runtime.stop({ drainMs: 0 }));
      return runtime;
    };
    const callee = await start({ appId: "callee", transport: subject.transport.callee });
    const caller = await start({
      appId: "caller",
      transport: subject.transport.caller,
      resolver: resolverOf(callee),
      ingresses: [subject.ingress.create],
    });
    const client = quiet(subject.ingress.client(caller.ingresses[0]?.addresses() ?? []));
    releases.push(() => client.close());
    await use({ client, caller, callee });
  } finally {
    for (const release of releases.reverse()) await release();
  }
}

/** A case that fails early leaves calls behind, whose failures nobody awaits. */
function quiet(client: InvocationClient): InvocationClient {
  return {
    healthy: async (route, signal) => client.healthy?.(route, signal) ?? false,
    call: (call, signal) => {
      const calling = client.call(call, signal);
      calling.catch(() => undefined);
      return calling;
    },
    close: () => client.close(),
  };
}

async function channelOf(
  { app }: InvocationSubject,
  { appIs = "there", handler, maxConcurrency = 0 }: MeshApp,
): Promise<RuntimeOptions["appChannel"]> {
  if (appIs === "none") return undefined;
  return appIs === "absent" ? app.absent() : app.start(handler, maxConcurrency);
}

/** Knows both apps. Dapr resolves the own app too, before it finds that it is the own one. */
function resolverOf(callee: Runtime): ComponentFactory<Resolver> {
  const { port } = callee.internalAddress;
  return () => ({
    name: "resolver-suite",
    features: { announces: false, namespaces: true, expires: false, watches: false },
    resolve: async ({ appId }) => {
      if (appId === "callee" || appId === "caller") return [{ host: "127.0.0.1", port }];
      throw new OutriggerError(`no app ${appId}`, { code: "OTR_RESOLVE_NOT_FOUND" });
    },
  });
}

/** A call with everything that it does not name. */
export function clientCall(parts: Partial<ClientCall> = {}): ClientCall {
  return {
    target: "callee",
    method: "orders",
    verb: "POST",
    query: "",
    headers: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    ...parts,
  };
}

/** A successful reply with everything that it does not name. */
export function appReply(subject: InvocationSubject, parts: Partial<AppReply> = {}): AppReply {
  return {
    status: subject.app.protocol === "http" ? 200 : 0,
    message: "",
    details: [],
    headers: [],
    trailers: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    ...parts,
  };
}

/** Status of a call that went well. */
export function successStatus({ ingress }: InvocationSubject): number {
  return ingress.protocol === "http" ? 200 : 0;
}
