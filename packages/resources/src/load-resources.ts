import { basename } from "node:path";
import { errorText, OutriggerError, parseOptions } from "@outrigger/core";
import * as v from "valibot";
import {
  decodeComponent,
  decodeConfigurationDocument,
  decodeHttpEndpoint,
} from "./decode-resources.ts";
import { Cursor, type Findings, string } from "./decoder.ts";
import { readResiliency } from "./read-resiliency.ts";
import type {
  ComponentDocument,
  ConfigurationDocument,
  HttpEndpointDocument,
  ResiliencyDocument,
  ResourceNotice,
} from "./resource-documents.ts";
import { type ResourceFile, readResourceFiles, splitDocuments } from "./resource-files.ts";
import { nameProblem } from "./resource-name.ts";
import { type Audience, ResourceSet } from "./resource-set.ts";
import { parseYaml, type YamlTree } from "./yaml-tree.ts";

/** Options of `loadResources`. */
export interface LoadResourcesOptions {
  /** App id of the sidecar; documents scoped to other apps are left out. */
  readonly appId: string;
  /** The `NAMESPACE` variable as it is. Default empty, which takes documents of every namespace. */
  readonly namespace?: string | undefined;
}

/** The documents that are meant for an app, in load order. */
export interface LoadedResources {
  readonly components: readonly ComponentDocument[];
  readonly httpEndpoints: readonly HttpEndpointDocument[];
  readonly resiliencies: readonly ResiliencyDocument[];
  readonly configurations: readonly ConfigurationDocument[];
  readonly notices: readonly ResourceNotice[];
}

const optionsSchema = v.strictObject({
  appId: v.string("must be a string"),
  namespace: v.optional(v.string("must be a string"), ""),
});

/**
 * Loads the resource files of several directories. A broken document costs only itself, with a
 * notice.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when a directory cannot be read, or two components
 *   share a name.
 */
export async function loadResources(
  directories: readonly string[],
  options: LoadResourcesOptions,
): Promise<LoadedResources> {
  const audience = parseOptions("resources", optionsSchema, options);
  const { files, others } = await readResourceFiles(directories);
  const loader = new ResourceLoader(audience);
  for (const name of others) loader.refuseEnding(name);
  for (const file of files) await loader.readFile(file);
  return loader.finish();
}

const loaderScope = "dapr.runtime.loader.disk";
const apiVersion = "dapr.io/v1alpha1";

class ResourceLoader {
  readonly #audience: Audience;
  readonly #components: ResourceSet<ComponentDocument>;
  readonly #endpoints: ResourceSet<HttpEndpointDocument>;
  readonly #configurations: ResourceSet<ConfigurationDocument>;
  readonly #resiliencies: ResiliencyDocument[] = [];
  readonly #notices: ResourceNotice[] = [];

  constructor(audience: Audience) {
    this.#audience = audience;
    this.#components = new ResourceSet(audience, componentLabel);
    this.#configurations = new ResourceSet(audience, ({ name }) => name);
    this.#endpoints = new ResourceSet(
      audience,
      (endpoint) => `${endpoint.name} (${endpoint.baseUrl})`,
    );
  }

  /** Each of Dapr's readers says so for itself; log searches rely on the kind in the line. */
  refuseEnding(name: string): void {
    for (const kind of ["Component", "HTTPEndpoint", "resiliency"]) {
      const message = `A non-YAML ${kind} file ${name} was detected, it will not be loaded`;
      this.#notices.push({ level: "warn", scope: loaderScope, message, harmless: true });
    }
  }

  async readFile(file: ResourceFile): Promise<void> {
    for (const text of splitDocuments(file.text)) await this.#readDocument(text, file.path);
    const { documents, notices } = await readResiliency(file, this.#audience);
    this.#resiliencies.push(...documents);
    this.#notices.push(...notices);
  }

  finish(): LoadedResources {
    const { duplicates } = this.#components;
    if (duplicates.length > 0) {
      throw new OutriggerError(`failed to load components: ${duplicates.join("\n")}`, {
        code: "OTR_OPTIONS_INVALID",
      });
    }
    const clashes = this.#endpoints.duplicates;
    if (clashes.length > 0) this.#warn(`failed to load HTTP endpoints: ${clashes.join("\n")}`);
    return {
      components: this.#components.kept,
      httpEndpoints: clashes.length > 0 ? [] : this.#endpoints.kept,
      resiliencies: this.#resiliencies,
      configurations: this.#configurations.kept,
      notices: this.#notices,
    };
  }

  async #readDocument(text: string, path: string): Promise<void> {
    let tree: YamlTree | undefined;
    try {
      tree = await parseYaml(text, path);
    } catch (reason) {
      // A document that does not parse may still tell its kind; people search the log for that.
      const kind = /^kind:\s*["']?(\w+)/m.exec(text)?.[1] ?? "Component";
      if (kind !== "Resiliency") this.#unparsable(kind, path, errorText(reason).trim());
      return;
    }
    if (tree?.kind === "map") this.#readTree(tree, path);
  }

  #readTree(tree: YamlTree, path: string): void {
    const findings: Findings = { problems: [], warnings: [], anyCase: true };
    const root = new Cursor(tree, "", findings);
    const get = root.fields([]);
    if (get === undefined || string(get("apiVersion")) !== apiVersion) return;
    const kind = string(get("kind"));
    if (kind === "Component") {
      this.#keep(this.#components, decodeComponent(root), findings, path);
    } else if (kind === "HTTPEndpoint") {
      this.#keep(this.#endpoints, decodeHttpEndpoint(root), findings, path);
    } else if (kind === "Configuration") {
      this.#keep(this.#configurations, decodeConfigurationDocument(root), findings, path);
    }
  }

  #keep<T extends ComponentDocument | ConfigurationDocument | HttpEndpointDocument>(
    set: ResourceSet<T>,
    document: T,
    findings: Findings,
    path: string,
  ): void {
    const name = nameProblem(document.name, document.kind);
    const problems = name === undefined ? findings.problems : [...findings.problems, name];
    if (problems.length > 0) this.#unparsable(document.kind, path, problems.join("; "));
    else set.add(document);
  }

  #unparsable(kind: string, path: string, problem: string): void {
    this.#warn(
      `daprd load ${kind} error when parsing manifests yaml resource in ${basename(path)}: ${problem}`,
    );
  }

  #warn(message: string): void {
    this.#notices.push({ level: "warn", scope: loaderScope, message });
  }
}

function componentLabel({ name, type, version }: ComponentDocument): string {
  return version === "" ? `${name} (${type})` : `${name} (${type}/${version})`;
}
