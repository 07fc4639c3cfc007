// What every screen of a partner is given.
import type { Practice } from "../live/practice";
import type { Partner, Room } from "../protocol";

export interface PartnerScreen {
  practice: Practice;
  room: Room;
  me: Partner;
}
