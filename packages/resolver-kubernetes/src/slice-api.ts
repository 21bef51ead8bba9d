import * as v from "valibot";
import { apiAccess } from "./api-access.ts";
import { ApiFailure, getFromApi, readBody, readLines } from "./api-request.ts";
import { readSlice, type Slice } from "./endpoint-slice.ts";
import type { KubernetesSettings } from "./options.ts";

/** Slices of one answer. A slice has up to 1000 endpoints, most have up to 100. */
const pageSize = 200;
const maxPages = 1_000;
const maxPageBytes = 256 * 1_024 * 1_024;
// etcd holds objects of up to 1.5 MiB.
const maxEventBytes = 4 * 1_024 * 1_024;
/** The server ends a watch after this time, and with it the use of an old token. */
const watchSeconds = 240;

/** All slices of a namespace at one moment. */
export interface SliceList {
  readonly slices: readonly Slice[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
}

/** A change that a watch tells of. */
export type SliceEvent =
  | { readonly type: "open" }
  | { readonly type: "put"; readonly slice: Slice; readonly resourceVersion: string }
  | { readonly type: "remove"; readonly name: string; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

const listSchema = v.object({
  metadata: v.object({ resourceVersion: v.string(), continue: v.optional(v.string()) }),
  items: v.nullish(v.array(v.unknown())),
});

const eventSchema = v.object({
  type: v.string(),
  object: v.looseObject({
    code: v.optional(v.number()),
    message: v.optional(v.string()),
    metadata: v.optional(
      v.looseObject({
        name: v.optional(v.string(), ""),
        resourceVersion: v.optional(v.string(), ""),
      }),
      {},
    ),
  }),
});

/** Reads all slices of Services in a namespace, page by page. */
export async function listSlices(
  settings: KubernetesSettings,
  namespace: string,
  signal: AbortSignal,
): Promise<SliceList> {
  const slices: Slice[] = [];
  let token: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const query = { limit: String(pageSize), ...(token ? { continue: token } : {}) };
    const response = await send(settings, namespace, query, signal);
    const list = v.parse(listSchema, JSON.parse(await readBody(response, maxPageBytes)));
    for (const item of list.items ?? []) slices.push(readSlice(item, settings.portName));
    token = list.metadata.continue;
    if (!token) return { slices, resourceVersion: list.metadata.resourceVersion };
  }
  throw new Error(`namespace ${namespace} has more than ${maxPages * pageSize} EndpointSlices`);
}

/**
 * The changes after a version, until the server ends the watch.
 * @throws ApiFailure with status 410 when the version is too old.
 */
export async function* watchSlices(
  settings: KubernetesSettings,
  namespace: string,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<SliceEvent> {
  const query = {
    watch: "true",
    resourceVersion,
    allowWatchBookmarks: "true",
    timeoutSeconds: String(watchSeconds),
  };
  const response = await send(settings, namespace, query, signal);
  // Known to be open: from here on every change is heard of.
  yield { type: "open" };
  for await (const line of readLines(response, maxEventBytes)) {
    if (line !== "") yield readEvent(JSON.parse(line), settings.portName);
  }
}

function readEvent(value: unknown, portName: string): SliceEvent {
  const { type, object } = v.parse(eventSchema, value);
  const { name, resourceVersion } = object.metadata;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "put", slice: readSlice(object, portName), resourceVersion };
    case "DELETED":
      return { type: "remove", name, resourceVersion };
    case "BOOKMARK":
      return { type: "bookmark", resourceVersion };
    default:
      throw new ApiFailure(object.code ?? 500, object.message ?? `the watch ended with ${type}`);
  }
}

async function send(
  settings: KubernetesSettings,
  namespace: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): ReturnType<typeof getFromApi> {
  const access = await apiAccess(settings);
  // Slices that belong to no Service have no such label.
  const search = new URLSearchParams({ labelSelector: "kubernetes.io/service-name", ...query });
  const folder = `apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}`;
  return getFromApi(access, `${folder}/endpointslices?${search}`, signal);
}
