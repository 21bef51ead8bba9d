/**
 * The Dapr version whose behaviour this sidecar reproduces. Tools feed it to semantic version
 * parsers, so it stands alone wherever Dapr prints its own version.
 */
export const COMPATIBLE_DAPR_VERSION = "1.18.1";

/** Version of the product itself; equal to this package's version, which a test checks. */
export const PRODUCT_VERSION = "0.0.0";
