// The frame of a conversation's messages, in widget and console: it stays at the newest line as long as its reader is there,
// and keeps the reader's place, and says what came, where not.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Down } from "./icons.tsx";
import type { MessageView } from "./protocol.ts";

/** So near to the end the reader is at the newest line. */
const NEAR_PX = 80;
/** Messages of one writer so shortly after another stand together. */
const GROUP_MS = 180_000;

interface Props {
  label: string;
  /** The newest message, and whether the reader wrote it. */
  newest: MessageView | undefined;
  own: boolean;
  /** How many own messages are still on their way. */
  unsent: number;
  /** Whatever else makes the log longer: it moves who is at the end, and nobody else. */
  grows: unknown;
  /** What the button at the newer end is called. */
  below: string;
  /** Where older messages can be read. */
  earlier?: { name: string; load(): Promise<void> } | undefined;
  children: ComponentChildren;
}

export function MessageLog({ label, newest, own, unsent, grows, below, earlier, children }: Props) {
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const sent = useRef(unsent);
  const [missed, setMissed] = useState(false);
  const end = () => log.current?.scrollTo({ top: log.current.scrollHeight });
  const follow = () => {
    if (atEnd.current) end();
  };
  useEffect(() => {
    if (atEnd.current || own) end();
    else setMissed(true);
  }, [newest?.id]);
  useEffect(() => {
    if (unsent > sent.current) end();
    else follow();
    sent.current = unsent;
  }, [unsent]);
  useEffect(follow, [grows]);
  useEffect(() => {
    const resized = new ResizeObserver(follow);
    if (log.current) resized.observe(log.current);
    return () => resized.disconnect();
  }, []);
  const older = async () => {
    const it = log.current;
    if (!earlier || !it) return;
    const { scrollHeight: height, scrollTop: top } = it;
    await earlier.load();
    // What was being read stays where it was.
    requestAnimationFrame(() => it.scrollTo({ top: top + it.scrollHeight - height }));
  };
  return (
    <div class="log-frame">
      <div
        class="log"
        ref={log}
        role="log"
        aria-live="polite"
        aria-label={label}
        tabIndex={0}
        onScroll={({ currentTarget: it }) => {
          atEnd.current = it.scrollHeight - it.scrollTop - it.clientHeight < NEAR_PX;
          if (atEnd.current) setMissed(false);
        }}
      >
        {earlier && (
          <button type="button" class="quiet earlier" onClick={() => void older()}>
            {earlier.name}
          </button>
        )}
        <ol>{children}</ol>
      </div>
      {missed && (
        <button type="button" class="below-button" onClick={end}>
          <Down /> {below}
        </button>
      )}
    </div>
  );
}

/** Whether two messages that follow each other stand together, under one name. */
export function joins(a: MessageView | undefined, b: MessageView | undefined): boolean {
  return !!a && !!b && a.from.kind === b.from.kind && a.from.agent === b.from.agent && b.at_ms - a.at_ms < GROUP_MS;
}
