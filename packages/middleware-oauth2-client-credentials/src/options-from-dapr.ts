import {
  type ComponentMetadata,
  errorText,
  goPattern,
  metadataValue,
  OutriggerError,
} from "@outrigger/core";
import type { AuthStyle, MiddlewareOAuth2ClientCredentialsOptions } from "./options.ts";

const required = ["headerName", "clientID", "clientSecret", "scopes", "tokenURL"] as const;
const authStyles: readonly AuthStyle[] = ["auto", "params", "header"];

/**
 * Reads the settings as Dapr does.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that names everything that is wrong, in Dapr's words.
 */
export function oauth2ClientCredentialsOptionsFromDapr(
  metadata: ComponentMetadata,
): MiddlewareOAuth2ClientCredentialsOptions {
  const value = (name: string): string => metadataValue(metadata, name) ?? "";
  const pathFilter = value("pathFilter");
  const number = Number(value("authStyle"));
  const authStyle = authStyles[number];
  const complaints = [
    ...required
      .filter((name) => value(name) === "")
      .map((name) => `Parameter '${name}' needs to be set. `),
    ...patternComplaint(pathFilter),
    ...(authStyle === undefined
      ? [
          `Parameter 'authStyle' can only have the values 0,1,2. Received: '${value("authStyle")}'. `,
        ]
      : []),
  ];
  if (complaints.length > 0 || authStyle === undefined) {
    throw new OutriggerError(`metadata errors: ${complaints.join("")}`, {
      code: "OTR_OPTIONS_INVALID",
    });
  }
  return {
    clientId: value("clientID"),
    clientSecret: value("clientSecret"),
    scopes: value("scopes").split(","),
    tokenUrl: value("tokenURL"),
    headerName: value("headerName"),
    endpointParams: paramsOf(value("endpointParamsQuery")),
    authStyle,
    ...(pathFilter === "" ? {} : { pathFilter }),
  };
}

function patternComplaint(pathFilter: string): readonly string[] {
  try {
    goPattern(pathFilter);
    return [];
  } catch (reason) {
    return [`Parameter 'pathFilter' is not a valid regex: ${errorText(reason)}. `];
  }
}

function paramsOf(query: string): Readonly<Record<string, readonly string[]>> {
  const params = new URLSearchParams(query);
  return Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name)]));
}
