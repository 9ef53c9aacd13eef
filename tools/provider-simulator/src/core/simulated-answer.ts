import type { Generation } from './generation.ts'
import { pieces } from './pieces.ts'
import { sampleJson } from './sample-json.ts'
import { simulatedText, simulatedTokens } from './simulated-text.ts'
import { outputLength, tokensOfChars } from './tokens.ts'

/** What a request asks of an answer, in no provider's words. */
export interface Wishes {
  /** Whether to think before answering. */
  readonly thinks: boolean
  /** A JSON schema that the text is to fit; absent: the text is prose. */
  readonly schema?: unknown
  /** JSON of the arguments of the tool call that comes in place of text. */
  readonly toolArguments?: string | undefined
  /** The most tokens that the caller accepts, thoughts included; absent: any number. */
  readonly maxTokens?: number | undefined
}

/** What an answer says, however it is sent. */
export interface SimulatedResponse {
  /** What comes first: no tokens where the model does not think. */
  readonly thought: ResponseText
  /** Not sent where a tool call takes its place; its tokens are those of the call then. */
  readonly text: ResponseText
  /** Of thought and text together. */
  readonly outputTokens: number
  /** The caller's maximum ended it early. */
  readonly cut: boolean
}

export interface ResponseText {
  readonly tokens: number
  whole(): string
  /** Each as a model would stream it. */
  pieces(): Iterable<string>
}

/** The same answer for the same wishes. JSON and tool calls are as long as they are; prose as the generation says. */
export function simulatedResponse(
  { outputTokens }: Pick<Generation, 'outputTokens'>,
  wishes: Wishes,
): SimulatedResponse {
  const { thinks, schema, toolArguments, maxTokens = Number.POSITIVE_INFINITY } = wishes
  const thought = textOf(THOUGHT, thinks ? Math.min(THOUGHT.length, maxTokens) : 0)
  const json =
    schema === undefined || toolArguments !== undefined ? undefined : [...pieces(JSON.stringify(sampleJson(schema)))]
  const called = toolArguments === undefined ? undefined : tokensOfChars(toolArguments.length)
  const { tokens, cut } = outputLength(json?.length ?? outputTokens ?? called, maxTokens - thought.tokens)
  const text = json === undefined ? proseOf(tokens) : textOf(json, tokens)
  return { thought, text, outputTokens: thought.tokens + tokens, cut }
}

const THOUGHT = 'A simulated provider need not think for long.'.split(/(?= )/)

function textOf(all: readonly string[], tokens: number): ResponseText {
  const said = all.slice(0, tokens)
  return { tokens, whole: () => said.join(''), pieces: () => said }
}

/** May be very long, and so is made as it is sent. */
function proseOf(tokens: number): ResponseText {
  return { tokens, whole: () => simulatedText(tokens), pieces: () => simulatedTokens(tokens) }
}
