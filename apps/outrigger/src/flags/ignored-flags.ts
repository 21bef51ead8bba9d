import type { FlagSpec } from "./flag-spec.ts";

const help = "Accepted for compatibility, without effect";

/** Flags of building blocks that this sidecar does not have; `dapr run` and the injector pass some. */
export const ignoredFlags: readonly FlagSpec[] = [
  { name: "placement-host-address", type: "string", default: "", help, ignored: true },
  { name: "scheduler-host-address", type: "strings", default: [], help, ignored: true },
  { name: "scheduler-job-streams", type: "uint", default: 3, help, ignored: true },
  { name: "actors-disseminate-timeout", type: "duration", default: 30_000, help, ignored: true },
  { name: "app-binding-options-timeout", type: "duration", default: 3_000, help, ignored: true },
  retired("actors-service"),
  retired("reminders-service"),
];

function retired(name: string): FlagSpec {
  const deprecated = "flag no longer has any effect";
  return { name, type: "string", default: "", help, ignored: true, hidden: true, deprecated };
}
