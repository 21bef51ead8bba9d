export { identityFile } from "./identity-file.ts";
export type { IdentityFileOptions } from "./options.ts";
