/**
 * One behaviour that an implementation must show. Ids are public API: they appear in
 * `knownFailures` and in result tables, so a case keeps its id for ever and is added in a minor
 * version only.
 */
export interface ConformanceCase<Subject> {
  /** For example `resolver/lookup/unknown-app-rejects`. */
  readonly id: string;
  /** The behaviour as a statement. */
  readonly title: string;
  /** False leaves the case out, because the subject does not claim the feature. Default: always. */
  readonly appliesTo?: (subject: Subject) => boolean;
  /** Rejects when the subject does not behave so. @param signal aborted when the time is over. */
  run(subject: Subject, signal: AbortSignal): Promise<void>;
}
