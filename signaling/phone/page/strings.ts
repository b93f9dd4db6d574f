/** Every word that a person reads, once per language. Both tables have the same keys by type. */
import type { CurrentCall, Detail, ErrorCode, LinkState, MediaProblem } from "../src/sdk.js";

const en = {
  appName: "callbox",
  videoCall: "Video call",
  voiceCall: "Voice call",
  hangUp: "Hang up",
  mute: "Mute",
  unmute: "Unmute",
  cameraOn: "Camera on",
  cameraOff: "Camera off",
  flipCamera: "Switch camera",
  flip: "Flip",
  dismiss: "Dismiss",
  cancel: "Cancel",
  yourPicture: "Your picture",
  picture: "Picture from {name}",
  tapForSound: "Turn the sound on",
  left: "{time} left",
  you: "You",

  done: "Done",
  speaker: "Loudspeaker",
  pip: "Picture in picture",
  pipOff: "Leave picture in picture",
  full: "Full screen",
  fullOff: "Leave full screen",
  callArea: "Call",
  controls: "Call controls",
  quality0: "No connection",
  quality1: "Very weak connection",
  quality2: "Weak connection",
  quality3: "Good connection",
  quality4: "Very good connection",
  remoteDeaf: "{name} cannot hear you: its sound is off",
  openDoor: "Open the door",
  doorSending: "One moment…",
  doorDone: "Done: {action}",
  door_forbidden: "This phone may not do that: {action}.",
  door_noHandler: "Nothing at the device takes that now: {action}.",
  door_unreachable: "No answer. It is not certain that it was done: {action}.",

  talked: "Talk time {time}",

  mayDo: "What this phone may do",
  right_call: "Call it",
  right_beCalled: "Be called by it",
  right_auto: "Connect without anyone answering",
  right_unlock: "Open the door",
  yes: "yes",
  no: "no",
  mayNotCall: "The device does not allow this phone to call it.",
  removed: "The device does not answer this phone. It may have been removed there: pair it again.",
  forget: "Forget this device",
  forgetSure: "Really forget {name}?",

  answer: "Answer",
  decline: "Decline",
  incomingVideo: "Incoming video call",
  incomingVoice: "Incoming voice call",
  callsYou: "{name} is calling",
  ringsElsewhere: "If you answer, the call runs in another tab",
  notifyMe: "Notify me of calls",
  notifyYes: "Calls are shown to you while this page is open.",
  notifyNo: "The browser will not show calls. You can allow it in its site settings.",
  wake: "Ring this phone when the page is closed",
  wakeOn: "{name} now rings this phone when the page is closed, too.",
  wakeOff: "{name} rings this phone only while this page is open.",
  limitWarning: "{seconds} seconds left.",

  pairTitle: "Pair with this device?",
  pairText: "Afterwards this phone can call it. Continue only if you asked for this link.",
  pairName: "Name of this phone",
  pairNameHint: "This is what the device shows when you call.",
  pairConfirm: "Pair",
  pairing: "Pairing…",
  paired: "Paired with {name}.",
  defaultPhone: "My phone",

  homeNoneTitle: "No device yet",
  homeNoneText: "Open the pairing link of your device, or scan its QR code. On the device, callboxctl pair prints both.",
  homeMany: "Your devices",
  pasteLabel: "Pairing link, if you have copied it",
  pasteConfirm: "Continue",
  addDevice: "Add a device",
  keys: "Keys in a call: Enter answer · M mute · V camera · C switch camera · D door · S loudspeaker · P picture in picture · F full screen · Esc hang up or decline",

  insecureTitle: "This address cannot make calls",
  insecureText: "Browsers give microphone, camera and keys only to pages that were loaded over https, or on the device itself.",
  insecureStep: "Open the https address of the device. If the browser warns about the certificate, the device has made it itself: continue once.",
  insecureOpen: "Open over https",
  browserTitle: "This browser cannot make calls",
  browserText: "It lacks WebRTC, key storage or Web Locks. A current Chrome, Edge, Safari or Firefox has them; private windows sometimes do not.",

  state_preparing: "Starting…",
  state_incoming: "Incoming call",
  state_inviting: "Calling…",
  state_offering: "Calling…",
  state_ringing: "Ringing…",
  state_connecting: "Connecting…",
  state_talking: "In call",
  state_reconnecting: "Reconnecting…",
  state_leaving: "Ending…",
  state_ended: "Call ended",
  permission: "Your browser may be asking for the microphone and the camera.",
  elsewhere: "This call is running in another tab",
  remoteCameraOff: "Camera is off",
  remoteMuted: "{name} is muted",
  weak: "Weak connection",

  link_up: "Ready",
  link_connecting: "Connecting…",
  link_down: "Not reachable",
  link_removed: "Does not answer",
  link_closed: "Connected in another tab",
  link_keyChanged: "Its key has changed: it is not safe to call. Pair anew only if you know why.",
  link_unsupported: "Needs a newer page: reload, or update the device.",

  end_manual: "You ended the call.",
  end_manualDevice: "{name} ended the call.",
  end_timeLimit: "The time limit was reached. The call has ended.",
  timeUp: "Time is up.",
  end_unloadCallPage: "The call page was closed.",
  end_forceFromApp: "The app ended the call.",
  end_other: "The call has ended.",
  end_cancelled: "You cancelled the call.",
  end_answeredElsewhere: "Answered on another phone.",
  end_declined: "You declined the call.",
  end_missed: "Missed call from {name}.",
  end_rejected: "{name} declined the call.",
  end_dnd: "{name} does not want to be disturbed now.",
  end_forbidden: "{name} does not allow this phone to call.",
  end_unsupported: "The device and this page speak different versions. Reload, or update the device.",
  end_badRequest: "The device and this page did not understand each other.",
  end_needNonce: "The device's clock is not set. Try again in a moment.",
  end_busy: "{name} is in another call.",
  end_timeout: "Nobody answered.",
  end_joinFailed: "Answered, but picture and sound could not connect.",
  end_mediaLost: "The connection was lost.",
  end_deviceLost: "A part of the device failed.",
  end_restarted: "The device restarted.",
  end_revoked: "The device no longer allows this phone to call.",
  end_shutdown: "The device is shutting down.",
  end_unreachable: "{name} cannot be reached.",
  end_unknownRoom: "The device no longer knows this call.",
  end_aborted: "The call broke off.",
  callOver: "This call is over.",

  error_badArgument: "That value is not allowed.",
  error_notPaired: "This phone is not paired with that device.",
  error_ambiguousDevice: "Several devices have that name.",
  error_pairLinkInvalid: "This pairing link cannot be read. Ask the device for a new one.",
  error_pairRefused: "The device refused: the link was used already or has run out. Ask it for a new one.",
  error_deviceKeyChanged: "The device's key has changed. It is not safe to call.",
  error_callInProgress: "A call is running already.",
  error_otherTab: "A call is running in another tab.",
  error_unreachable: "The device cannot be reached.",
  error_noCall: "No call is running.",
  error_noHandler: "The device does not take such messages.",
  error_mediaUnavailable: "Picture and sound could not be started.",
  error_storage: "The browser refuses to store anything. Private windows often do.",
  error_pushUnsupported: "This phone rings only while this page is open: the browser has no Web Push.",
  error_pushInstall: "This phone rings only while this page is open. For more, put the page on the home screen (Share, Add to Home Screen) and pair there.",
  error_pushDenied: "This phone rings only while this page is open: notifications are blocked. Allow them in the browser's site settings.",
  error_pushCertificate: "This phone rings only while this page is open: for more, browsers want a certificate that they trust.",
  error_pushOff: "This phone rings only while this page is open: the device does not wake phones.",
  error_pushService: "The device does not speak to this browser's push service. It can be allowed in the device's configuration.",
  error_pushFailed: "The browser could not reach its push service. Try again later.",
  error_unknown: "Something went wrong.",

  micDenied: "Microphone blocked: they cannot hear you. Allow it in the browser's site settings.",
  micMissing: "No microphone found: they cannot hear you.",
  micFailed: "The microphone is in use or broken: they cannot hear you.",
  cameraDenied: "Camera blocked: they cannot see you. Allow it in the browser's site settings.",
  cameraMissing: "No camera found: you see them, they do not see you.",
  cameraFailed: "The camera is in use or broken: they cannot see you.",
} as const;

