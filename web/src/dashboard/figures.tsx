// The six figures of the top row, each with its unit in words and, where the board keeps it, the last hour as a line.

import { number, span } from "../format.ts";
import { Alert, Check, Clock } from "../icons.tsx";
import type { BoardView } from "../protocol.ts";

const WIDTH = 240;
const HEIGHT = 48;

/** The last hour, from zero; a minute without a figure is a gap. */
export function path(values: readonly (number | null)[], most: number): string {
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  let drawn = "";
  let pen = false;
  values.forEach((value, at) => {
    if (value === null) {
      pen = false;
      return;
    }
    const x = (at * step).toFixed(1);
    const y = (HEIGHT - 2 - (value / Math.max(1, most)) * (HEIGHT - 4)).toFixed(1);
    drawn += `${pen ? "L" : "M"}${x} ${y}`;
    pen = true;
  });
  return drawn;
}

interface LineProps {
  values: (number | null)[];
  most: number;
  target?: number | undefined;
  label: string;
}

function Line({ values, most, target, label }: LineProps) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return <p class="no-line muted">The last hour shows here as it fills</p>;
  const at = target === undefined ? 0 : HEIGHT - 2 - (target / most) * (HEIGHT - 4);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="base" d={`M0 ${HEIGHT - 1}H${WIDTH}`} />
      {target !== undefined && <path class="target" d={`M0 ${at}H${WIDTH}`} />}
      <path class="run" d={path(values, most)} />
    </svg>
  );
}

interface FigureProps {
  name: string;
  value: string;
  unit: string;
  tone?: "good" | "waiting" | "late";
  word?: string;
  line?: LineProps;
}

function Figure({ name, value, unit, tone, word, line }: FigureProps) {
  return (
    <section class="figure" aria-label={name}>
      <h2>
        {name}
        {word && (
          <span class={`tag ${tone ?? ""}`}>
            {tone === "good" ? <Check /> : tone === "late" ? <Alert /> : <Clock />}
            {word}
          </span>
        )}
      </h2>
      <p class="value number">{value}</p>
      <p class="unit muted number">{unit}</p>
      {line && <Line {...line} />}
    </section>
  );
}

const LEVEL_TARGET = 80;

export function Figures({ board }: { board: BoardView }) {
  const waiting = board.history.map(([count]) => count);
  const level = board.history.map(([, share]) => share);
  const handled = board.history.map(([, , count]) => count);
  const late = board.queues.filter((queue) => queue.oldest_wait_ms > queue.target_s * 1_000).length;
  const online = board.agents.filter((agent) => agent.state === "online").length;
  const share = board.service_level ?? null;
  return (
    <div class="figures">
      <Figure
        name="Waiting now"
        value={number(board.waiting)}
        unit={`${number(board.in_hand)} in hand`}
        line={{
          values: waiting,
          most: Math.max(4, ...waiting),
          label: `Waiting in the last hour, at most ${Math.max(0, ...waiting)}`,
        }}
      />
      <Figure
        name="Oldest wait"
        value={board.waiting ? span(board.oldest_wait_ms) : "–"}
        unit={late ? `${late} of ${board.queues.length} queues past their target` : "every queue within its target"}
        tone={late ? "late" : "good"}
        word={late ? "late" : "in time"}
      />
      <Figure
        name="Service level"
        value={share === null ? "–" : `${number(share)} %`}
        unit="taken up within target, last hour"
        {...(share === null
          ? {}
          : share >= LEVEL_TARGET
            ? { tone: "good" as const, word: "on target" }
            : { tone: "late" as const, word: `below ${LEVEL_TARGET} %` })}
        line={{ values: level, most: 100, target: LEVEL_TARGET, label: `Service level in the last hour, target ${LEVEL_TARGET} %` }}
      />
      <Figure
        name="Free capacity"
        value={number(board.free_capacity)}
        unit={`of ${number(board.total_capacity)} effort points, ${number(online)} online`}
        {...(board.free_capacity === 0 && board.total_capacity > 0 ? { tone: "waiting" as const, word: "full" } : {})}
      />
      <Figure
        name="Handled"
        value={number(board.handled_hour)}
        unit="closed in the last hour"
        line={{
          values: handled,
          most: Math.max(4, ...handled),
          label: `Handled a minute in the last hour, at most ${Math.max(0, ...handled)}`,
        }}
      />
      <Figure
        name="Decisions"
        value={`${number(board.decisions_per_s)}/s`}
        unit={`median ${number(board.decision_us[0], 1)} µs, 99th percentile ${number(board.decision_us[1], 1)} µs, ${number(board.messages_per_s)} messages/s`}
      />
    </div>
  );
}
