import { expect, test } from "vitest";
import { LineBook } from "../src/lanes/book";
import { pictureOf } from "../src/lanes/from_report";
import { tickStep } from "../src/lanes/layout";
import { clock, runs } from "../src/lanes/picture";
import { tell } from "../src/lanes/still";
import { line, report } from "./samples";

const names = { a: "Nora", b: "Ben" };

test("a final line replaces the open one with the same id, and never the other way round", () => {
  const book = new LineBook();
  const open = line("overlap", 10, 10.4, { id: "x", by: "b", over: "a", status: "open" });
  const final = line("took_floor", 10, 11, { id: "x", by: "b", over: "a" });
  book.add([open, final, open]);
  expect(book.picture(names, 0, 60, 12).rail.map((mark) => mark.kind)).toEqual(["took_floor"]);
});

test("whoever draws is told of a change at once, and of nothing else", () => {
  const book = new LineBook();
  let told = 0;
  const stop = book.subscribe(() => (told += 1));
  const first = line("speech", 1, 2, { id: "s", by: "a" });
  book.add([first, line("speech", 3, 4, { id: "t", by: "b" })]);
  book.add([first]);
  expect(told).toBe(1);
  stop();
  book.add([line("speech", 5, 6, { id: "u", by: "a" })]);
  expect(told).toBe(1);
});

test("a history that is delivered twice changes nothing", () => {
  const book = new LineBook();
  const history = [line("speech", 1, 3, { by: "a" }), line("cue", 5, 5, { text: "Breathe together" })];
  book.add(history);
  const { version } = book;
  book.add(history);
  expect(book.version).toBe(version);
  expect(book.size).toBe(2);
});

test("open speech reaches up to now, and ends where the next block starts", () => {
  const book = new LineBook();
  book.add([line("speech", 1, 1.2, { by: "a", status: "open" }), line("speech", 6, 6.3, { by: "a", status: "open" })]);
  expect(book.picture(names, 0, 60, 9).lanes.a.speech).toEqual([
    { start: 1, end: 6, open: true },
    { start: 6, end: 9, open: true },
  ]);
});

test("a pause lasts from the one who paused to whoever resumed, or until now", () => {
  const book = new LineBook();
  book.add([line("paused", 10, 10, { by: "a" }), line("resumed", 20, 20), line("paused", 40, 40, { by: "b" })]);
  const spans = book.picture(names, 0, 60, 50).rail.map((mark) => [mark.group, mark.start, mark.end]);
  expect(spans).toEqual([
    ["pause", 10, 20],
    ["pause", 40, 50],
  ]);
});

test("a lost microphone is a gap in that partner's lane alone", () => {
  const book = new LineBook();
  book.add([line("media_lost", 10, 10, { by: "b" }), line("media_back", 14, 14, { by: "b" })]);
  const { lanes } = book.picture(names, 0, 60, 50);
  expect(lanes.b.gaps).toEqual([{ start: 10, end: 14, open: false }]);
  expect(lanes.a.gaps).toEqual([]);
});

test("a rise lasts until the voice has settled, or until now", () => {
  const book = new LineBook();
  book.add([line("arousal_rise", 10, 12, { by: "a" })]);
  expect(book.picture(names, 0, 60, 15).lanes.a.rises).toEqual([{ start: 10, end: 15, open: false }]);
  book.add([line("arousal_settled", 19, 21, { by: "a" })]);
  expect(book.picture(names, 0, 60, 50).lanes.a.rises).toEqual([{ start: 10, end: 21, open: false }]);
});

test("only what touches the window is drawn", () => {
  const book = new LineBook();
  book.add([1, 50, 99].map((t) => line("speech", t, t + 1, { by: "a" })));
  expect(book.picture(names, 40, 60, 100).lanes.a.speech).toHaveLength(1);
});

test("live lines and a report give the same picture to draw", () => {
  const picture = pictureOf(report);
  expect(picture.names).toEqual({ a: "Nora", b: "Partner B" });
  expect(picture.lanes.a.speech).toEqual([{ start: 1, end: 4, open: false }]);
  expect(picture.rail[0]).toMatchObject({ kind: "took_floor", start: 31, end: 32 });
});

test("a mark is told in a sentence that can be read aloud", () => {
  const picture = pictureOf(report);
  expect(picture.rail.map((mark) => tell(mark, picture))).toEqual([
    "0:31. The floor changed early: Partner B",
    "0:35. “One at a time?”",
  ]);
});

test("the ribbon is cut where a partner was silent", () => {
  const points = [1, 1.5, 2, 8, 8.5].map((t) => ({ t, level: 0.5, confidence: 1 }));
  expect(runs(points, 2.5).map((run) => run.length)).toEqual([3, 2]);
});

test("time labels never crowd", () => {
  for (const pxPerS of [0.5, 2, 6, 10, 40]) expect(tickStep(pxPerS) * pxPerS).toBeGreaterThanOrEqual(64);
  expect(clock(83.4)).toBe("1:23");
});
