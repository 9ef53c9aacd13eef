import { createHash } from 'node:crypto'
import type { Generation } from './generation.ts'
import { sampleJson } from './sample-json.ts'
import { tokensOfChars } from './token-counts.ts'

/** A request to the model, in no provider's format. */
export interface OutputRequest {
  /** The model reasons first. */
  readonly thinks: boolean
  /** A JSON schema for the text; absent: the text is prose. */
  readonly schema?: unknown
  /** JSON of the arguments of the tool call that takes the place of text. */
  readonly toolArguments?: string | undefined
  /** The most tokens that the caller accepts, thoughts included; absent: any number. */
  readonly maxTokens?: number | undefined
}

/** The model's output, in no provider's format. */
export interface ModelOutput {
  /** Comes first; no tokens where the model does not think. */
  readonly thought: OutputText
  /** Not sent where a tool call takes its place; its tokens are then those of the call. */
  readonly text: OutputText
  /** Of thought and text together. */
  readonly outputTokens: number
  /** The caller's maximum ended it early. */
  readonly truncated: boolean
}

export interface OutputText {
  readonly tokens: number
  whole(): string
  /** Returns the same text in pieces of about a token, as a model would stream it. */
  pieces(): Iterable<string>
}

/**
 * Returns the same output for the same request. JSON and tool calls have their own length, prose that of the
 * generation.
 */
export function generateOutput(
  { outputTokens }: Pick<Generation, 'outputTokens'>,
  request: OutputRequest,
): ModelOutput {
  const { thinks, schema, toolArguments, maxTokens = Number.POSITIVE_INFINITY } = request
  const thought = textOf(THOUGHT, thinks ? Math.min(THOUGHT.length, maxTokens) : 0)
  const json =
    schema === undefined || toolArguments !== undefined ? undefined : [...pieces(JSON.stringify(sampleJson(schema)))]
  const called = toolArguments === undefined ? undefined : tokensOfChars(toolArguments.length)
  const { tokens, truncated } = outputLength(json?.length ?? outputTokens ?? called, maxTokens - thought.tokens)
  const text = json === undefined ? proseOf(tokens) : textOf(json, tokens)
  return { thought, text, outputTokens: thought.tokens + tokens, truncated }
}

const DEFAULT_OUTPUT_TOKENS = 16

/** @param wanted the output's own length in tokens @param maximum the most that the caller accepts, if stated */
export function outputLength(wanted = DEFAULT_OUTPUT_TOKENS, maximum = Number.POSITIVE_INFINITY) {
  return wanted > maximum ? { tokens: maximum, truncated: true } : { tokens: wanted, truncated: false }
}

const THOUGHT = 'A simulated provider need not think for long.'.split(/(?= )/)

function textOf(all: readonly string[], tokens: number): OutputText {
  const included = all.slice(0, tokens)
  return { tokens, whole: () => included.join(''), pieces: () => included }
}

/** Prose may be very long: it is generated as it is sent. */
function proseOf(tokens: number): OutputText {
  return { tokens, whole: () => simulatedText(tokens), pieces: () => simulatedTokens(tokens) }
}

const SENTENCES =
  'This answer comes from a simulated provider and means nothing at all. ' +
  'It has as many words as it has tokens, and it is the same every time.'
const WORDS = SENTENCES.split(' ').map((word) => ` ${word}`)
const CYCLE = WORDS.join('')
/** The place where each word of the cycle begins. */
const OFFSETS = WORDS.map((_, index) => WORDS.slice(0, index).join('').length)

/** Returns the token at `index`: a word with the space before it, as model tokens are, except for the first. */
export function simulatedToken(index: number): string {
  const word = WORDS[index % WORDS.length] ?? ''
  return index === 0 ? word.slice(1) : word
}

/** Returns the first `tokens` tokens as one text. */
export function simulatedText(tokens: number): string {
  const text = CYCLE.repeat(Math.floor(tokens / WORDS.length)) + CYCLE.slice(0, OFFSETS[tokens % WORDS.length])
  return text.slice(1)
}

/** Returns the first `tokens` tokens one at a time. */
function* simulatedTokens(tokens: number): Generator<string> {
  for (let index = 0; index < tokens; index++) yield simulatedToken(index)
}

/** Cuts a text into pieces of four characters, about a token each; surrogate pairs stay whole. */
export function* pieces(text: string): Generator<string> {
  for (const [piece] of text.matchAll(FOUR_CHARS)) yield piece
}

const FOUR_CHARS = /.{1,4}/gsu

/**
 * Signs a thought, so that the provider recognizes its own when it comes back: base64, the same for the same thought.
 */
export function signatureOf(thought: string): string {
  return createHash('sha256').update(`simulated thought:${thought}`).digest('base64')
}
