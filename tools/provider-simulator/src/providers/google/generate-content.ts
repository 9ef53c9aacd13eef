import type { Answer, Reply, StreamError } from '../simulated-provider.ts'
import { contentsProblem } from './contents-problem.ts'
import { errorObject, invalidRequest } from './errors.ts'
import { contentChunks, contentObject, createContent, type GeneratedContent } from './generated-content.ts'
import type { MethodRequest, ModelMethod } from './model-method.ts'
import { outputSchemaProblem } from './output-schema.ts'
import { prettyResponse } from './pretty-answer.ts'
import { requestProblem } from './request-problem.ts'
import { thinkingProblem } from './thinking.ts'
import { signatureProblem } from './thought-signatures.ts'

/** https://ai.google.dev/api/generate-content#method:-models.generatecontent */
export const generateContent: ModelMethod = (request) =>
  generate(request, (content) => prettyResponse(contentObject(content)))

/**
 * https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent: server-sent events if the query
 * says `alt=sse`, else one JSON array.
 */
export const streamGenerateContent: ModelMethod = (request) => {
  const asEvents = new URLSearchParams(request.query).get('alt') === 'sse'
  return generate(request, asEvents ? eventStream : jsonArray)
}

function generate({ json, model, generation }: MethodRequest, send: (content: GeneratedContent) => Answer): Reply {
  const problem =
    requestProblem(json) ??
    outputSchemaProblem(json) ??
    contentsProblem(json.contents) ??
    thinkingProblem(json, model) ??
    signatureProblem(json, model)
  if (problem !== undefined) return invalidRequest(problem)
  const content = createContent(json, model.id, generation)
  const { inputTokens, outputTokens } = content
  return { charge: { model: model.id, inputTokens, outputTokens }, answer: () => send(content) }
}

/** With CRLF between the events, as Google sends them. */
function eventStream(content: GeneratedContent): Answer {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'content-disposition': 'attachment' },
    chunks: map(contentChunks(content), (chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`),
    // Google's newer SDK looks for an error that is no event: https://github.com/googleapis/js-genai, `_api_client.ts`.
    errorChunk: ({ status, message }: StreamError) => `${JSON.stringify(errorObject(status, message))}\r\n`,
  }
}

function jsonArray(content: GeneratedContent): Answer {
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
