// Every word that people read, but the report's (report/words.ts), in one place. Plain, short, "we" and "let's"; no blame, no emotion word.
import type { Partner } from "./protocol";

export const NOT_A_DIAGNOSIS = "Not a diagnosis, not a risk assessment.";

export const start = {
  name: "Breathmark",
  headline: "Practise a hard conversation, ten minutes at a time.",
  what:
    "You talk, and Breathmark listens to how. Now and then you both see the same quiet words: “One at a time?” " +
    "Afterwards there is one page to look back on.",
  start: "Start a practice",
  starting: "Making your links…",
  demo: "Watch a demo practice",
  demoNote: "The demo takes two minutes and needs no microphone and nobody else.",
  facts: [
    ["Two devices, or one table", "Phones or laptops, in one room or apart. Nothing to install."],
    ["The same for both", "Both see the same words at the same moment. No names, no score, nobody is muted."],
    ["Sound is not kept", "It is listened to as it comes and then gone. It starts only when both have said yes."],
  ],
  safe: "For two people who feel safe with each other.",
  failed: "The links could not be made",
};

export const cards = {
  pick: "Pick something to practise",
  picked: (title: string) => `To practise: ${title}`,
  optional: "It is optional. Each takes ten minutes at most, and three where there is little time.",
  justTalk: "Just talk",
  justTalkLine: "About whatever is on your minds.",
  own: "Something of our own",
  ownLine: "One small thing, in our own words.",
  ownSkill: "What we’ll do",
  ownSkillHint: "One act that somebody could see. For example: say back what you heard before answering.",
  ownAnchor: "When",
  ownAnchorHint: "With a habit that you two have. For example: after the dinner clean-up.",
  ownMinutes: "For how long",
  loading: "Fetching the cards…",
  minutes: (n: number) => (n === 1 ? "1 minute" : `${n} minutes`),
  steps: "How it goes",
  done: "Done when",
  fallback: (minutes: string) => `Short on time (${minutes})`,
  anchor: "Tied to a habit of yours",
  anchorHint: "What it comes after, so that nobody has to remember it.",
  line: (skill: string, turns: number) => `${sentence(skill)} ${TURNS[turns] ?? turns} ${turns === 1 ? "turn" : "turns"}.`,
  ownCardLine: (skill: string, minutes: string) => `${sentence(skill)} ${sentence(minutes)}`,
  how: "How did it go?",
  howHint: "One tap each, if you like. Every answer is a good one.",
  answers: { finish: "We did it", bend: "We did half", defer: "Another day", avoid: "Not this one" },
  notToday: "Not today?",
  again: "A reminder for next time",
  againLead: "For your calendar, with the steps.",
  day: "Day",
  time: "Time",
  calendar: "Put it in my calendar",
  saved: "Saved: open the file to add it.",
};
const sentence = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`;
const TURNS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"];

export const safety = {
  ask: "When this is not the right tool",
  body:
    "If you are sometimes afraid of your partner, or of what may follow after a talk, please do not practise with this. " +
    "It can help with hard talks between people who are safe with each other; it cannot make a talk safe.",
  help:
    "Somebody to talk to, at any hour, in the United States: the National Domestic Violence Hotline. " +
    "Elsewhere, your local emergency number or a doctor can tell you who to call.",
  private: "Nothing you press here is sent anywhere, and your partner is not told.",
  history: "This page stays in the browser’s history, unless you remove it there.",
  call: "Call 1-800-799-7233",
  tel: "tel:+18007997233",
  leave: "Leave this page now",
};

export const invite = {
  title: "Invite your partner",
  lead: "Your partner points a camera at this, or opens the link. It works for one person, on one device.",
  qr: "QR code of your partner’s link",
  link: "Your partner’s link",
  send: "Send the link",
  copy: "Copy the link",
  copied: "Copied",
  copyByHand: "Select the link and copy it by hand",
  observer: "A therapist wants to watch live",
  observerLead:
    "Send them this other link. Both of you are asked first, both see that they are here, and either of you can stop it.",
  observerLink: "The observer’s link",
  go: "Go to my side",
  again: "Make new links",
  onlyHere:
    "This address works on this computer alone. For a second device, open Breathmark at an https address that it can reach, and make the links there.",
};

export const join = {
  opening: "Opening your link…",
  aloneTitle: "First, for you alone",
  aloneLead: "Please read this by yourself, with nobody looking on.",
  aloneAsk: "Are you ever afraid of your partner, or of what may follow after a talk like this?",
  aloneNo: "No, I feel safe",
  aloneYes: "Yes, or I am not sure",
  safeTitle: "Then let’s not practise today",
  back: "Back",
  title: "What you say yes to",
  listens: ["Who listens", "A computer. It measures who speaks when, and how high, loud, bright and fast. It does not know what anybody feels."],
  kept: ["What is kept", "Times, measures, and what you both press. No sound, no words."],
  keptWords: ["What is kept", "Times, measures, and what you both press. No sound; words only if both of you ask for them."],
  seen: ["Who sees it", "You two, on one page at the end. It is yours to show."],
  stop: ["How to stop", "Pause, end, or take back the yes: either of you, at any moment."],
  place: "Where are you both?",
  sameRoom: "In the same room",
  apart: "Apart",
  apartHint: "You hear each other through this page. With earphones it works best.",
  name: "Your first name, if you like",
  both: "Only if you like, and with a yes from both:",
  observer: "An observer may watch live",
  observerHint: "Your therapist, say. They see who speaks when and the cues, hear nothing, and may send you both four words at a time, which stand in the report.",
  words: "Write our words down",
  wordsHint: "For quotes in the report; such an observer sees them too. They stay on the computer that runs Breathmark.",
  carry: "Keep what is learnt for next time",
  carryHint: "How each of you usually sounds, and how often you overlap when it is calm. Numbers only, erased when you take it back.",
  known: "You two have practised before. With a yes from both to keeping it, we begin from there.",
  more: "Sound and touch",
  chime: "A soft chime with each cue",
  vibrate: "A short vibration with each cue",
  card: "What you’ll practise",
  yes: "Yes, I agree: use my microphone",
  asking: "Waiting for the microphone…",
  askingHint: "Your browser asks whether this page may use it. Choose “Allow”.",
};

export const microphone = {
  refused: {
    title: "The microphone is switched off for this page",
    body: "Press the sign beside the address at the top of your browser, allow the microphone, and then try again. Nothing is listened to before both of you have said yes.",
  },
  missing: {
    title: "No microphone found",
    body: "Plug one in, or open your link on a phone, and then try again.",
  },
  busy: {
    title: "The microphone cannot be opened",
    body: "Another program may be using it. Close that program, and then try again.",
  },
  insecure: {
    title: "The browser gives no microphone here",
    body: "Browsers allow it only on https addresses and on localhost. Ask whoever runs Breathmark for its https address.",
  },
  retry: "Try again",
  told: {
    unplugged: {
      mine: "Your microphone seems unplugged. Plug it in, and we go on.",
      theirs: "Your partner’s microphone seems unplugged. They see this too.",
    },
    muted: {
      mine: "Your microphone is muted on this device. Unmute it, and we go on.",
      theirs: "Your partner’s microphone is muted. They see this too.",
    },
    silent: {
      mine: "Your microphone gives no sound just now. Is it switched on?",
      theirs: "Your partner’s microphone gives no sound just now. They see this too.",
    },
  },
};

export const waiting = {
  partnerTitle: "Waiting for your partner",
  partnerBody: "You are ready. As soon as your partner has opened the other link and said yes, we begin.",
  consentTitle: "Your partner is here",
  consentBody: "Your partner is reading what you have just read. We begin as soon as they say yes.",
  show: "Show the invitation again",
  first: "We begin with a minute about something easy.",
  nothingYet: "Nothing is listened to yet.",
  stoppedForBoth: "Listening has stopped, for both of you.",
  stoppedTitle: "Listening has stopped",
  stoppedBody: "It needs a yes from both of you. It goes on by itself as soon as both have said yes again.",
};

export const practise = {
  title: "Practising",
  listening: "Listening",
  resting: "Not listening just now",
  connecting: "Connecting your microphone…",
  reconnecting: "Connecting again. Go on talking.",
  coachingPaused: "Coaching is paused for a moment. You can go on talking.",
  partnerAway: "Your partner is connecting.",
  watched: (n: number) => (n === 1 ? "An observer is watching" : `${n} observers are watching`),
  observerAsks: "An observer is here and sees nothing until both of you say yes.",
  pause: "Pause",
  end: "End",
  sound: "Turn on your partner’s voice",
  close: "Close",
  in: "Breathe in",
  out: "Breathe out",
  shape: "A calm shape that slowly breathes",
};

/** A sentence came out wrong: one offers, the other answers. */
export const repair = {
  offer: "Offer to begin that again",
  offerHint: "For a sentence that came out wrong. Your partner is asked.",
  offered: "You offered to begin that again.",
  asked: "Shall we begin that again?",
  yes: "Yes, let’s",
  later: "Not now",
  taken: "Let’s begin that again, from its first word.",
};

/** What an observer says to both. */
export const note = {
  from: "From your observer",
  title: "A few words to both",
  label: "At most four words, for both to see",
  send: "Show to both",
  count: (n: number, most: number, chars: number, mostChars: number) =>
    `${n} of ${most} words${chars > mostChars - 10 ? `, ${chars} of ${mostChars} characters` : ""}`,
  became: (text: string, screens: number) =>
    screens >= 2 ? `Both have seen “${text}”.` : screens === 1 ? `One of them has seen “${text}” so far.` : `“${text}” is on its way to both.`,
  next: (time: string) => `The next can be sent at ${time}.`,
};

/** The first minute, the same on both screens. */
export const neutral = {
  text: "To begin, something easy: tell each other about lunch.",
  hint: "For about a minute. It helps to know how you both usually sound.",
  skip: "Rather begin now",
};

/** The steps of speaker and listener, as buttons say them. */
export const floor = {
  take: "Take turns: I begin",
  done: "Done",
  reflected: "I have said it back",
  yes: "Yes, that’s it",
  add: "There is more",
  stop: "Stop taking turns",
};

export const details = {
  title: "Just now",
  listening: "A computer listens to the sound of both voices. The sound is not kept.",
  paused: "Nothing is listened to.",
  observers: (n: number) =>
    n === 0 ? "Nobody else is here." : n === 1 ? "One observer is here." : `${n} observers are here.`,
  allowObserver: "An observer may watch live",
  allowObserverHint: "And send you both up to four words.",
  withdraw: "Take back my yes",
  withdrawHint: "Listening stops at once, for both.",
  floorHint: "One speaks, the other says it back, then you swap.",
  yeses: "What I said yes to",
  silent: "The quiet words have stopped for now.",
  ask: "Ask for them again",
};

export const paused = {
  title: "Pause",
  body: "Take the time it takes. A few slow breaths are often enough, and nobody has to say anything.",
  nothing: "Nothing is listened to now.",
  hear: "You still hear each other.",
  resume: "Go on now",
  timeOut: "Take 20 minutes",
  timeOutHint: "With twenty minutes we both know when we are back. Bodies need about that long to settle.",
  back: (time: string) => `Pause. Back at ${time}.`,
  left: (seconds: number) => {
    const minutes = Math.round(seconds / 60);
    return minutes <= 1 ? "Almost time." : `About ${minutes} minutes from now. No need to prepare what to say.`;
  },
  weAreBack: "We are back",
  over: "Time to be back",
  overBody: "Say hello first. Then one of you begins, with one sentence.",
  longer: "20 more minutes",
  end: "End for today",
};

export const ended = {
  title: "That was a practice",
  body: "Both of you stayed with it. Listening has stopped.",
  report: "Look back on it",
  confirm: "End the practice for both?",
  confirmBody: "Listening stops and the page to look back on opens.",
  confirmYes: "End it",
  confirmNo: "Go on",
  pauseInstead: "Pause instead",
  next: "Practise again together",
  nextHint: "Your partner presses the same on their own page, and you are both in.",
  kept: "Kept for next time: how each of you usually sounds, and how often you overlap when it is calm. Numbers, no sound and no words.",
  forget: "Forget it",
  forgotten: "It is forgotten.",
  again: "Start another practice",
};

export const watch = {
  title: "Watching live",
  seen: "Both partners see that you are here.",
  waitTitle: "Waiting for both to agree",
  waitBody: "You see the lanes as soon as both partners have said yes to an observer. Either can take it back at any time.",
  waitBegin: "Both have agreed. The lanes begin when they do.",
  yes: "said yes",
  notYet: "not yet",
  away: "not here yet",
  practice: "Practice",
  observing: "Observer",
  now: "Back to now",
  hint: "Drag the lanes to look back.",
  legend: "How to read the lanes",
  phases: {
    waiting: "Waiting for a partner",
    consent: "Waiting for a yes",
    practising: "Practising",
    paused: "Paused",
    ended: "Ended",
  },
  lost: "Connecting again. What you miss is filled in.",
  coachingPaused: "Coaching is paused for a moment. It goes on by itself.",
  said: "What is being said",
  nothingSaid: "Nothing yet.",
  wordsBehind: "The words are behind. Everything else is in time.",
  wordsGiven: "Words",
  endedTitle: "The practice has ended",
  report: "Open the report",
  noReport: "The report opens for you once both partners have agreed to an observer.",
  cues: "Cues so far",
  noCues: "None yet. At most four in ten minutes.",
};

export const lanes = {
  partner: { a: "Partner A", b: "Partner B" } as Record<Partner, string>,
  speech: "Speaking",
  ribbon: "Voice against own usual: higher, louder, brighter, faster is up",
  gap: "Not heard",
  rise: "Voice stayed up",
  cue: "Cue, seen by both",
  pause: "Pause",
  silence: "A silence",
  timeOut: (back: string) => `A time-out, back at ${back}`,
  floor: "Turns agreed on: whose it is",
  floorPhases: {
    holding: "The floor is held",
    reflecting: "It is said back",
    confirming: "“Did I get that right?”",
    off: "No more agreed turns",
  } as Record<string, string>,
  brokeIn: "Begun before the floor went over",
  card: "The card",
  repair: "A repair, or something said back",
  note: "A few words from the observer",
  kinds: {
    took_floor: "The floor changed early",
    talk_over: "Both spoke at once",
    butted_in: "A start that gave way",
    backchannel: "A listening sound (mm-hm)",
    terminal_overlap: "A quick handover",
    dual_start: "Both began at once",
    overlap: "Both speaking, not typed yet",
  } as Record<string, string>,
  summary: (kind: string, seconds: string, marks: number) =>
    `${kind}: two lanes, one for each partner, over ${seconds}, with ${marks} marks between them`,
};

export const demo = {
  title: "A demo practice",
  lead: "Two made-up voices talk about money. What you see is worked out now, from their sound; within a minute both see a first quiet word.",
  couple: "What both of them see",
  lanes: "What an observer sees",
  listen: "Listen",
  mute: "Sound off",
  wait: "The two are joining…",
  over: "The practice is over. Here is the report.",
  open: "Open the report",
};

export const trouble = {
  opening: "Opening…",
  lostTitle: "Breathmark cannot be reached",
  lostBody: "Trying again by itself. Your link stays good.",
  unreachable: "There was no answer. The network may be down, or Breathmark is being started again.",
  waitAndReload: "Wait a moment, then reload the page.",
  again: "Connecting again. What you press is kept.",
  reload: "Reload the page",
  home: "Go to the start page",
  newPractice: "Start a new practice",
  report: "Open the report",
  rightPage: "Go to the right page",
  noPageTitle: "There is nothing at this address",
  noPageBody: "The link may have been cut off when it was copied.",
  brokenTitle: "Something on this page broke",
  brokenBody: "What was said so far is kept. Reload to go on where you were.",
};
