import type { Generation } from '../core/generation.ts'
import { generateOutput, type ModelOutput } from '../core/model-output.ts'
import type { ProviderResponse, StreamError } from '../core/responses.ts'
import { sampleJson } from '../core/sample-json.ts'
import type { RouteResult } from '../core/simulated-provider.ts'
import { errorObject, invalidRequest } from './errors.ts'
import type { MethodRequest, ModelMethod } from './models.ts'
import { inputTokensOf, type ProtoMessage, prettyResponse, protoMessage, protoMessages } from './proto-json.ts'
import { contentsProblem, outputSchema, requestProblem } from './request-validation.ts'
import { asksToThink, showsThoughts, signatureProblem, THOUGHT_SIGNATURE, thinkingProblem } from './thinking.ts'

/** https://ai.google.dev/api/generate-content#method:-models.generatecontent */
export const generateContent: ModelMethod = (request) =>
  generate(request, (content) => prettyResponse(contentObject(content)))

/**
 * Sends server-sent events if the query has `alt=sse`, otherwise one JSON array.
 * @see https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 */
export const streamGenerateContent: ModelMethod = (request) => {
  const asEvents = new URLSearchParams(request.query).get('alt') === 'sse'
  return generate(request, asEvents ? eventStream : jsonArray)
}

function generate(
  { json, model, generation }: MethodRequest,
  send: (content: GeneratedContent) => ProviderResponse,
): RouteResult {
  const problem =
    requestProblem(json) ??
    contentsProblem(json.contents) ??
    thinkingProblem(json, model) ??
    signatureProblem(json, model)
  if (problem !== undefined) return invalidRequest(problem)
  const content = createContent(json, model.id, generation)
  const { inputTokens, outputTokens } = content
  return { charge: { model: model.id, inputTokens, outputTokens }, respond: () => send(content) }
}

/** The content of a response, whether it is sent whole or streamed. */
interface GeneratedContent {
  readonly responseId: string
  readonly model: string
  readonly inputTokens: number
  /** Thoughts included. */
  readonly outputTokens: number
  readonly output: ModelOutput
  /** Otherwise thoughts are only counted. */
  readonly showsThoughts: boolean
  readonly finishReason: 'STOP' | 'MAX_TOKENS'
  /** In place of text. */
  readonly functionCall?: { readonly name: string; readonly args: unknown }
  readonly omitUsage: boolean
}

/** Creates the response to a valid request. */
function createContent(json: ProtoMessage, model: string, generation: Generation): GeneratedContent {
  const functionCall = calledFunction(json, generation.callsTools)
  const { maxOutputTokens } = protoMessage(json.generationConfig)
  const output = generateOutput(generation, {
    thinks: asksToThink(json),
    schema: outputSchema(json),
    toolArguments: functionCall && JSON.stringify(functionCall.args),
    maxTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined,
  })
  return {
    responseId: generation.ids(23),
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: output.outputTokens,
    output,
    showsThoughts: showsThoughts(json),
    finishReason: output.truncated && functionCall === undefined ? 'MAX_TOKENS' : 'STOP',
    omitUsage: generation.omitUsage,
    ...(functionCall && { functionCall }),
  }
}

/** https://ai.google.dev/api/generate-content#generatecontentresponse */
function contentObject(content: GeneratedContent) {
  const { functionCall, output, finishReason } = content
  const part = functionCall === undefined ? { text: output.text.whole() } : { functionCall }
  const parts = [...thoughtParts(content), { ...part, ...signature(content) }]
  return response(content, parts, output.text.tokens, finishReason)
}

/** Streams a few tokens at a time, thoughts first. Each chunk has the usage so far, the last one the finish reason. */
function* contentChunks(content: GeneratedContent): Generator<unknown> {
  const { functionCall, output, finishReason } = content
  for (const part of thoughtParts(content)) yield response(content, [part], 0)
  const { tokens } = output.text
  if (functionCall !== undefined) {
    yield response(content, [{ functionCall, ...signature(content) }], tokens)
    yield response(content, [{ text: '' }], tokens, finishReason)
    return
  }
  let sent = 0
  let text = ''
  for (const piece of output.text.pieces()) {
    text += piece
    sent += 1
    if (sent % TOKENS_PER_CHUNK !== 0 || sent === tokens) continue
    yield response(content, [{ text }], sent)
    text = ''
  }
  yield response(content, [{ text, ...signature(content) }], tokens, finishReason)
}

const TOKENS_PER_CHUNK = 4

function thoughtParts({ output: { thought }, showsThoughts }: GeneratedContent): readonly object[] {
  return showsThoughts && thought.tokens > 0 ? [{ text: thought.whole(), thought: true }] : []
}

/** Signs the part that follows the thoughts, or that ends a stream. */
function signature({ output }: GeneratedContent): object {
  return output.thought.tokens > 0 ? { thoughtSignature: THOUGHT_SIGNATURE } : {}
}

/** @param candidatesTokens without those of the thoughts */
function response(
  content: GeneratedContent,
  parts: readonly object[],
  candidatesTokens: number,
  finishReason?: string,
) {
  const { responseId, model, inputTokens, omitUsage } = content
  const thoughtsTokens = content.output.thought.tokens
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

/**
 * Calls the first function that the mode `ANY` allows; if `callsFreely`, in every mode except `NONE`.
 * @see https://ai.google.dev/api/caching#FunctionCallingConfig
 */
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

/** Separates events with CRLF, as Google does. */
function eventStream(content: GeneratedContent): ProviderResponse {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'content-disposition': 'attachment' },
    chunks: map(contentChunks(content), (chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`),
    // Google's newer SDK looks for an error outside of events: https://github.com/googleapis/js-genai,
    // `_api_client.ts`.
    errorChunk: ({ status, message }: StreamError) => `${JSON.stringify(errorObject(status, message))}\r\n`,
  }
}

function jsonArray(content: GeneratedContent): ProviderResponse {
  let separator = '['
  function* items(): Generator<string> {
    for (const chunk of contentChunks(content)) {
      yield `${separator}${JSON.stringify(chunk, null, 2)}\n`
      separator = ',\r\n'
    }
    yield ']\n'
  }
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    chunks: items(),
    errorChunk: ({ status, message }) => `${separator}${JSON.stringify(errorObject(status, message), null, 2)}\n]\n`,
  }
}

function* map<From, To>(items: Iterable<From>, to: (item: From) => To): Generator<To> {
  for (const item of items) yield to(item)
}
