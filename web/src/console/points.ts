// Where the customer of a conversation can be written to, and where the next answer goes.

import type { Thread } from "../conversations.ts";
import { words } from "../format.ts";
import type { ContactPointView } from "../protocol.ts";

type Points = Pick<Thread, "contact_points" | "messages">;

/** What did not get there: which contact point it was for, and to which addresses it went. */
export interface Tried {
  contact_point: string | undefined;
  to: readonly string[];
}

/** The contact point that the next answer goes to: the one that was chosen, else where the newest message came from or went
 *  to. None where it is one without an address. */
export function pointOf({ contact_points: points = [], messages }: Points, chosen?: string): ContactPointView | undefined {
  const newest = messages.at(-1)?.contact_point;
  return points.find((it) => it.id === chosen) ?? points.find((it) => it.id === newest) ?? points.at(-1);
}

/** The other contact points, of which none is known to take nothing, the one used last first. */
export function others({ contact_points: points = [] }: Points, tried: Tried): ContactPointView[] {
  const addresses = tried.to.map((it) => it.toLowerCase());
  const another = ({ id, address }: ContactPointView) =>
    address ? !addresses.includes(address.toLowerCase()) : id !== tried.contact_point;
  return points.filter((it) => !it.trouble && another(it)).reverse();
}

/** What a contact point is called where it is one of several. */
export function placeOf({ channel, address }: ContactPointView): string {
  return address ?? words(channel);
}
