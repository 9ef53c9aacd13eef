import { callArguments } from '../../unified/call-arguments.ts'
import type { AssistantMessage, ToolCall, ToolMessage } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
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
): GeminiPart[] | Refusal {
  const unread = Map.groupBy(results.entries(), ([, { tool_call_id: id }]) => id)
  const parts: GeminiPart[] = []
  for (const call of calls) {
    const [, result] = unread.get(call.id)?.shift() ?? []
    if (result === undefined) {
      return refuse(
        `messages.${firstIndex - 1}.tool_calls`,
        `No message after it has the result of the call "${call.id}".`,
      )
    }
    const response = { output: textOf(result.content) }
    parts.push({ functionResponse: { id: call.id, name: call.function.name, response } })
  }
  const [stray] = [...unread.values()].flat()
  return stray === undefined ? parts : strayResult(stray[1], firstIndex + stray[0])
}

/** A result that no call before it asks for. */
export function strayResult({ tool_call_id: id }: ToolMessage, index: number): Refusal {
  return refuse(`messages.${index}.tool_call_id`, `The answer before it has no call "${id}" that is without a result.`)
}
