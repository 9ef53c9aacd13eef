import { type TProperties, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type CompiledSchema, type SchemaProblem, schemaProblem } from '../core/schema-problem.ts'
import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/**
 * Returns what the API says is wrong with a request to generate content; undefined if nothing is. As the API does, it
 * refuses fields that https://ai.google.dev/api/generate-content does not list, and a schema for anything but JSON.
 */
export function requestProblem(json: ProtoMessage): string | undefined {
  const config = protoMessage(json.generationConfig)
  const problem =
    describe(schemaProblem(requestSchema, json), '') ??
    describe(schemaProblem(configSchema, config), 'generation_config')
  if (problem !== undefined) return problem
  const hasSchema = config.responseJsonSchema !== undefined || config.responseSchema !== undefined
  return hasSchema && config.responseMimeType !== 'application/json'
    ? 'Response schema is only supported with response mime type `application/json`.'
    : undefined
}

const List = Type.Optional(Type.Array(Type.Object({})))
const OneOrMore = Type.Optional(Type.Union([Type.Object({}), Type.Array(Type.Object({}))]))
const Message = Type.Optional(Type.Object({}))
const Anything = Type.Optional(Type.Unknown())

const requestSchema = strict({
  model: Type.Optional(Type.String()),
  contents: OneOrMore,
  tools: OneOrMore,
  toolConfig: Message,
  safetySettings: List,
  // An object: the API refuses a bare string.
  systemInstruction: Message,
  generationConfig: Message,
  cachedContent: Type.Optional(Type.String()),
})

const configSchema = strict({
  candidateCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 1 })),
  maxOutputTokens: Type.Optional(Type.Integer({ minimum: 1 })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  topK: Type.Optional(Type.Integer({ minimum: 1 })),
  seed: Type.Optional(Type.Integer()),
  presencePenalty: Type.Optional(Type.Number()),
  frequencyPenalty: Type.Optional(Type.Number()),
  stopSequences: Type.Optional(Type.Array(Type.String(), { maxItems: 5 })),
  responseMimeType: Type.Optional(Type.String()),
  responseSchema: Message,
  responseJsonSchema: Anything,
  responseLogprobs: Type.Optional(Type.Boolean()),
  logprobs: Type.Optional(Type.Integer()),
  responseModalities: Anything,
  speechConfig: Message,
  thinkingConfig: Message,
  imageConfig: Message,
  mediaResolution: Anything,
  enableEnhancedCivicAnswers: Type.Optional(Type.Boolean()),
})

function strict(properties: TProperties): CompiledSchema {
  return Compile(Type.Object(properties, { additionalProperties: false }))
}

function describe(problem: SchemaProblem | undefined, within: string): string | undefined {
  if (problem === undefined) return undefined
  const { kind, path, message } = problem
  const field = path.at(-1) ?? ''
  const outer = [...(within === '' ? [] : [within]), ...path.slice(0, -1)].join('.')
  const at = outer === '' ? '' : ` at '${outer}'`
  if (kind === 'unknown') return `Invalid JSON payload received. Unknown name "${field}"${at}: Cannot find field.`
  return `Invalid value at '${[...(outer === '' ? [] : [outer]), field].join('.')}': ${message}`
}

/** Returns what the API says is wrong with the turns of a conversation; undefined if nothing is. */
export function contentsProblem(contents: unknown): string | undefined {
  const list = protoMessages(contents)
  if (list.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n'
  for (const [index, content] of list.entries()) {
    const problem = contentProblem(content, index)
    if (problem !== undefined) return problem
  }
  const turns = turnsOf(list)
  return turns
    .map(({ parts }, index) => functionProblem(parts, turns[index - 1]?.parts ?? []))
    .find((problem) => problem !== undefined)
}

interface Turn {
  readonly role: unknown
  readonly parts: ProtoMessage[]
}

/**
 * Joins consecutive contents of one role: the chats of Google's SDK keep each chunk of a stream as a separate content.
 */
function turnsOf(contents: readonly ProtoMessage[]): readonly Turn[] {
  const turns: Turn[] = []
  for (const { role = 'user', parts } of contents) {
    const last = turns.at(-1)
    if (last !== undefined && last.role === role) last.parts.push(...protoMessages(parts))
    else turns.push({ role, parts: [...protoMessages(parts)] })
  }
  return turns
}

const ROLES = [undefined, 'user', 'model', 'function']
function contentProblem(content: ProtoMessage, index: number): string | undefined {
  if (!ROLES.some((role) => role === content.role)) return 'Please use a valid role: user, model.'
  const parts = protoMessages(content.parts)
  const at = `* GenerateContentRequest.contents[${index}].parts`
  if (parts.length === 0) return `${at}: contents.parts must not be empty.\n`
  return undefined
}

/** The next turn has to have the response to each function call, and no other responses. */
function functionProblem(parts: readonly ProtoMessage[], previous: readonly ProtoMessage[]): string | undefined {
  const calls = previous.filter(({ functionCall }) => functionCall !== undefined)
  const responses = parts.filter(({ functionResponse }) => functionResponse !== undefined)
  if (calls.length === responses.length) {
    const names = calls.map(({ functionCall }) => protoMessage(functionCall).name)
    const isPaired = responses.every(({ functionResponse }) => names.includes(protoMessage(functionResponse).name))
    return isPaired ? undefined : 'Please ensure that the function response has the name of the function call.'
  }
  return calls.length === 0
    ? 'Please ensure that function response turn comes immediately after a function call turn.'
    : 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.'
}

/**
 * Returns the JSON schema that a request demands of the text, that of any object for JSON without one; undefined for
 * prose.
 * @see https://ai.google.dev/gemini-api/docs/structured-output
 */
export function outputSchema({ generationConfig }: ProtoMessage): unknown {
  const { responseMimeType, responseJsonSchema, responseSchema } = protoMessage(generationConfig)
  if (responseMimeType !== 'application/json') return undefined
  return responseJsonSchema ?? responseSchema ?? { type: 'object' }
}
