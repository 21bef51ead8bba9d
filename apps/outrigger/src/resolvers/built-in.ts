import { OutriggerError } from "@outrigger/core";
import type { JsonValue } from "@outrigger/resources";
import { functionIn } from "../packages/function-in.ts";
import { isRecord } from "../packages/package-entry.ts";
import { makeResolver, type ResolverMaker } from "./resolver-maker.ts";
import type { ResolverChoice } from "./resolver-plan.ts";
import { labelOf } from "./resolver-plan.ts";

type Exports = Readonly<Record<string, unknown>>;

interface BuiltIn {
  /** Loaded when it is used: a sidecar does not pay for registries that it has nothing to do with. */
  readonly load: () => Promise<Exports>;
  /** Name of the factory. */
  readonly factory: string;
  /**
   * Reads Dapr's free-form configuration, or the name of an export that does. Without it, the
   * configuration is the package's own options, checked strictly.
   */
  readonly fromDapr?: string | ((configuration: JsonValue | undefined) => unknown);
  /** True where a target has the port of the caller, as in Dapr: no registry tells it. */
  readonly assumesOwnPort?: boolean;
}

const consul: BuiltIn = {
  load: () => import("@outrigger/resolver-consul"),
  factory: "resolverConsul",
  fromDapr: "consulOptionsFromDapr",
};

/** Resolvers by the names that a Configuration uses: Dapr's, then ours. */
const builtIns: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  [
    "mdns",
    {
      load: () => import("@outrigger/resolver-mdns"),
      factory: "resolverMdns",
      // Dapr's has no settings and ignores what stands there; ours is a map.
      fromDapr: (configuration) => (isRecord(configuration) ? configuration : {}),
    },
  ],
  [
    "kubernetes",
    {
      load: () => import("@outrigger/resolver-kubernetes"),
      factory: "resolverKubernetes",
      fromDapr: "kubernetesOptionsFromDapr",
      assumesOwnPort: true,
    },
  ],
  ["consul", consul],
  ["hashicorp.consul", consul],
  [
    "sqlite",
    {
      load: () => import("@outrigger/resolver-sqlite"),
      factory: "resolverSqlite",
      fromDapr: "sqliteOptionsFromDapr",
    },
  ],
  [
    "nameformat",
    {
      load: () => import("@outrigger/resolver-dns"),
      factory: "resolverDns",
      fromDapr: "nameFormatOptionsFromDapr",
    },
  ],
  ["dns", { load: () => import("@outrigger/resolver-dns"), factory: "resolverDns" }],
  ["static", { load: () => import("@outrigger/resolver-static"), factory: "resolverStatic" }],
  ["local", { load: () => import("@outrigger/resolver-local"), factory: "resolverLocal" }],
]);

/** Versions that mean the only one there is (Dapr `pkg/components/components.go`). */
const versions: readonly string[] = ["", "v0", "v1"];

/**
 * Loads a resolver that comes with Outrigger.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is none of this name, in Dapr's words, or
 *   its configuration is wrong.
 */
export async function builtInResolver(
  choice: ResolverChoice,
  internalGrpcPort: number | undefined,
): Promise<ResolverMaker> {
  const name = choice.component.toLowerCase();
  if (name === "aws.cloudmap") {
    throw invalid(
      `${labelOf(choice)} does not come with Outrigger: use dns with the names of the Cloud Map namespace, or a package (npm:<package>)`,
    );
  }
  const builtIn = builtIns.get(name);
  if (builtIn === undefined || !versions.includes(choice.version.toLowerCase())) {
    throw invalid(`couldn't find name resolver ${labelOf(choice)}`);
  }
  const exports = await builtIn.load();
  const factory = functionIn(exports, builtIn.factory);
  const { fromDapr = asOptions } = builtIn;
  const convert = typeof fromDapr === "string" ? functionIn(exports, fromDapr) : fromDapr;
  if (factory === undefined || convert === undefined) {
    throw invalid(`name resolver ${labelOf(choice)} is not part of this version of Outrigger`);
  }
  const options = convert(choice.configuration);
  const port = builtIn.assumesOwnPort ? internalGrpcPort : undefined;
  const whole = port === undefined || !isRecord(options) ? options : { port, ...options };
  return makeResolver(labelOf(choice), factory, whole);
}

function asOptions(configuration: JsonValue | undefined): unknown {
  return configuration ?? {};
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
