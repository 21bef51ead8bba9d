import { basename } from "node:path";
import { errorText } from "@outrigger/core";
import { decodeResiliency } from "./decode-resources.ts";
import { Cursor, type Findings, string } from "./decoder.ts";
import type { ResiliencyDocument, ResourceNotice } from "./resource-documents.ts";
import { type ResourceFile, splitDocuments } from "./resource-files.ts";
import { type Audience, inScope } from "./resource-set.ts";
import { parseYaml } from "./yaml-tree.ts";

/** What a file holds of this kind. */
export interface ResiliencyFile {
  readonly documents: readonly ResiliencyDocument[];
  readonly notices: readonly ResourceNotice[];
}

/**
 * Reads the resiliency policies of a file by the rules that Dapr has for this kind alone: whatever
 * their API version and namespace.
 */
export async function readResiliency(
  file: ResourceFile,
  audience: Audience,
): Promise<ResiliencyFile> {
  const documents: ResiliencyDocument[] = [];
  const notices: ResourceNotice[] = [];
  for (const text of splitDocuments(file.text)) {
    const { document, notice } = await readDocument(text, file.path, audience);
    if (document !== undefined) documents.push(document);
    if (notice !== undefined) notices.push(notice);
  }
  return { documents, notices };
}

async function readDocument(
  text: string,
  path: string,
  audience: Audience,
): Promise<{ document?: ResiliencyDocument; notice?: ResourceNotice }> {
  const findings: Findings = { problems: [], warnings: [], anyCase: true };
  try {
    const tree = await parseYaml(text, path);
    if (tree?.kind !== "map") return {};
    const root = new Cursor(tree, "", findings);
    const kind = root.fields([])?.("kind");
    if (kind === undefined || string(kind) !== "Resiliency") return {};
    const document = decodeResiliency(root);
    if (findings.problems.length > 0) return failure(document.name, findings.problems.join("; "));
    return inScope(document, audience) ? { document } : {};
  } catch (reason) {
    // Documents of other kinds that do not parse are reported by the reader of those kinds.
    if (!/^kind:\s*["']?Resiliency\b/m.test(text)) return {};
    return failure(basename(path), errorText(reason).trim());
  }
}

function failure(name: string, problem: string): { notice: ResourceNotice } {
  const message = `Could not read resiliency policy ${name}: ${problem}`;
  return { notice: { level: "error", scope: "dapr.runtime", message } };
}
