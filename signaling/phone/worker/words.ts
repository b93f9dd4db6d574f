/** The few words of the notifications. */
const en = {
  calls: "{name} is calling",
  someDevice: "A device is calling",
  press: "Tap to answer.",
  unknown: "callbox",
  look: "A device wants to reach you. Tap to look.",
} as const;

export type Words = Readonly<Record<keyof typeof en, string>>;

const zh: Words = {
  calls: "{name} 来电",
  someDevice: "有设备来电",
  press: "点按接听。",
  unknown: "callbox",
  look: "有设备想联系你。点按查看。",
};

export const tables = { en, zh } as const;

/** The words for a browser's language. */
export function wordsIn(language: string): Words {
  return /^zh\b/i.test(language) ? zh : en;
}
