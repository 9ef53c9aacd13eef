import { callArguments } from '../../unified/call-arguments.ts'
import type { AssistantMessage, ToolCall, ToolMessage } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { type Images, mediaParts } from './image-part.ts'
import { textOf } from './text-of.ts'
import { FOREIGN_SIGNATURE, signatureOf } from './thought-signature.ts'
import type { GeminiPart } from './wire-types.ts'

/**
 * The calls of one answer. Of calls in parallel the first alone is signed.
 * @param mustBeSigned the model refuses a first call without a signature
 */
export function callParts(
  { tool_calls: calls = [] }: AssistantMessage,
  param: string,
  mustBeSigned: boolean,
): GeminiPart[] | Refusal {
  const parts: GeminiPart[] = []
  for (const [index, call] of calls.entries()) {
    const parsed = callArguments(call, `${param}.tool_calls.${index}`)
    if (isRefusal(parsed)) return parsed
    const signature = signatureOf(call) ?? (mustBeSigned && index === 0 ? FOREIGN_SIGNATURE : undefined)
    parts.push({
      functionCall: { id: call.id, name: call.function.name, args: parsed.input },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    })
  }
  return parts
}

/**
 * The results of one answer's calls, in the order of the calls, by which Google goes where it gave them no ids. Each call must
 * have one, and nothing else may.
 * @param firstIndex of the results among the messages
 */
export function resultParts(
  calls: readonly ToolCall[],
  results: readonly ToolMessage[],
  firstIndex: number,
  context: ResultContext,
): GeminiPart[] | Refusal {
  const unread = Map.groupBy(results.entries(), ([, { tool_call_id: id }]) => id)
  const parts: GeminiPart[] = []
  for (const call of calls) {
    const [index, result] = unread.get(call.id)?.shift() ?? []
    if (index === undefined || result === undefined) {
      return refuse(
        `messages.${firstIndex - 1}.tool_calls`,
        `No message after it has the result of the call "${call.id}".`,
      )
    }
    const media = resultMedia(result, `messages.${firstIndex + index}`, context)
    if (isRefusal(media)) return media
    const response = { output: resultText(result) }
    parts.push({
      functionResponse: {
        id: call.id,
        name: call.function.name,
        response,
        ...(media.length === 0 ? {} : { parts: media }),
      },
    })
  }
  const [stray] = [...unread.values()].flat()
  return stray === undefined ? parts : strayResult(stray[1], firstIndex + stray[0])
}

/** What the results of tools are read with. */
interface ResultContext {
  readonly images: Images
  readonly isNew: boolean
}

function resultText({ content }: ToolMessage): string {
  return typeof content === 'string' ? content : textOf(content.filter((part) => part.type === 'text'))
}

/**
 * The images and files in a result, of which Google takes fewer types than in a message of the user.
 * @see https://ai.google.dev/gemini-api/docs/function-calling#multimodal
 */
function resultMedia(
  { content }: ToolMessage,
  param: string,
  { images, isNew }: ResultContext,
): GeminiPart[] | Refusal {
  if (typeof content === 'string') return []
  const parts: GeminiPart[] = []
  for (const [index, part] of content.entries()) {
    if (part.type === 'text') continue
    const path = `${param}.content.${index}`
    if (!isNew)
      return refuse(`${path}.type`, 'Models of Google before Gemini 3 take only text as the result of a tool.')
    const said = mediaParts(part, path, images)
    if (isRefusal(said)) return said
    for (const media of said) {
      const taken = resultPart(media)
      if (taken === undefined)
        return foreignMedia(media, part.type === 'file' ? `${path}.file.file_data` : `${path}.image_url.url`)
      parts.push(taken)
    }
  }
  return parts
}

/** Text of all kinds is plain here. Undefined for what a result cannot have. */
function resultPart(part: GeminiPart): GeminiPart | undefined {
  if (!('inlineData' in part)) return undefined
  const { inlineData } = part
  if (inlineData.mimeType.startsWith('text/')) return { inlineData: { ...inlineData, mimeType: 'text/plain' } }
  return RESULT_TYPES.includes(inlineData.mimeType) ? part : undefined
}

function foreignMedia(part: GeminiPart, param: string): Refusal {
  const type = 'inlineData' in part ? part.inlineData.mimeType : 'of another kind'
  const taken = `${RESULT_TYPES.slice(0, -1).join(', ')} and ${RESULT_TYPES.at(-1)}`
  return refuse(param, `As the result of a tool, Google takes ${taken}, and text; this file is ${type}.`)
}

const RESULT_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/webp', 'application/pdf']

/** A result that no call before it asks for. */
export function strayResult({ tool_call_id: id }: ToolMessage, index: number): Refusal {
  return refuse(`messages.${index}.tool_call_id`, `The answer before it has no call "${id}" that is without a result.`)
}
