import { type LoadedPolicy, loadPolicy } from "@open-policy-agent/opa-wasm";
import type { CompiledPolicy } from "./bundle.ts";

/** What Dapr asks of a policy: `data.http.allow`. */
const entrypoint = "http/allow";

/** A policy grows to 128 MiB at most, in pages of WebAssembly. */
const memory: { initial: number; maximum: number } = { initial: 5, maximum: 2_048 };

/**
 * An evaluation that throws leaves 16 bytes on the stack of the instance, which holds 64 KiB; long
 * before it is full there is another instance.
 */
const maxFailures = 100;

/** A compiled policy, ready to be asked. */
export class Policy {
  readonly #wasm: Uint8Array<ArrayBuffer>;
  readonly #data: object;
  #instance: Promise<LoadedPolicy> | undefined;
  #failures = 0;

  private constructor(wasm: Uint8Array<ArrayBuffer>, data: object) {
    this.#wasm = wasm;
    this.#data = data;
  }

  /** @throws Error when it is no policy, or one that was compiled for another question. */
  static async load({ wasm, data }: CompiledPolicy): Promise<Policy> {
    if (typeof data !== "object" || data === null) throw new Error("data.json is no object");
    const policy = new Policy(wasm, data);
    const { entrypoints } = await policy.#ready();
    const names = Object.keys(entrypoints);
    if (names.includes(entrypoint)) return policy;
    const found = names.join(", ") || "nothing";
    throw new Error(
      `it answers ${found}, but not ${entrypoint}: build it with \`-e ${entrypoint}\``,
    );
  }

  /**
   * The value of `data.http.allow`; `undefined` when the policy defines none.
   * @throws Error when the evaluation fails.
   */
  async evaluate(input: object): Promise<unknown> {
    const instance = await this.#ready();
    try {
      const results: unknown = instance.evaluate(input, entrypoint);
      return Array.isArray(results) ? results[0]?.result : undefined;
    } catch (reason) {
      this.#count(reason);
      throw asError(reason);
    }
  }

  #ready(): Promise<LoadedPolicy> {
    this.#instance ??= this.#instantiate();
    return this.#instance;
  }

  async #instantiate(): Promise<LoadedPolicy> {
    try {
      const instance = await loadPolicy(this.#wasm, memory);
      instance.setData(this.#data);
      this.#failures = 0;
      return instance;
    } catch (reason) {
      this.#instance = undefined;
      throw asError(reason);
    }
  }

  /** What the engine itself throws says nothing about the state that the instance is left in. */
  #count(reason: unknown): void {
    this.#failures += 1;
    const broken = reason instanceof Error && /^(?:Runtime|Range)Error$/.test(reason.name);
    if (broken || this.#failures >= maxFailures) this.#instance = undefined;
  }
}

/** The SDK throws texts, and objects with a message. */
function asError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  if (typeof reason === "object" && reason !== null && "message" in reason) {
    return new Error(String(reason.message), { cause: reason });
  }
  return new Error(String(reason));
}
