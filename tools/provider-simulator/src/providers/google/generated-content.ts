import type { Generation } from '../../core/generation.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { type SimulatedResponse, simulatedResponse } from '../../core/simulated-answer.ts'
import { inputTokensOf } from './content-tokens.ts'
import { outputSchema } from './output-schema.ts'
import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'
import { asksToThink, showsThoughts } from './thinking.ts'
import { THOUGHT_SIGNATURE } from './thought-signatures.ts'

/** What a generated content says, however it is sent. */
export interface GeneratedContent {
  readonly responseId: string
  readonly model: string
  readonly inputTokens: number
  /** Thoughts included. */
  readonly outputTokens: number
  readonly answer: SimulatedResponse
  /** Whether what it thought is said, or only counted. */
  readonly showsThoughts: boolean
  readonly finishReason: 'STOP' | 'MAX_TOKENS'
  /** In place of text. */
  readonly functionCall?: { readonly name: string; readonly args: unknown }
  readonly omitUsage: boolean
}

/** The answer to a request that is valid. */
export function createContent(json: ProtoMessage, model: string, generation: Generation): GeneratedContent {
  const functionCall = calledFunction(json, generation.callsTools)
  const { maxOutputTokens } = protoMessage(json.generationConfig)
  const answer = simulatedResponse(generation, {
    thinks: asksToThink(json),
    schema: outputSchema(json),
    toolArguments: functionCall && JSON.stringify(functionCall.args),
    maxTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined,
  })
  return {
    responseId: generation.ids(23),
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: answer.outputTokens,
    answer,
    showsThoughts: showsThoughts(json),
    finishReason: answer.cut && functionCall === undefined ? 'MAX_TOKENS' : 'STOP',
    omitUsage: generation.omitUsage,
    ...(functionCall && { functionCall }),
  }
}

/** https://ai.google.dev/api/generate-content#generatecontentresponse */
export function contentObject(content: GeneratedContent) {
  const { functionCall, answer, finishReason } = content
  const said = functionCall === undefined ? { text: answer.text.whole() } : { functionCall }
  const parts = [...thoughtParts(content), { ...said, ...signature(content) }]
  return response(content, parts, answer.text.tokens, finishReason)
}

/** The same in parts of a few tokens, the thoughts first. Each states the usage so far, the last one how it ended. */
export function* contentChunks(content: GeneratedContent): Generator<unknown> {
  const { functionCall, answer, finishReason } = content
  for (const part of thoughtParts(content)) yield response(content, [part], 0)
  const { tokens } = answer.text
  if (functionCall !== undefined) {
    yield response(content, [{ functionCall, ...signature(content) }], tokens)
    yield response(content, [{ text: '' }], tokens, finishReason)
    return
  }
  let sent = 0
  let text = ''
  for (const piece of answer.text.pieces()) {
    text += piece
    sent += 1
    if (sent % TOKENS_PER_CHUNK !== 0 || sent === tokens) continue
    yield response(content, [{ text }], sent)
    text = ''
  }
  yield response(content, [{ text, ...signature(content) }], tokens, finishReason)
}

const TOKENS_PER_CHUNK = 4

function thoughtParts({ answer: { thought }, showsThoughts }: GeneratedContent): readonly object[] {
  return showsThoughts && thought.tokens > 0 ? [{ text: thought.whole(), thought: true }] : []
}

/** Of the part that follows the thoughts, or that ends a stream. */
function signature({ answer }: GeneratedContent): object {
  return answer.thought.tokens > 0 ? { thoughtSignature: THOUGHT_SIGNATURE } : {}
}

/** @param candidatesTokens those without the thoughts' */
function response(
  content: GeneratedContent,
  parts: readonly object[],
  candidatesTokens: number,
  finishReason?: string,
) {
  const { responseId, model, inputTokens, omitUsage } = content
  const thoughtsTokens = content.answer.thought.tokens
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 }],
    ...(!omitUsage && {
      usageMetadata: {
        promptTokenCount: inputTokens,
        candidatesTokenCount: candidatesTokens,
        totalTokenCount: inputTokens + candidatesTokens + thoughtsTokens,
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
        ...(thoughtsTokens > 0 && { thoughtsTokenCount: thoughtsTokens }),
      },
    }),
    modelVersion: model,
    responseId,
  }
}

/** The first function that the mode `ANY` allows, or any mode but `NONE` if `callsFreely`: https://ai.google.dev/api/caching#FunctionCallingConfig. */
function calledFunction(json: ProtoMessage, callsFreely: boolean): GeneratedContent['functionCall'] {
  const config = protoMessage(protoMessage(json.toolConfig).functionCallingConfig)
  if (config.mode !== 'ANY' && (!callsFreely || config.mode === 'NONE')) return undefined
  const declarations = protoMessages(json.tools).flatMap((tool) => protoMessages(tool.functionDeclarations))
  const allowed = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : []
  const declaration = declarations.find(({ name }) => allowed.length === 0 || allowed.includes(name))
  if (declaration === undefined) return undefined
  const args = sampleJson(declaration.parameters ?? declaration.parametersJsonSchema) ?? {}
  return { name: String(declaration.name), args }
}
