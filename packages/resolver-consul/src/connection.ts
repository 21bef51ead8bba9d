import { readdirSync, readFileSync } from "node:fs";
import { type AgentOptions, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { join } from "node:path";
import { checkServerIdentity } from "node:tls";
import { errorText, OutriggerError } from "@outrigger/core";
import type { ConsulClientOptions, ConsulTlsOptions } from "./options.ts";

/** Consul's environment variables, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the agent is and what it wants to see, with secrets read from their files. */
export interface ConsulConnection {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Prefix of every path, without a slash at its end. */
  readonly pathPrefix: string;
  readonly token: string | undefined;
  /** `user:password` of basic authentication. */
  readonly auth: string | undefined;
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly insecure: boolean;
  /** Keeps connections; the owner destroys it. */
  readonly agent: HttpAgent;
}

const defaultPort = 8_500;
const maxSockets = 16;

/**
 * Reads the client options as Consul's Go client does for Dapr: what is blank comes from the
 * environment. Basic authentication and the token's file do only when there are no options at all.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with Dapr's text for what cannot be used.
 */
export function openConnection(
  options: ConsulClientOptions | undefined,
  env: Environment,
): ConsulConnection {
  const given = options ?? {};
  const isSsl = isTrue(env.CONSUL_HTTP_SSL, "CONSUL_HTTP_SSL");
  const scheme = given.scheme ?? (isSsl ? "https" : "http");
  const target = parseAddress(given.address || env.CONSUL_HTTP_ADDR || "127.0.0.1:8500", scheme);
  const tls = tlsOf(given.tls ?? {}, env);
  const agentOptions: AgentOptions & { socketPath?: string } = {
    keepAlive: true,
    maxSockets,
    ...(target.socketPath !== undefined && { socketPath: target.socketPath }),
  };
  return {
    secure: target.secure,
    host: target.host,
    port: target.port,
    pathPrefix: target.pathPrefix,
    token: tokenOf(options, env),
    auth: authOf(options, env),
    datacenter: given.datacenter || undefined,
    namespace: env.CONSUL_NAMESPACE || undefined,
    partition: env.CONSUL_PARTITION || undefined,
    insecure: tls.insecure,
    agent: target.secure
      ? new HttpsAgent({ ...agentOptions, ...secureOptions(tls) })
      : new HttpAgent(agentOptions),
  };
}

interface Target {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly pathPrefix: string;
  readonly socketPath?: string;
}

function parseAddress(address: string, scheme: string): Target {
  const [, named, rest = ""] = /^(?:(.*?):\/\/)?(.*)$/s.exec(address) ?? [];
  if (named === "unix") {
    return { secure: false, host: "127.0.0.1", port: 80, pathPrefix: "", socketPath: rest };
  }
  if (named !== undefined && named !== "http" && named !== "https") {
    throw invalid(`Unknown protocol scheme: ${named}`);
  }
  const secure = (named ?? scheme) === "https";
  let url: URL;
  try {
    // An IPv6 address is unambiguous without brackets as long as it has no port.
    url = new URL(`x://${isIP(rest) === 6 ? `[${rest}]` : rest}`);
  } catch (cause) {
    throw invalid(`client.address: must be host:port (got ${JSON.stringify(address)})`, cause);
  }
  const port = url.port === "" ? portWithout(named) : Number(url.port);
  const pathPrefix = url.pathname.replace(/\/+$/, "");
  return { secure, host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, pathPrefix };
}

/** A URL without a port means that of its scheme; a bare host means Consul's. */
function portWithout(scheme: string | undefined): number {
  if (scheme === undefined) return defaultPort;
  return scheme === "https" ? 443 : 80;
}

function tokenOf(options: ConsulClientOptions | undefined, env: Environment): string | undefined {
  const file = options === undefined ? env.CONSUL_HTTP_TOKEN_FILE : options.tokenFile;
  if (file) {
    const token = readText(file, "token file").trim();
    if (token !== "") return token;
  }
  return options?.token || env.CONSUL_HTTP_TOKEN || undefined;
}

function authOf(options: ConsulClientOptions | undefined, env: Environment): string | undefined {
  if (options === undefined) return env.CONSUL_HTTP_AUTH || undefined;
  const { httpAuth } = options;
  return httpAuth === undefined ? undefined : `${httpAuth.username}:${httpAuth.password}`;
}

interface TlsMaterial {
  readonly serverName: string | undefined;
  readonly ca: readonly string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly insecure: boolean;
}

function tlsOf(given: ConsulTlsOptions, env: Environment): TlsMaterial {
  const caFile = given.caFile || env.CONSUL_CACERT;
  const caPath = given.caPath || env.CONSUL_CAPATH;
  const certFile = given.certFile || env.CONSUL_CLIENT_CERT;
  const keyFile = given.keyFile || env.CONSUL_CLIENT_KEY;
  if (!certFile !== !keyFile) throw invalid("both client cert and client key must be provided");
  const skipByEnv = env.CONSUL_HTTP_SSL_VERIFY
    ? !isTrue(env.CONSUL_HTTP_SSL_VERIFY, "CONSUL_HTTP_SSL_VERIFY")
    : false;
  return {
    serverName: serverNameOf(given.address || env.CONSUL_TLS_SERVER_NAME),
    ca: authorities(caFile, caPath),
    cert: certFile ? readText(certFile, "client cert") : undefined,
    key: keyFile ? readText(keyFile, "client key") : undefined,
    insecure: given.insecureSkipVerify === true || skipByEnv,
  };
}

function authorities(file: string | undefined, folder: string | undefined): readonly string[] {
  // As in Consul's client, the file wins.
  if (file) return [readText(file, "CA file")];
  if (!folder) return [];
  try {
    const names = readdirSync(folder, { withFileTypes: true }).filter((e) => !e.isDirectory());
    return names.map(({ name }) => readFileSync(join(folder, name), "utf8"));
  } catch (cause) {
    throw invalid(`Error loading CA path: ${errorText(cause)}`, cause);
  }
}

function secureOptions(tls: TlsMaterial): object {
  const { serverName, ca, cert, key, insecure } = tls;
  return {
    ...(ca.length > 0 && { ca }),
    ...(cert !== undefined && { cert, key }),
    rejectUnauthorized: !insecure,
    // TLS has no server name that is an address, but a certificate may be made out to one.
    ...(serverName !== undefined && isIP(serverName) === 0 && { servername: serverName }),
    ...(serverName !== undefined && {
      checkServerIdentity: (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(serverName, peer),
    }),
  };
}

function serverNameOf(address: string | undefined): string | undefined {
  if (!address) return undefined;
  const [, bracketed, plain] = /^(?:\[(.*)\](?::\d+)?|([^:]*)(?::\d+)?)$/.exec(address) ?? [];
  return bracketed ?? plain ?? address;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid(`Error loading ${what}: ${errorText(cause)}`, cause);
  }
}

/** Truth as Go's `strconv.ParseBool` has it. */
function isTrue(text: string | undefined, name: string): boolean {
  if (!text) return false;
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw invalid(`could not parse ${name}: ${JSON.stringify(text)} is no boolean`);
}

function invalid(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(`failed to init consul client: ${message}`, {
    code: "OTR_OPTIONS_INVALID",
    cause,
  });
}
