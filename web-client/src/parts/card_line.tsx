import type { Card } from "../protocol";
import { cards } from "../words";

/** What is practised, in one line, the same on both screens. */
export const CardLine = ({ card }: { card: Card }) => (
  <p class="card-line">
    {card.own ? cards.ownCardLine(card.skill, cards.minutes(card.minutes)) : cards.line(card.skill, card.turns)}
  </p>
);
