import type { Environment } from "../flags/validate-options.ts";
import type { SentryMode } from "./sentry-options.ts";

/**
 * In a cluster nothing of Dapr's control plane runs as root, unless it is told to.
 * @throws RangeError for user 0.
 */
export function refuseRoot(mode: SentryMode, env: Environment): void {
  if (mode !== "kubernetes" || process.getuid?.() !== 0) return;
  if (env.DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK === "true") return;
  throw new RangeError(
    "the certificate authority does not run as root in Kubernetes mode; set DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK=true to do so",
  );
}
