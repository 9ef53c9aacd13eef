import type { Generation } from '../../core/generation.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { simulatedText, simulatedToken } from '../../core/simulated-text.ts'
import { outputLength, tokensOfChars } from '../../core/tokens.ts'
import { inputTokensOf } from './content-tokens.ts'
import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/** What a generated content says, however it is sent. */
export interface GeneratedContent {
  readonly responseId: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly finishReason: 'STOP' | 'MAX_TOKENS'
  /** In place of text. */
  readonly functionCall?: { readonly name: string; readonly args: unknown }
  readonly omitUsage: boolean
}

/** The answer to a request that is valid. */
export function createContent(json: ProtoMessage, model: string, generation: Generation): GeneratedContent {
  const functionCall = demandedCall(json)
  const { maxOutputTokens } = protoMessage(json.generationConfig)
  const wanted = generation.outputTokens ?? (functionCall && tokensOfChars(JSON.stringify(functionCall.args).length))
  const maximum = typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined
  const { tokens, cut } = outputLength(wanted, maximum)
  return {
    responseId: generation.ids(23),
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: tokens,
    finishReason: cut && functionCall === undefined ? 'MAX_TOKENS' : 'STOP',
    omitUsage: generation.omitUsage,
    ...(functionCall && { functionCall }),
  }
}

/** https://ai.google.dev/api/generate-content#generatecontentresponse */
export function contentObject(content: GeneratedContent) {
  const { functionCall, outputTokens, finishReason } = content
  const part = functionCall === undefined ? { text: simulatedText(outputTokens) } : { functionCall }
  return response(content, part, outputTokens, finishReason)
}

/** The same in parts of a few tokens. Each states the usage so far, the last one how it ended. */
export function* contentChunks(content: GeneratedContent): Generator<unknown> {
  const { functionCall, outputTokens, finishReason } = content
  if (functionCall !== undefined) {
    yield response(content, { functionCall }, outputTokens)
    yield response(content, { text: '' }, outputTokens, finishReason)
    return
  }
  let sent = 0
  do {
    const until = Math.min(sent + TOKENS_PER_CHUNK, outputTokens)
    let text = ''
    for (; sent < until; sent++) text += simulatedToken(sent)
    yield response(content, { text }, sent, sent === outputTokens ? finishReason : undefined)
  } while (sent < outputTokens)
}

const TOKENS_PER_CHUNK = 4

function response(content: GeneratedContent, part: unknown, outputTokens: number, finishReason?: string) {
  const { responseId, model, inputTokens, omitUsage } = content
  return {
    candidates: [{ content: { parts: [part], role: 'model' }, ...(finishReason && { finishReason }), index: 0 }],
    ...(!omitUsage && {
      usageMetadata: {
        promptTokenCount: inputTokens,
        candidatesTokenCount: outputTokens,
        totalTokenCount: inputTokens + outputTokens,
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
      },
    }),
    modelVersion: model,
    responseId,
  }
}

/** The first function that the mode `ANY` allows: https://ai.google.dev/api/caching#FunctionCallingConfig. */
function demandedCall(json: ProtoMessage): GeneratedContent['functionCall'] {
  const config = protoMessage(protoMessage(json.toolConfig).functionCallingConfig)
  if (config.mode !== 'ANY') return undefined
  const declarations = protoMessages(json.tools).flatMap((tool) => protoMessages(tool.functionDeclarations))
  const allowed = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : []
  const declaration = declarations.find(({ name }) => allowed.length === 0 || allowed.includes(name))
  if (declaration === undefined) return undefined
  const args = sampleJson(declaration.parameters ?? declaration.parametersJsonSchema) ?? {}
  return { name: String(declaration.name), args }
}
