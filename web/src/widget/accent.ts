// The company's accent, corrected until text on it and in it can be read in both themes.

type Rgb = [number, number, number];

/** Reads `#abc` and `#aabbcc`; anything else is no accent. */
export function parse(colour: string): Rgb | null {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(colour);
  const long = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(colour);
  const parts = short ? short.slice(1).map((digit) => digit + digit) : long?.slice(1);
  return parts ? (parts.map((part) => Number.parseInt(part, 16)) as Rgb) : null;
}

/** Relative luminance, WCAG 2. */
function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** The nearest colour on the way to `towards` that has this contrast with `against`. */
export function readable(colour: Rgb, against: Rgb, towards: Rgb, least: number): Rgb {
  for (let step = 0; step < 20; step += 1) {
    const share = step / 20;
    const mixed = colour.map((part, at) => Math.round(part + ((towards[at] ?? 0) - part) * share)) as Rgb;
    if (contrast(mixed, against) >= least) return mixed;
  }
  return towards;
}

const css = ([red, green, blue]: Rgb) => `rgb(${red} ${green} ${blue})`;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
const NIGHT: Rgb = [22, 29, 28];

/** Sets the accent on a page's root. */
export function setAccent(root: HTMLElement, wished: string | null): void {
  const colour = wished && parse(wished);
  if (!colour) return;
  const day = readable(colour, WHITE, BLACK, 4.6);
  const night = readable(colour, NIGHT, WHITE, 7);
  const dayText = readable(colour, WHITE, BLACK, 6.5);
  root.style.setProperty("--accent", `light-dark(${css(day)}, ${css(night)})`);
  root.style.setProperty("--on-accent", `light-dark(#fff, ${css(readable(colour, night, BLACK, 5.5))})`);
  root.style.setProperty("--accent-text", `light-dark(${css(dayText)}, ${css(night)})`);
  root.style.setProperty("--accent-tint", "color-mix(in srgb, var(--accent) 11%, var(--surface-1))");
}
