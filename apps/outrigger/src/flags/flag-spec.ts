/** Type of a flag's value, by pflag's names. */
export type FlagType = "string" | "bool" | "int" | "uint" | "duration" | "strings";

/** Value of a flag: durations are milliseconds. */
export type FlagValue = string | boolean | number | readonly string[];

/** One flag of a command. */
export interface FlagSpec {
  readonly name: string;
  readonly type: FlagType;
  /** Durations in milliseconds. */
  readonly default: FlagValue;
  readonly help: string;
  /** Still works, is left out of the usage, and prints this advice when used. */
  readonly deprecated?: string;
  /** Left out of the usage. */
  readonly hidden?: boolean;
  /** Belongs to a building block that this sidecar does not have: read, and without effect. */
  readonly ignored?: boolean;
  /** Has no effect yet; says which feature it belongs to. */
  readonly later?: string;
}

/** The outcome of reading a command line. */
export interface ParsedFlags {
  /** Every flag of the table, with its default when it was not given. */
  readonly values: ReadonlyMap<string, FlagValue>;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** Advice about deprecated flags, one line each, for standard error. */
  readonly notices: readonly string[];
}

/** Why a command line was not taken. */
export interface FlagError {
  /** `undefined` when help was asked for. */
  readonly error: string | undefined;
  readonly notices: readonly string[];
}
