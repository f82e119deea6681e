// The colours of maps: one family, mixed in OKLCH, lightness falls evenly; the best lies furthest from the paper.
const LIGHT = [[0.33, 0.105, 262], [0.49, 0.105, 242], [0.74, 0.085, 208], [0.86, 0.055, 180], [0.945, 0.028, 150]] as const;
const DARK = [[0.93, 0.07, 165], [0.79, 0.095, 195], [0.62, 0.095, 225], [0.455, 0.075, 248], [0.3, 0.028, 255]] as const;

export interface Shade { fill: string; ink: string }

/** The colour at t, 0 the best, with black or white digits, whichever has more contrast (WCAG 2.2, relative luminance). */
export function ramp(t: number, dark: boolean): Shade {
  const of = dark ? DARK : LIGHT, at = Math.max(0, Math.min(1, t)) * (of.length - 1), i = Math.min(of.length - 2, Math.floor(at)), f = at - i;
  const a = of[i]!, b = of[i + 1]!, mix = (k: 0 | 1 | 2) => a[k] + (b[k] - a[k]) * f;
  const rgb = linear(mix(0), mix(1), mix(2)).map((c) => Math.max(0, Math.min(1, c))) as [number, number, number];
  const luminance = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
  return { fill: '#' + rgb.map((c) => Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055)).toString(16).padStart(2, '0')).join(''), ink: luminance + 0.05 > Math.sqrt(1.05 * 0.05) ? '#000' : '#fff' };
}

/** Linear sRGB of OKLCH (Ottosson 2020). */
function linear(L: number, C: number, H: number): [number, number, number] {
  const a = C * Math.cos((H * Math.PI) / 180), b = C * Math.sin((H * Math.PI) / 180);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3, m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3, s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
}
