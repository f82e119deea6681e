declare module 'idiomorph/dist/idiomorph.esm.js' {
  export const Idiomorph: { morph(old: Element, fresh: Node[], config?: { morphStyle?: 'innerHTML' | 'outerHTML'; ignoreActiveValue?: boolean; restoreFocus?: boolean }): void };
}
