import {
  type ComponentMetadata,
  metadataFlag,
  metadataValue,
  OutriggerError,
} from "@outrigger/core";
import type { MiddlewareOAuth2Options } from "./options.ts";

/**
 * Reads the settings as Dapr does.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when one is missing without which nobody could log in.
 */
export function oauth2OptionsFromDapr(metadata: ComponentMetadata): MiddlewareOAuth2Options {
  const value = (name: string): string => metadataValue(metadata, name) ?? "";
  const required = (name: string): string => {
    const text = value(name);
    if (text !== "") return text;
    throw new OutriggerError(`metadata property '${name}' is required`, {
      code: "OTR_OPTIONS_INVALID",
    });
  };
  const scopes = value("scopes");
  return {
    clientId: required("clientID"),
    authUrl: required("authURL"),
    tokenUrl: required("tokenURL"),
    scopes: scopes === "" ? [] : scopes.split(","),
    forceHttps: metadataFlag(metadata, "forceHTTPS"),
    ...filled("clientSecret", value("clientSecret")),
    ...filled("redirectUrl", value("redirectURL")),
    ...filled("authHeaderName", value("authHeaderName")),
    ...filled("pathFilter", value("pathFilter")),
  };
}

function filled<Name extends string>(name: Name, value: string): Partial<Record<Name, string>> {
  return value === "" ? {} : ({ [name]: value } as Record<Name, string>);
}
