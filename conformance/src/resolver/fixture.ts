import type { Instance } from "@outrigger/core";

/** An id as long as Kubernetes allows. */
const longId = `long-${"x".repeat(52)}`;

function instance(
  appId: string,
  internalPort: number,
  overrides: Partial<Instance> = {},
): Instance {
  return {
    appId,
    namespace: "default",
    host: "127.0.0.1",
    internalPort,
    // Recognisable, so that a leak into an endpoint shows.
    httpPort: internalPort + 10_000,
    appPort: internalPort + 20_000,
    ...overrides,
  };
}

/**
 * What the backend of a subject must hold before each case. Nobody listens on these ports. Leave out
 * hosts that the backend cannot hold, and say so in `unsupportedHosts`.
 */
export const resolverFixture: readonly Instance[] = [
  instance("orders", 21_001),
  instance("billing", 21_002),
  instance("stock", 21_011),
  instance("stock", 21_012),
  instance("stock", 21_013),
  instance("pair", 21_021),
  instance("pair", 21_022),
  instance("a", 21_031),
  instance("A", 21_032),
  instance("app", 21_033),
  instance("my-app", 21_034),
  instance("my_app", 21_035),
  instance(longId, 21_036),
  instance("6f1f0f3e-9f0a-4d0c-8d1e-0d9a3f8b7c21", 21_037),
  instance("shared", 21_041),
  instance("shared", 21_042, { namespace: "other" }),
  instance("six", 21_051, { host: "::1" }),
];

/** Apps of the fixture with exactly one instance in namespace `default` and an IPv4 address. */
export const singleApps: readonly Instance[] = resolverFixture.filter(
  ({ appId, host, namespace }) =>
    host === "127.0.0.1" &&
    namespace === "default" &&
    resolverFixture.filter((other) => other.appId === appId).length === 1,
);

/** An instance that is not in the fixture. */
export function freshInstance(
  appId: string,
  internalPort: number,
  overrides: Partial<Instance> = {},
): Instance {
  return instance(appId, internalPort, overrides);
}