export type StringKey = keyof typeof en;
type Table = Readonly<Record<StringKey, string>>;

const zh: Table = {
  appName: "callbox",
  videoCall: "视频通话",
  voiceCall: "语音通话",
  hangUp: "挂断",
  mute: "静音",
  unmute: "取消静音",
  cameraOn: "开摄像头",
  cameraOff: "关摄像头",
  flipCamera: "切换摄像头",
  flip: "翻转",
  dismiss: "关闭",
  cancel: "取消",
  yourPicture: "你的画面",
  picture: "{name} 的画面",
  tapForSound: "打开声音",
  left: "剩余 {time}",
  you: "你",

  done: "完成",
  speaker: "扬声器",
  pip: "画中画",
  pipOff: "退出画中画",
  full: "全屏",
  fullOff: "退出全屏",
  callArea: "通话",
  controls: "通话控制",
  quality0: "没有连接",
  quality1: "网络很差",
  quality2: "网络较差",
  quality3: "网络良好",
  quality4: "网络很好",
  remoteDeaf: "{name} 听不到你：它的声音已关闭",
  openDoor: "开门",
  doorSending: "请稍候…",
  doorDone: "已完成：{action}",
  door_forbidden: "这部手机不允许此操作：{action}。",
  door_noHandler: "设备现在无法执行：{action}。",
  door_unreachable: "没有回应，不确定是否已执行：{action}。",

  talked: "通话时长 {time}",

  mayDo: "这部手机可以做什么",
  right_call: "呼叫它",
  right_beCalled: "接听它的来电",
  right_auto: "无人接听也能接通",
  right_unlock: "开门",
  yes: "允许",
  no: "不允许",
  mayNotCall: "设备不允许这部手机呼叫它。",
  removed: "设备不回应这部手机。可能已在设备上被删除：请重新配对。",
  forget: "忘记这台设备",
  forgetSure: "确定忘记 {name}？",

  answer: "接听",
  decline: "拒绝",
  incomingVideo: "视频通话来电",
  incomingVoice: "语音通话来电",
  callsYou: "{name} 来电",
  ringsElsewhere: "接听后，通话将在另一个标签页中进行",
  notifyMe: "来电时通知我",
  notifyYes: "只要此页面开着，来电时就会通知你。",
  notifyNo: "浏览器不会显示来电通知。可在浏览器的网站设置中允许。",
  wake: "页面关闭时也让这部手机响铃",
  wakeOn: "现在页面关闭时，{name} 也会让这部手机响铃。",
  wakeOff: "只有此页面开着时，{name} 才会让这部手机响铃。",
  limitWarning: "还剩 {seconds} 秒。",

  pairTitle: "与这台设备配对？",
  pairText: "配对后，这部手机可以呼叫它。只有在你自己要求了这个链接时才继续。",
  pairName: "这部手机的名称",
  pairNameHint: "你呼叫时，设备会显示这个名称。",
  pairConfirm: "配对",
  pairing: "正在配对…",
  paired: "已与 {name} 配对。",
  defaultPhone: "我的手机",

  homeNoneTitle: "还没有设备",
  homeNoneText: "请打开设备的配对链接，或扫描它的二维码。在设备上运行 callboxctl pair 即可得到。",
  homeMany: "你的设备",
  pasteLabel: "已复制的配对链接",
  pasteConfirm: "继续",
  addDevice: "添加设备",
  keys: "通话快捷键：Enter 接听 · M 静音 · V 摄像头 · C 切换摄像头 · D 开门 · S 扬声器 · P 画中画 · F 全屏 · Esc 挂断或拒绝",

  insecureTitle: "这个地址不能通话",
  insecureText: "浏览器只允许通过 https 打开的页面（或设备本机上的页面）使用麦克风、摄像头和密钥。",
  insecureStep: "请打开设备的 https 地址。如果浏览器提示证书不受信任，那是设备自己生成的证书：选择继续访问一次即可。",
  insecureOpen: "用 https 打开",
  browserTitle: "这个浏览器不能通话",
  browserText: "它缺少 WebRTC、密钥存储或 Web Locks。新版 Chrome、Edge、Safari 或 Firefox 都可以；无痕窗口有时不行。",

  state_preparing: "正在启动…",
  state_incoming: "来电",
  state_inviting: "正在呼叫…",
  state_offering: "正在呼叫…",
  state_ringing: "正在响铃…",
  state_connecting: "正在连接…",
  state_talking: "通话中",
  state_reconnecting: "正在重新连接…",
  state_leaving: "正在结束…",
  state_ended: "通话已结束",
  permission: "浏览器可能正在请求使用麦克风和摄像头。",
  elsewhere: "通话正在另一个标签页中进行",
  remoteCameraOff: "摄像头已关闭",
  remoteMuted: "{name} 已静音",
  weak: "网络不佳",

  link_up: "可以呼叫",
  link_connecting: "正在连接…",
  link_down: "无法连接",
  link_removed: "没有回应",
  link_closed: "已在另一个标签页中连接",
  link_keyChanged: "设备的密钥变了，呼叫不安全。只有在知道原因时才重新配对。",
  link_unsupported: "需要新版页面：请刷新，或更新设备。",

  end_manual: "你结束了通话。",
  end_manualDevice: "{name} 结束了通话。",
  end_timeLimit: "已到时限，通话结束。",
  timeUp: "时间到了。",
  end_unloadCallPage: "通话页面已关闭。",
  end_forceFromApp: "应用结束了通话。",
  end_other: "通话已结束。",
  end_cancelled: "你取消了呼叫。",
  end_answeredElsewhere: "已在另一部手机上接听。",
  end_declined: "你拒绝了来电。",
  end_missed: "未接来电：{name}。",
  end_rejected: "{name} 拒绝了通话。",
  end_dnd: "{name} 现在不希望被打扰。",
  end_forbidden: "{name} 不允许这部手机呼叫。",
  end_unsupported: "设备与页面的版本不同。请刷新页面，或更新设备。",
  end_badRequest: "设备与页面无法互相理解。",
  end_needNonce: "设备的时钟尚未校准。请稍后再试。",
  end_busy: "{name} 正在通话中。",
  end_timeout: "无人接听。",
  end_joinFailed: "已接听，但画面和声音无法连接。",
  end_mediaLost: "连接已断开。",
  end_deviceLost: "设备的某个部件出了故障。",
  end_restarted: "设备重新启动了。",
  end_revoked: "设备不再允许这部手机呼叫。",
  end_shutdown: "设备正在关机。",
  end_unreachable: "无法连接到 {name}。",
  end_unknownRoom: "设备已不认识这个通话。",
  end_aborted: "通话中断了。",
  callOver: "这个通话已经结束。",

  error_badArgument: "这个值不被允许。",
  error_notPaired: "这部手机没有与那台设备配对。",
  error_ambiguousDevice: "有多台设备叫这个名字。",
  error_pairLinkInvalid: "无法读取这个配对链接。请在设备上重新生成。",
  error_pairRefused: "设备拒绝了：链接已被使用或已过期。请在设备上重新生成。",
  error_deviceKeyChanged: "设备的密钥变了，呼叫不安全。",
  error_callInProgress: "已有通话正在进行。",
  error_otherTab: "另一个标签页中正在通话。",
  error_unreachable: "无法连接到设备。",
  error_noCall: "当前没有通话。",
  error_noHandler: "设备不接受这样的消息。",
  error_mediaUnavailable: "无法启动画面和声音。",
  error_storage: "浏览器拒绝存储数据。无痕窗口经常如此。",
  error_pushUnsupported: "只有此页面开着时，这部手机才会响铃：浏览器不支持 Web Push。",
  error_pushInstall: "只有此页面开着时，这部手机才会响铃。要在关闭时也响铃，请先把页面添加到主屏幕（分享 → 添加到主屏幕），再从那里配对。",
  error_pushDenied: "只有此页面开着时，这部手机才会响铃：通知被禁止。请在浏览器的网站设置中允许。",
  error_pushCertificate: "只有此页面开着时，这部手机才会响铃：要在关闭时也响铃，浏览器需要受信任的证书。",
  error_pushOff: "只有此页面开着时，这部手机才会响铃：设备不会唤醒手机。",
  error_pushService: "设备不使用这个浏览器的推送服务。可在设备的配置中允许。",
  error_pushFailed: "浏览器无法连接它的推送服务。请稍后再试。",
  error_unknown: "出了点问题。",

  micDenied: "麦克风被禁用：对方听不到你。请在浏览器的网站设置中允许。",
  micMissing: "没有找到麦克风：对方听不到你。",
  micFailed: "麦克风被占用或有故障：对方听不到你。",
  cameraDenied: "摄像头被禁用：对方看不到你。请在浏览器的网站设置中允许。",
  cameraMissing: "没有找到摄像头：你能看到对方，对方看不到你。",
  cameraFailed: "摄像头被占用或有故障：对方看不到你。",
};

