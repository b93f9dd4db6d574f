import type { EndPage } from "../src/sdk.js";

/** Where "Done" leads to: the app's address with its options added to whatever query it has. */
export function endAddress({ url, options = "" }: Pick<EndPage, "url" | "options">): string {
  const address = new URL(url);
  address.search = [address.search, options].filter((part) => part !== "").join("&");
  return address.href;
}
