import type { AppRequest, ClientAnswer, InvocationSubject } from "@outrigger/conformance";
import type {
  AppChannel,
  ComponentFactory,
  HeaderList,
  Ingress,
  IngressFactory,
  InvokeRequest,
  InvokeResponse,
  ReceivedCall,
  Sidecar,
  Transport,
} from "@outrigger/core";

/** Breaks one thing of a subject. */
export type Fault = (subject: InvocationSubject) => InvocationSubject;

/** Replaces the caller's half: what an ingress makes of the pipeline, or a broken pipeline. */
export function atInvoke(
  invoke: (next: Sidecar["invoke"], request: InvokeRequest) => Promise<InvokeResponse>,
): Fault {
  return atSidecar((sidecar) => ({
    invoke: (request) => invoke((changed) => sidecar.invoke(changed), request),
  }));
}

/** Changes what the client's ingress gets from the pipeline. */
export function atResponse(
  change: (response: InvokeResponse) => Partial<InvokeResponse> | Promise<Partial<InvokeResponse>>,
): Fault {
  return atInvoke(async (next, request) => {
    const response = await next(request);
    return { ...response, ...(await change(response)) };
  });
}

/** Replaces parts of what the ingress sees of its sidecar. */
export function atSidecar(replace: (sidecar: Sidecar) => Partial<Sidecar>): Fault {
  return withIngress((create) => (context, sidecar) => {
    return create(context, { ...sidecar, ...replace(sidecar) });
  });
}

/** Replaces parts of the ingress. */
export function atIngress(replace: (ingress: Ingress) => Partial<Ingress>): Fault {
  return withIngress((create) => (context, sidecar) => {
    const ingress = create(context, sidecar);
    return {
      name: ingress.name,
      addresses: () => ingress.addresses(),
      start: async (signal) => ingress.start?.(signal),
      stop: async () => ingress.stop?.(),
      drain: (signal) => ingress.drain(signal),
      ...replace(ingress),
    };
  });
}

function withIngress(wrap: (create: IngressFactory) => IngressFactory): Fault {
  return (subject) => ({
    ...subject,
    ingress: { ...subject.ingress, create: wrap(subject.ingress.create) },
  });
}

/** Changes what the app channel is given. */
export function atDeliver(
  change: (call: ReceivedCall) => Partial<ReceivedCall> | Promise<Partial<ReceivedCall>>,
): Fault {
  return (subject) => ({
    ...subject,
    app: {
      ...subject.app,
      start: async (handler, maxConcurrency) =>
        changing(await subject.app.start(handler, maxConcurrency), change),
    },
  });
}

function changing(
  factory: ComponentFactory<AppChannel>,
  change: (call: ReceivedCall) => Partial<ReceivedCall> | Promise<Partial<ReceivedCall>>,
): ComponentFactory<AppChannel> {
  return (context) => {
    const channel = factory(context);
    return {
      name: channel.name,
      protocol: channel.protocol,
      deliver: async (call) => channel.deliver({ ...call, ...(await change(call)) }),
      waitUntilListening: async (signal) => channel.waitUntilListening?.(signal),
      stop: async () => channel.stop?.(),
    };
  };
}

/** Changes what arrives at the app, as a broken app channel would. */
export function atApp(change: (request: AppRequest) => Partial<AppRequest>): Fault {
  return (subject) => ({
    ...subject,
    app: {
      ...subject.app,
      start: (handler, maxConcurrency) =>
        subject.app.start((request) => handler({ ...request, ...change(request) }), maxConcurrency),
    },
  });
}

/** Changes what arrives at the client, as a broken ingress would. */
export function atClient(change: (answer: ClientAnswer) => Partial<ClientAnswer>): Fault {
  return (subject) => ({
    ...subject,
    ingress: {
      ...subject.ingress,
      client: (addresses) => {
        const client = subject.ingress.client(addresses);
        return {
          ...client,
          call: async (call, signal) => {
            const answer = await client.call(call, signal);
            return { ...answer, ...change(answer) };
          },
        };
      },
    },
  });
}

/** An app channel that lets every call through at once. */
export const unlimited: Fault = (subject) => ({
  ...subject,
  app: { ...subject.app, start: (handler) => subject.app.start(handler, 0) },
});

/** A transport of the callee that ends without its calls. */
export const undrained: Fault = (subject) => ({
  ...subject,
  transport: {
    ...subject.transport,
    callee: (context) => {
      const transport: Transport = subject.transport.callee(context);
      return {
        name: transport.name,
        features: transport.features,
        connect: (endpoint, peer) => transport.connect(endpoint, peer),
        listen: (handler, signal) => transport.listen(handler, signal),
        start: async (signal) => transport.start?.(signal),
        stop: async () => transport.stop?.(),
        drain: async () => undefined,
      };
    },
  },
});

/** A list without the headers of a name. */
export function without(list: HeaderList, lowerCaseName: string): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    if (name.toLowerCase() !== lowerCaseName) kept.push(name, list[index + 1] as string);
  }
  return kept;
}
