import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A server that tests talk to and that is not ours. */
export type ServerName =
  | "avahi-daemon"
  | "consul"
  | "daprd"
  | "dnsmasq"
  | "etcd"
  | "kube-apiserver"
  | "prometheus"
  | "sentry"
  | "zipkin";

/** How a server is built with Go, from a module of `go/` that pins it. */
export interface GoBuild {
  readonly version: string;
  /** What `go build` is given. */
  readonly target: string;
  /** What the module expects beside itself. */
  readonly prepare?: "dapr-copy";
}

/** A file that is a server as it is, from a registry. */
export interface Download {
  readonly version: string;
  readonly url: string;
  /** Hexadecimal SHA-256; another file is refused. */
  readonly sha256: string;
}

/** Where a server comes from. */
export interface ServerSource {
  /** Environment variable that names a binary to use instead. */
  readonly env: string;
  /** Whether one on the PATH is the same thing. Ours is called `daprd` too. */
  readonly onPath: boolean;
  /** Absent for what distributions package well enough. */
  readonly build?: GoBuild;
  readonly download?: Download;
  readonly debianPackage?: string;
}

export const catalogue: Readonly<Record<ServerName, ServerSource>> = {
  consul: {
    env: "OUTRIGGER_CONSUL",
    onPath: true,
    build: { version: "1.19.2", target: "github.com/hashicorp/consul" },
  },
  "kube-apiserver": {
    env: "OUTRIGGER_KUBE_APISERVER",
    onPath: true,
    build: { version: "1.37.2", target: "k8s.io/kubernetes/cmd/kube-apiserver" },
  },
  sentry: {
    env: "OUTRIGGER_DAPR_SENTRY",
    onPath: false,
    build: { version: "1.14.0", target: "github.com/dapr/dapr/cmd/sentry" },
  },
  daprd: {
    env: "OUTRIGGER_DAPR_DAPRD",
    onPath: false,
    build: { version: "1.14.0", target: ".", prepare: "dapr-copy" },
  },
  "avahi-daemon": { env: "OUTRIGGER_AVAHI_DAEMON", onPath: true, debianPackage: "avahi-daemon" },
  dnsmasq: { env: "OUTRIGGER_DNSMASQ", onPath: true, debianPackage: "dnsmasq-base" },
  prometheus: { env: "OUTRIGGER_PROMETHEUS", onPath: true, debianPackage: "prometheus" },
  // A jar, which Java 17 runs.
  zipkin: {
    env: "OUTRIGGER_ZIPKIN",
    onPath: false,
    download: {
      version: "3.5.1",
      url: "https://repo1.maven.org/maven2/io/zipkin/zipkin-server/3.5.1/zipkin-server-3.5.1-exec.jar",
      sha256: "7ac633a6832647e71e50012a5e3e91fbc7054414955261724526030faf271d8d",
    },
  },
  etcd: { env: "OUTRIGGER_ETCD", onPath: true, debianPackage: "etcd-server" },
};

export const serverNames: readonly ServerName[] = Object.keys(catalogue) as ServerName[];

/** Folder of the Go module that pins a server. */
export function moduleFolder(name: ServerName): string {
  return join(import.meta.dirname, "../go", name);
}

/** Where binaries are kept: outside the tree, so that clones and clean checkouts share them. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { OUTRIGGER_CACHE: own, XDG_CACHE_HOME: shared } = env;
  return join(own || join(shared || join(homedir(), ".cache"), "outrigger"), "servers");
}

/** Path of a built binary; another version, module or set of flags has another path. */
export function cachedBinary(name: ServerName, build: GoBuild): string {
  const hash = createHash("sha256").update(JSON.stringify(build)).update(buildFlags.join(" "));
  const files = build.target === "." ? [...moduleFiles, "main.go"] : moduleFiles;
  for (const file of files) hash.update(readFileSync(join(moduleFolder(name), file)));
  const folder = `${build.version}-${hash.digest("hex").slice(0, 12)}`;
  return join(cacheFolder(), name, folder, executable(name));
}

/** Path of a downloaded server. */
export function cachedDownload(name: ServerName, { version, sha256 }: Download): string {
  return join(cacheFolder(), name, `${version}-${sha256.slice(0, 12)}`, `${name}.jar`);
}

const moduleFiles = ["go.mod", "go.sum"];

/** Debug information takes a good part of the time to build, and nobody looks at it. */
export const buildFlags: readonly string[] = [
  "-mod=readonly",
  "-trimpath",
  "-buildvcs=false",
  "-gcflags=all=-dwarf=false",
  "-ldflags=-s -w",
];

export function executable(name: string): string {
  return process.platform === "win32" ? `${name}.exe` : name;
}
