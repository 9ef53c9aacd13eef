import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'

/** Counts by name, each for the whole response so far. Absent: not reported. */
export type Counts<Name extends string> = { readonly [N in Name]?: number | undefined }

/** The usage that a response has reported, independent of the provider. */
export type ReportedUsage = Counts<
  | 'inputTokens'
  | 'outputTokens'
  | 'totalTokens'
  | 'cachedInputTokens'
  | 'cacheWriteInputTokens'
  | 'reasoningTokens'
  | 'addedInputs'
>

/**
 * Returns whether the provider changed the prompt by itself. `addedInputs` counts, in any unit, results of tools that
 * it ran, further iterations, and context that it removed. It is not part of the usage: above zero the request's bytes
 * say little about the input.
 */
export function hasAddedInput(reported: ReportedUsage | undefined): boolean {
  return reported?.addedInputs !== undefined && reported.addedInputs > 0
}

/**
 * Merges what two messages of one response report. Counts are cumulative, so the highest of each holds: a later one
 * that is lower, zero or missing says nothing about what was used.
 */
export function highestCounts<Name extends string>(
  earlier: Counts<Name> | undefined,
  later: Counts<Name>,
): Counts<Name> {
  if (earlier === undefined) return later
  const merged: { [N in Name]?: number | undefined } = { ...earlier }
  for (const name in later) merged[name] = highest(merged[name], later[name])
  return merged
}

/** Returns the highest of the known counts. */
export function highest(...counts: readonly (number | undefined)[]): number | undefined {
  let most: number | undefined
  for (const count of counts) {
    if (count !== undefined && (most === undefined || count > most)) most = count
  }
  return most
}

/** Returns the usage where both input and output are known. */
export function wholeUsage(reported: ReportedUsage | undefined): TokenUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  return { inputTokens, outputTokens, ...partsOf(reported, inputTokens, outputTokens) }
}

/** Returns the usage where only the input or only the output is known. */
export function partialUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if ((inputTokens === undefined) === (outputTokens === undefined)) return undefined
  const parts = partsOf(reported, inputTokens, outputTokens)
  return inputTokens === undefined ? { outputTokens, ...parts } : { inputTokens, ...parts }
}

/** Returns only the input, as for a response whose output has just begun; undefined where it is unknown. */
export function inputUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens } = resolved(reported)
  return inputTokens === undefined ? undefined : { inputTokens, ...partsOf(reported, inputTokens, undefined) }
}

/** Returns the output reported so far; 0 where there is none. */
export function reportedOutput(reported: ReportedUsage | undefined): number {
  return (reported === undefined ? undefined : resolved(reported).outputTokens) ?? 0
}

/**
 * Sums the usage of one response's choices, each of which includes their common prompt: the prompt counts once, and
 * each output. Undefined where there are none.
 */
export function sumOfChoices(choices: Iterable<ReportedUsage>): ReportedUsage | undefined {
  let sum: ReportedUsage | undefined
  for (const choice of choices) {
    const { inputTokens, outputTokens } = resolved(choice)
    const input = highest(sum?.inputTokens, inputTokens)
    const output = sumOf(sum?.outputTokens, outputTokens)
    sum = {
      ...highestCounts(sum, choice),
      inputTokens: input,
      outputTokens: output,
      totalTokens: sumOf(input, output),
      reasoningTokens: sumOf(sum?.reasoningTokens, choice.reasoningTokens),
    }
  }
  return sum
}

/** Returns the sum of the known counts. */
export function sumOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other
}

/** Returns the parts, each limited to its whole. */
function partsOf(
  { cachedInputTokens = 0, cacheWriteInputTokens, reasoningTokens = 0 }: ReportedUsage,
  inputTokens = Number.POSITIVE_INFINITY,
  outputTokens = Number.POSITIVE_INFINITY,
): Omit<TokenUsage, 'inputTokens' | 'outputTokens'> {
  const cached = Math.min(cachedInputTokens, inputTokens)
  const reasoning = Math.min(reasoningTokens, outputTokens)
  if (cacheWriteInputTokens === undefined) return { cachedInputTokens: cached, reasoningTokens: reasoning }
  const written = Math.min(cacheWriteInputTokens, inputTokens - cached)
  return { cachedInputTokens: cached, cacheWriteInputTokens: written, reasoningTokens: reasoning }
}

/**
 * Resolves input and output, never lower than any count implies: parts, which their wholes should include; and the
 * total, whose rest is output that was counted separately, such as the reasoning of xAI and Gemini. 0 input tokens
 * count as unknown: servers that do not count report that.
 */
function resolved(reported: ReportedUsage): {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
} {
  const { totalTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0, reasoningTokens = 0 } = reported
  const cachedTokens = cachedInputTokens + cacheWriteInputTokens
  let inputTokens = known(withSeparatePart(reported.inputTokens, cachedTokens, reported.outputTokens, totalTokens))
  let outputTokens = withSeparatePart(reported.outputTokens, reasoningTokens, inputTokens, totalTokens)
  if (totalTokens !== undefined) {
    inputTokens ??= known(totalTokens - (outputTokens ?? 0))
    outputTokens = Math.max(outputTokens ?? 0, totalTokens - (inputTokens ?? 0))
  }
  if (inputTokens === undefined && outputTokens === 0) outputTokens = undefined
  return { inputTokens, outputTokens }
}

function known(inputTokens: number | undefined): number | undefined {
  return inputTokens !== undefined && inputTokens > 0 ? inputTokens : undefined
}

/**
 * Adds a part that is larger than its whole, because it was counted separately; unless the total shows that it was not:
 * then the part is wrong.
 */
function withSeparatePart(
  whole: number | undefined,
  part: number,
  other: number | undefined,
  total: number | undefined,
): number | undefined {
  if (whole === undefined || part <= whole) return whole
  // A server that does not count the whole reports 0.
  const isContradicted = total !== undefined && whole > 0 && other !== undefined && total === whole + other
  return isContradicted ? whole : whole + part
}
