import type { WorkloadIdentity } from "./identity.ts";
import type { Logger } from "./logger.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Anything a factory makes and a runtime owns: resolver, transport, ingress, app channel, ...
 * The runtime starts components in order and stops them in reverse.
 */
export interface Component {
  /** Package-style identifier for logs and metrics, for example `resolver-mdns`. */
  readonly name: string;
  /**
   * Acquire sockets, timers and watches. Idempotent.
   * @param signal aborted when start-up is abandoned; `stop` is called afterwards.
   */
  start?(signal: AbortSignal): Promise<void>;
  /** Release everything. Must succeed when `start` failed halfway, and when called twice. */
  stop?(): Promise<void>;
}

/** Everything impure that a component may use. A test owns all of it. */
export interface ComponentContext {
  /** App id of the sidecar that owns the component. */
  readonly appId: string;
  /** Namespace of the sidecar; `default` unless configured. */
  readonly namespace: string;
  /**
   * Identity that peers are shown and verified with; `undefined` where sidecars talk in plaintext.
   * It has a certificate by the time other components start.
   */
  readonly identity?: WorkloadIdentity | undefined;
  /** Records requests; `undefined` where nobody traces. */
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Uniform in [0, 1). Not for secrets. */
  readonly random: () => number;
}

/** Options are bound first and validated at once; the collaborators arrive with the context. */
export type ComponentFactory<C extends Component> = (context: ComponentContext) => C;