export const tables = { en, zh } as const;
export type Language = keyof typeof tables;

/** The language for a browser's preference. */
export function languageOf(preferred: string): Language {
  return /^zh\b/i.test(preferred) ? "zh" : "en";
}

/** Puts `{name}` parts into a text. */
export function fill(text: string, parts: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => parts[name] ?? whole);
}

/** The words for the end of a call. `isCaller` false: the device has made it. */
export function endKey(call: Pick<CurrentCall, "end" | "endedByDevice"> & Partial<Pick<CurrentCall, "isCaller">>): StringKey {
  const { end, isCaller = true, endedByDevice } = call;
  if (!end) return "end_other";
  if (!isCaller && (end.cause === "timeout" || (end.cause === "cancelled" && endedByDevice))) return "end_missed";
  if (!isCaller && end.cause === "rejected" && !endedByDevice) return "end_declined";
  switch (end.cause) {
    case "hangup": {
      const origin = end.origin ?? "other";
      if (endedByDevice && (origin === "manual" || origin === "forceFromApp")) return "end_manualDevice";
      return `end_${origin}`;
    }
    case "aborted":
      return end.detail ? `end_${end.detail satisfies Detail}` : "end_aborted";
    default:
      return `end_${end.cause}`;
  }
}

/** The words for a failure of the SDK. */
export function errorKey(code: ErrorCode): StringKey {
  switch (code) {
    case "insecureContext":
      return "insecureTitle";
    case "unsupportedBrowser":
      return "browserTitle";
    case "cancelled":
    case "forbidden":
    case "dnd":
    case "busy":
    case "unsupported":
    case "badRequest":
    case "needNonce":
    case "aborted":
    case "unreachable":
      return `end_${code}`;
    default:
      return `error_${code}`;
  }
}

export function linkKey(state: LinkState): StringKey {
  return `link_${state}`;
}

/** The words for what a call is doing. Once a person has answered here, it connects. */
export function stateKey(phase: CurrentCall["phase"], isCaller = true): StringKey {
  return !isCaller && (phase === "offering" || phase === "ringing") ? "state_connecting" : `state_${phase}`;
}

export function problemKey(problem: MediaProblem): StringKey {
  return problem;
}

/** Seconds as 0:05, 12:34 or 1:02:03. */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${String(h)}:${two(m)}:${two(s)}` : `${String(m)}:${two(s)}`;
}
