/** Whether this page has to be put on the home screen first: on iPhone and iPad that has a store of its own, and only it may be woken. */

/** What is needed of the browser. */
export interface Browser {
  readonly userAgent: string;
  /** An iPad calls itself a Mac, which has no fingers on its screen. */
  readonly maxTouchPoints: number;
  /** The page runs from the home screen. */
  readonly standalone: boolean;
}

export function here(): Browser {
  const { userAgent, maxTouchPoints } = navigator;
  return { userAgent, maxTouchPoints, standalone: matchMedia("(display-mode: standalone)").matches };
}

/** In another app's web view, as a mini program's, there is no home screen to put it on. */
const webView = /MicroMessenger|miniProgram|FBA[NV]|Instagram|Line\/|DingTalk|AliApp/i;

export function installFirst({ userAgent, maxTouchPoints, standalone }: Browser): boolean {
  if (webView.test(userAgent)) return false;
  const apple = /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);
  return apple && !standalone;
}
