/**
 * Names come from sweep files, plugins and command lines of others. What turns the direction of writing or cannot be seen would
 * make a page say something else than it does.
 */
export const plain = (text: string): string => text.replace(/[\p{Cf}\u0080-\u009f]/gu, '\ufffd');

// The terminal's words as print writes them, by the rules of the server's overview: the words stay the same.

/** A real minus before numbers of results, and no break before a unit or around ±. Exponents keep their hyphen. */
export function nice(text: string): string {
  return text.replace(/(^|[\s[(±])-(?=\d|∞)/g, '$1−').replace(/(\d)%/g, '$1\u00a0%').replace(/ (?=%|≈)/g, '\u00a0').replace(/ ± /g, '\u00a0±\u00a0')
    .replace(/(λ|lr|n|p) (=|<)? ?(-?[\d<])/g, (s) => s.replace(/ /g, '\u00a0'));
}
