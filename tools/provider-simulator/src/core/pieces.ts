/** A text in pieces of four characters, about a token each, as a model streams it; surrogate pairs stay whole. */
export function* pieces(text: string): Generator<string> {
  for (const [piece] of text.matchAll(FOUR_CHARS)) yield piece
}

const FOUR_CHARS = /.{1,4}/gsu
