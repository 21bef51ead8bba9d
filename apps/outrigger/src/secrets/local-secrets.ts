import { OutriggerError } from "@outrigger/core";
import { type Environment, mayReadVariable, type SecretKeyRef } from "@outrigger/resources";
import { readSecretsFile } from "./secrets-file.ts";

/** The values of a secret by their keys; `undefined` when there is no such secret. */
type SecretStore = (name: string) => ReadonlyMap<string, string> | undefined;

type Settings = Readonly<Record<string, string>>;

/** Types of secret stores that need no server. */
export const localStoreTypes: readonly string[] = [
  "secretstores.local.env",
  "secretstores.local.file",
];

/** Secrets of the machine, for what resource files refer to; no API gives them away. */
export class LocalSecrets {
  readonly #env: Environment;
  readonly #stores = new Map<string, SecretStore>();

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The same stores, except some; what is added to the copy is not added here. */
  without(names: ReadonlySet<string>): LocalSecrets {
    const copy = new LocalSecrets(this.#env);
    for (const [name, store] of this.#stores) if (!names.has(name)) copy.#stores.set(name, store);
    return copy;
  }

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` for a file that cannot be read. */
  async add(name: string, type: string, settings: Settings): Promise<void> {
    const store =
      type === "secretstores.local.file"
        ? await readSecretsFile(settings)
        : variables(this.#env, settings.prefix ?? "");
    this.#stores.set(name, store);
  }

  /**
   * The value of a secret. One that is not there is an error: it may be what a guard depends on.
   * @throws OutriggerError `OTR_OPTIONS_INVALID` that says what is missing.
   */
  find(storeName: string, { name, key }: SecretKeyRef): string {
    const store = this.#stores.get(storeName);
    const value = store?.(name)?.get(key);
    if (value !== undefined) return value;
    const shown = `secretKeyRef ${JSON.stringify(name)} (key ${JSON.stringify(key)})`;
    const why =
      storeName === ""
        ? "no secret store is named (auth.secretStore)"
        : store === undefined
          ? `secret store ${JSON.stringify(storeName)} is not loaded; there are ${localStoreTypes.join(" and ")}`
          : `secret store ${JSON.stringify(storeName)} has no such secret`;
    throw new OutriggerError(`${shown} cannot be read: ${why}`, { code: "OTR_OPTIONS_INVALID" });
  }
}

/** Environment variables, except the sidecar's own secrets. */
function variables(env: Environment, prefix: string): SecretStore {
  return (name) => {
    const variable = `${prefix}${name}`;
    const value = mayReadVariable(variable, env) ? env[variable] : undefined;
    return value === undefined ? undefined : new Map([[name, value]]);
  };
}
