// A page's side of a session: the connection, what is known of it, and for observers the lines.
import { LineBook } from "../lanes/book";
import type { FromGateway, Phase, ToGateway } from "../protocol";
import { SessionClock } from "./clock";
import { Connection } from "./connection";
import { Observable } from "./observe";
import { received, type SessionState, unopened, withoutCue, withoutNote } from "./state";

export class Session {
  readonly state = new Observable<SessionState>(unopened);
  readonly book = new LineBook();
  readonly clock = new SessionClock();
  /** Hears each message after the state has taken it in. */
  onMessage: (message: FromGateway) => void = () => undefined;
  private pressed: ToGateway | null = null;
  private readonly connection: Connection;

  constructor(readonly token: string) {
    this.connection = new Connection(token, {
      message: (message, atMs) => this.take(message, atMs),
      lost: () => {
        this.state.value = { ...this.state.value, link: "lost" };
      },
    });
  }

  open(): void {
    this.connection.open();
  }

  close(): void {
    this.connection.close();
  }

  /** What a person has pressed is sent when the gateway is back; of several presses the last one. */
  send(message: ToGateway): void {
    const sent = this.connection.send(message);
    if (!sent && PRESSED.has(message.type)) this.pressed = message;
  }

  dropCue(id: string): void {
    this.state.value = withoutCue(this.state.value, id);
  }

  dropNote(id: string): void {
    this.state.value = withoutNote(this.state.value, id);
  }

  private take(message: FromGateway, atMs: number): void {
    if (message.type === "welcome" || message.type === "room")
      this.clock.set(message.room.now_s, runs(message.room.phase, message.room.now_s), atMs);
    if (message.type === "pong")
      this.clock.answered(message.now_s, runs(this.state.value.room?.phase, message.now_s), message.t, atMs);
    if (message.type === "welcome" || message.type === "lines") this.book.add(message.lines);
    if (message.type === "cue" || message.type === "note") this.book.add([message.line]);
    this.state.value = received(this.state.value, message, atMs);
    this.onMessage(message);
    if (message.type === "welcome" && this.pressed) {
      this.connection.send(this.pressed);
      this.pressed = null;
    }
  }
}

const PRESSED = new Set<ToGateway["type"]>(["pause", "time_out", "resume", "end"]);

/** Session time goes on through pauses; it stands still before the first yes of both and after the end. */
function runs(phase: Phase | undefined, nowS: number): boolean {
  return phase === "practising" || (nowS > 0 && phase !== "ended");
}
