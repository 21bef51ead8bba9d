import * as v from "valibot";

/** One instance that a slice lists and that may be called. */
export interface SliceEndpoint {
  readonly host: string;
  readonly port: number;
  readonly zone?: string;
  /** Tells that addresses of two slices are one instance. */
  readonly uid?: string;
  readonly forZones: readonly string[];
  readonly family: string;
}

/** What is kept of an EndpointSlice (`discovery.k8s.io/v1`). */
export interface Slice {
  readonly name: string;
  /** Name of the Service; empty when the slice belongs to none. */
  readonly service: string;
  readonly endpoints: readonly SliceEndpoint[];
  /** Why it has fewer endpoints than it could have. */
  readonly problem?: string;
}

const nullish = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);

const namedSchema = v.object({
  metadata: v.object({
    name: v.string(),
    labels: nullish(v.record(v.string(), v.string())),
  }),
});

const endpoint = v.object({
  addresses: v.array(v.string()),
  conditions: nullish(v.object({ ready: nullish(v.boolean()), terminating: nullish(v.boolean()) })),
  zone: nullish(v.string()),
  hints: nullish(v.object({ forZones: nullish(v.array(v.object({ name: v.string() }))) })),
  targetRef: nullish(v.object({ uid: nullish(v.string()) })),
});

const sliceSchema = v.object({
  addressType: v.string(),
  endpoints: nullish(v.array(endpoint)),
  ports: nullish(v.array(v.object({ name: nullish(v.string()), port: nullish(v.number()) }))),
});

type RawEndpoint = v.InferOutput<typeof endpoint>;

/** @throws Error for what has no name: it could not be found again. */
export function readSlice(value: unknown, portName: string): Slice {
  const { metadata } = v.parse(namedSchema, value);
  const { name, labels } = metadata;
  const service = labels?.["kubernetes.io/service-name"] ?? "";
  const read = v.safeParse(sliceSchema, value);
  if (!read.success) {
    return { name, service, endpoints: [], problem: v.summarize(read.issues) };
  }
  const { addressType, endpoints, ports } = read.output;
  const port = ports?.find((one) => one.name === portName)?.port ?? 0;
  if (port < 1 || port > 65_535) {
    return { name, service, endpoints: [], problem: `it has no port ${portName}` };
  }
  const usable = (endpoints ?? []).filter(isReady);
  return { name, service, endpoints: usable.flatMap((one) => toEndpoints(one, port, addressType)) };
}

/** Not known counts as ready; a pod that shuts down does not, whatever it says. */
function isReady({ conditions }: RawEndpoint): boolean {
  return conditions?.ready !== false && conditions?.terminating !== true;
}

function toEndpoints(raw: RawEndpoint, port: number, family: string): readonly SliceEndpoint[] {
  // All addresses of an endpoint are the same instance (discovery/v1: "fungible").
  const [host] = raw.addresses;
  if (host === undefined || host === "") return [];
  const uid = raw.targetRef?.uid;
  return [
    {
      host,
      port,
      family,
      forZones: raw.hints?.forZones?.map(({ name }) => name) ?? [],
      ...(raw.zone ? { zone: raw.zone } : {}),
      ...(uid ? { uid } : {}),
    },
  ];
}
