import type { FlagSpec } from "./flag-spec.ts";

/** A flag that takes text. */
export function text(name: string, value: string, help: string): FlagSpec {
  return { name, type: "string", default: value, help };
}

/** A switch. Off unless it is said otherwise. */
export function bool(name: string, help: string, value = false): FlagSpec {
  return { name, type: "bool", default: value, help };
}

/** A flag that takes a whole number. */
export function int(name: string, value: number, help: string): FlagSpec {
  return { name, type: "int", default: value, help };
}

/** A flag that takes several texts. None unless it is said otherwise. */
export function list(name: string, help: string): FlagSpec {
  return { name, type: "strings", default: [], help };
}
