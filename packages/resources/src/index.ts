export {
  type ComponentValues,
  componentValues,
  type MetadataSources,
  mayReadVariable,
} from "./component-metadata.ts";
export type {
  AccessControlOperation,
  AccessControlPolicy,
  AccessControlSpec,
  ApiAccessRule,
  Configuration,
  Feature,
  LoggingSpec,
  MetricRule,
  MetricSpec,
  MtlsSpec,
  NameResolutionMember,
  NameResolutionSpec,
  OtelSpec,
  PipelineHandler,
  TracingSpec,
} from "./configuration.ts";
export { type Environment, expandEnv } from "./expand-env.ts";
export { enabledFeatures } from "./features.ts";
export {
  type LoadConfigurationOptions,
  type LoadedConfiguration,
  loadConfiguration,
} from "./load-configuration.ts";
export {
  type LoadedResources,
  type LoadResourcesOptions,
  loadResources,
} from "./load-resources.ts";
export { newProblems, type ResourceChange, resourceChanges } from "./resource-changes.ts";
export type {
  ComponentDocument,
  ConfigurationDocument,
  HttpEndpointDocument,
  NamedValue,
  ResiliencyDocument,
  ResiliencySpec,
  ResourceNotice,
  SecretKeyRef,
  TlsDocument,
  TlsValue,
} from "./resource-documents.ts";
export { type PathWatch, type WatchPathsOptions, watchPaths } from "./watch-paths.ts";
export type { JsonValue } from "./yaml-tree.ts";
