// The two waves of a month, and what can be read off their sum. Heights are in metres.

export const DAYS = 30;

const MOON = 12.4206012; // hours from crest to crest: the constituent M2
const SUN = 12; // and S2
const STEP = 0.5; // hours between two points of the curve

const wave = (hour, period) => Math.cos((2 * Math.PI * hour) / period);

/** The points of the curve, each the sum that `add` makes of the moon's wave and the sun's. */
export function makeCurve(share, add) {
  const curve = [];
  for (let hour = 0; hour <= DAYS * 24; hour += STEP) {
    const height = add(wave(hour, MOON), share * wave(hour, SUN));
    curve.push({ day: hour / 24, height });
  }
  return curve;
}

/** The largest and the smallest rise from low to high water within a day. */
export function rises(curve) {
  const perDay = 24 / STEP;
  const ranges = [];
  for (let start = 0; start + perDay < curve.length; start += perDay) {
    const day = curve.slice(start, start + perDay).map(({ height }) => height);
    ranges.push(Math.max(...day) - Math.min(...day));
  }
  return { spring: Math.max(...ranges), neap: Math.min(...ranges) };
}
