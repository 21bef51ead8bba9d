import { readFile } from "node:fs/promises";

/** Domain of a cluster that tells none. */
const usualDomain = "cluster.local";

/** The cluster's DNS domain, from the search list that the cluster gives its pods. */
export async function clusterDomain(file = "/etc/resolv.conf"): Promise<string> {
  try {
    return domainInSearchList(await readFile(file, "utf8"));
  } catch {
    // Without the file names are resolved in some other way, which tells nothing about the domain.
    return usualDomain;
  }
}

/** The domain behind `svc.` in the search list of a resolver configuration. */
export function domainInSearchList(configuration: string): string {
  for (const line of configuration.split("\n")) {
    const [keyword, ...domains] = line.trim().split(/\s+/);
    if (keyword !== "search") continue;
    const services = domains.find((domain) => domain.startsWith("svc."));
    if (services !== undefined) return services.slice("svc.".length).replace(/\.$/, "");
  }
  return usualDomain;
}
