import { isRecord } from '../../core/is-record.ts'
import { sampleJson } from '../../core/sample-json.ts'

/** The one function call of an answer. */
export interface ToolCall {
  readonly name: string
  /** JSON that fits the function's parameters. */
  readonly arguments: string
  /** The request names the function, rather than requiring any. */
  readonly named: boolean
}

/**
 * What `tool_choice` demands: the named function, or the first for `required`, and for `auto` if `callsFreely`. Undefined for
 * `none`, and where no such function is declared. `functionOf` finds the declaration in a tool or a choice: the APIs nest
 * it differently.
 */
export function simulatedToolCall(
  tools: unknown,
  toolChoice: unknown,
  functionOf: (tool: Record<string, unknown>) => unknown,
  callsFreely: boolean,
): ToolCall | undefined {
  if (!Array.isArray(tools)) return undefined
  const functions = tools
    .filter((tool) => isRecord(tool) && tool.type === 'function')
    .map(functionOf)
    .filter(isRecord)
  const chosen = isRecord(toolChoice) ? functionOf(toolChoice) : undefined
  const called = isRecord(chosen)
    ? functions.find(({ name }) => name === chosen.name)
    : toolChoice === 'required' || (callsFreely && (toolChoice ?? 'auto') === 'auto')
      ? functions[0]
      : undefined
  if (typeof called?.name !== 'string') return undefined
  return {
    name: called.name,
    arguments: JSON.stringify(sampleJson(called.parameters) ?? {}),
    named: isRecord(chosen),
  }
}
