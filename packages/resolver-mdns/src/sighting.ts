import type { Endpoint } from "@outrigger/core";
import type { Answer, Packet, SrvAnswer, StringAnswer, TxtAnswer } from "dns-packet";
import { dialableAddress } from "./address.ts";
import { isInstanceOf } from "./names.ts";

/** What a packet tells about one instance: where it is, or that it has gone. */
export interface Sighting {
  readonly appId: string;
  readonly instanceName: string;
  /** `undefined`: the instance said goodbye. */
  readonly endpoint: Endpoint | undefined;
}

/** Key in front of the namespace in a TXT string. */
const namespaceKey = "ns=";
/** A packet of an honest sidecar holds a handful of records. */
const maxRecords = 512;

/**
 * Reads a response as Dapr's browser does: SRV, TXT and address of an instance stand in one packet.
 * They are never joined across packets, because several sidecars of one machine announce different
 * addresses under the same host name. Unlike Dapr, names are compared by whole labels.
 * @param skipped told about instances whose data cannot be used.
 */
export function readSightings(
  packet: Packet,
  skipped: (instanceName: string, why: string) => void,
): readonly Sighting[] {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])];
  if (records.length > maxRecords) return [];
  const found: Sighting[] = [];
  for (const record of records) {
    if (record.type === "PTR") addGoodbye(record, found);
    if (record.type !== "TXT" && record.type !== "SRV") continue;
    if (record.ttl === 0) addInstanceGoodbye(record, found);
    else if (record.type === "TXT") addInstance(record, records, found, skipped);
  }
  return found;
}

/** A PTR names its app, so a goodbye needs nothing else. */
function addGoodbye(record: StringAnswer, found: Sighting[]): void {
  if (record.ttl !== 0 || !record.name.endsWith(".local")) return;
  const appId = record.name.slice(0, -".local".length);
  if (!isInstanceOf(record.data, appId)) return;
  found.push({ appId, instanceName: record.data, endpoint: undefined });
}

/** SRV and TXT stand under the instance's name; which labels are the app id is known to the cache. */
function addInstanceGoodbye(record: SrvAnswer | TxtAnswer, found: Sighting[]): void {
  found.push({ appId: "", instanceName: record.name, endpoint: undefined });
}

function addInstance(
  txt: TxtAnswer,
  records: readonly Answer[],
  found: Sighting[],
  skipped: (instanceName: string, why: string) => void,
): void {
  const [appId, ...extras] = txtStrings(txt.data);
  // The first string is the app id; everything else on the network is somebody else's service.
  if (!appId || !isInstanceOf(txt.name, appId)) return;
  const srv = records.find(
    (record): record is SrvAnswer => record.type === "SRV" && record.name === txt.name,
  );
  if (srv?.ttl === 0) return;
  const host = srv === undefined ? undefined : addressOf(srv.data.target, records);
  if (srv === undefined || host === undefined || srv.data.port === 0) {
    skipped(txt.name, whyUnusable(srv));
    return;
  }
  const { port, target } = srv.data;
  const namespace = namespaceOf(extras) ?? namespaceOf(hostExtras(target, records));
  found.push({
    appId,
    instanceName: txt.name,
    endpoint: namespace === undefined ? { host, port } : { host, port, namespace },
  });
}

function whyUnusable(srv: SrvAnswer | undefined): string {
  if (srv === undefined) return "no SRV record in the same packet";
  if (srv.data.port === 0) return "its port is 0";
  return `no usable address of ${srv.data.target} in the same packet`;
}

/** First A, else first AAAA: Dapr prefers IPv4 in the same way. */
function addressOf(owner: string, records: readonly Answer[]): string | undefined {
  for (const type of ["A", "AAAA"] as const) {
    for (const record of records) {
      // An address with TTL 0 alone does not end an instance, but it is no address either.
      if (record.type !== type || record.name !== owner || record.ttl === 0) continue;
      const address = dialableAddress(record.data);
      if (address !== undefined) return address;
    }
  }
  return undefined;
}

/**
 * Our own sidecars put the namespace into a TXT record of their host name: Dapr never looks there,
 * so the instance's TXT stays exactly what Dapr's is.
 */
function hostExtras(owner: string, records: readonly Answer[]): readonly string[] {
  const txt = records.find(
    (record): record is TxtAnswer => record.type === "TXT" && record.name === owner,
  );
  return txt === undefined ? [] : txtStrings(txt.data);
}

function namespaceOf(strings: readonly string[]): string | undefined {
  const entry = strings.find((text) => text.startsWith(namespaceKey));
  return entry?.slice(namespaceKey.length) || undefined;
}

function txtStrings(data: TxtAnswer["data"]): readonly string[] {
  const parts = Array.isArray(data) ? data : [data];
  return parts.map((part) => part.toString());
}
