/** The service-type enumeration of RFC 6763 section 9. */
export const servicesName = "_services._dns-sd._udp.local";

const maxLabelBytes = 63;
const maxNameBytes = 253;

/** `<appid>.local`: Dapr uses the app id alone, without `_dapr._tcp`. Case is kept. */
export function serviceName(appId: string): string {
  return `${appId}.local`;
}

/**
 * True when the id can stand in a DNS name. A label that is too long or empty would make the
 * encoder throw, or would end the name early and so match another app.
 */
export function isEncodableId(appId: string): boolean {
  const labels = appId.split(".");
  const fits = (label: string) =>
    label.length > 0 && Buffer.byteLength(label) <= maxLabelBytes && !label.includes("\0");
  // The instance label and ".local" still have to fit in front and behind.
  return labels.every(fits) && Buffer.byteLength(appId) <= maxNameBytes - maxLabelBytes - 8;
}

/** True when the name is an instance of the app's service: whole labels, with case. */
export function isInstanceOf(instanceName: string, appId: string): boolean {
  const suffix = `.${serviceName(appId)}`;
  return instanceName.length > suffix.length && instanceName.endsWith(suffix);
}

/**
 * A label for one registration. Dapr uses `<host>:<pid>`, so that two sidecars of one process, or
 * of two containers with the same host name, hide each other; port and suffix make it unique.
 */
export function instanceLabel(hostName: string, pid: number, port: number, suffix: string): string {
  const tail = `:${pid}:${port}:${suffix}`;
  const host = hostName.replace(/[^\w-]/g, "-").slice(0, maxLabelBytes - tail.length);
  return `${host || "host"}${tail}`;
}
