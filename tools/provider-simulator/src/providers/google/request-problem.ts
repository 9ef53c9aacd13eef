import { type TProperties, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type CompiledSchema, type SchemaProblem, schemaProblem } from '../../wire/schema-problem.ts'
import { type ProtoMessage, protoMessage } from './proto-json.ts'

/**
 * What is wrong with a request to generate content, in the API's own words; undefined if nothing is. The API knows no
 * more fields than https://ai.google.dev/api/generate-content lists.
 */
export function requestProblem(json: ProtoMessage): string | undefined {
  const config = protoMessage(json.generationConfig)
  const problem =
    describe(schemaProblem(requestSchema, json), '') ??
    describe(schemaProblem(configSchema, config), 'generation_config')
  if (problem !== undefined) return problem
  const candidates = config.candidateCount
  return typeof candidates === 'number' && candidates > 1
    ? 'Multiple candidates is not enabled for this model'
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
  // A text alone is no message, though some clients send one.
  systemInstruction: Message,
  generationConfig: Message,
  cachedContent: Type.Optional(Type.String()),
})

const configSchema = strict({
  candidateCount: Type.Optional(Type.Integer({ minimum: 1 })),
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
