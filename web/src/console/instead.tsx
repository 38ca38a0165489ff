// Where else the customer can be written to, beside what did not get there: only where the customer has written from.

import { others, placeOf, type Tried } from "./points.ts";
import { thread, writeTo } from "./state.ts";

export function Instead({ tried, text }: { tried: Tried; text: string }) {
  const open = thread.value;
  if (open?.state !== "assigned") return null;
  return (
    <>
      {others(open, tried).map((point) => (
        <button key={point.id} type="button" class="link" onClick={() => writeTo(open.id, point.id, text)}>
          {point.address ? (
            <>
              Write to <bdi>{point.address}</bdi> instead
            </>
          ) : (
            `Write on ${placeOf(point)} instead`
          )}
        </button>
      ))}
    </>
  );
}
