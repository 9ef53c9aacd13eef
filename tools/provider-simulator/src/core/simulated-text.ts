const SENTENCES =
  'This answer comes from a simulated provider and means nothing at all. ' +
  'It has as many words as it has tokens, and it is the same every time.'
const WORDS = SENTENCES.split(' ').map((word) => ` ${word}`)
const CYCLE = WORDS.join('')
/** Where each word of the cycle begins. */
const OFFSETS = WORDS.map((_, index) => WORDS.slice(0, index).join('').length)

/** The token at `index`: a word with the space before it, as model tokens are, but for the first. */
export function simulatedToken(index: number): string {
  const word = WORDS[index % WORDS.length] ?? ''
  return index === 0 ? word.slice(1) : word
}

/** The first `tokens` tokens in a row. */
export function simulatedText(tokens: number): string {
  const text = CYCLE.repeat(Math.floor(tokens / WORDS.length)) + CYCLE.slice(0, OFFSETS[tokens % WORDS.length])
  return text.slice(1)
}

/** The same, one by one. */
export function* simulatedTokens(tokens: number): Generator<string> {
  for (let index = 0; index < tokens; index++) yield simulatedToken(index)
}
