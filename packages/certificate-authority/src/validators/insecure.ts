import { tokenValidator } from "@outrigger/protocol";
import { checkRequest } from "./common-checks.ts";
import type { TokenValidator } from "./token-validator.ts";

/**
 * Believes what a request says: whoever reaches the port gets any identity. For development, as in
 * Dapr's self-hosted mode.
 */
export function insecureValidator(): TokenValidator {
  return {
    number: tokenValidator.insecure,
    ready: true,
    validate: async (request) => checkRequest(request),
  };
}
