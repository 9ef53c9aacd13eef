import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'

/** Counts by name, each of the whole response so far. Absent means not reported. */
export type Counts<Name extends string> = { readonly [N in Name]?: number | undefined }

/** What a response has reported of its usage, in no provider's words. */
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
 * `addedInputs` counts, in whichever unit the response has, what the provider did to the prompt by itself: results of tools that it ran, further
 * iterations, context that it took out. It is no part of the usage; above zero it says that the request's bytes tell little about the input.
 */
export function hasAddedInput(reported: ReportedUsage | undefined): boolean {
  return reported?.addedInputs !== undefined && reported.addedInputs > 0
}

/**
 * Merges what two messages of one response report. Its counts are cumulative, so that of each the highest holds: a later one that is
 * lower, or zero, or missing says nothing about what was used.
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

/** Returns the highest of the counts that are known. */
export function highest(...counts: readonly (number | undefined)[]): number | undefined {
  let most: number | undefined
  for (const count of counts) {
    if (count !== undefined && (most === undefined || count > most)) most = count
  }
  return most
}

/** Returns the usage, where both the input and the output are known. */
export function wholeUsage(reported: ReportedUsage | undefined): TokenUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  return { inputTokens, outputTokens, ...partsOf(reported, inputTokens, outputTokens) }
}

/** Returns what is known of the usage, where that is either the input or the output. */
export function partialUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if ((inputTokens === undefined) === (outputTokens === undefined)) return undefined
  const parts = partsOf(reported, inputTokens, outputTokens)
  return inputTokens === undefined ? { outputTokens, ...parts } : { inputTokens, ...parts }
}

/** Returns the input alone, as of a response whose output has only begun; undefined where it is not known. */
export function inputUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens } = resolved(reported)
  return inputTokens === undefined ? undefined : { inputTokens, ...partsOf(reported, inputTokens, undefined) }
}

/** Returns the output that is reported so far; 0 where none is. */
export function reportedOutput(reported: ReportedUsage | undefined): number {
  return (reported === undefined ? undefined : resolved(reported).outputTokens) ?? 0
}

/**
 * Adds up what the choices of one response report, each with the prompt that they share: the prompt counts once, and what each of them
 * wrote. Undefined where there are none.
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

/** Returns the sum of those that are known. */
export function sumOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other
}

/** Returns the parts, none larger than its whole. */
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
 * Works out input and output, never lower than any of the counts says: of the parts, which their wholes should contain; of the total,
 * whose rest is output that was counted apart, as xAI's and Gemini's reasoning is. No prompt has 0 tokens: servers that do not
 * count report that.
 */
function resolved(reported: ReportedUsage): {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
} {
  const { totalTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0, reasoningTokens = 0 } = reported
  const cachedTokens = cachedInputTokens + cacheWriteInputTokens
  let inputTokens = known(withApart(reported.inputTokens, cachedTokens, reported.outputTokens, totalTokens))
  let outputTokens = withApart(reported.outputTokens, reasoningTokens, inputTokens, totalTokens)
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
 * A part that is larger than its whole was counted beside it, unless the total says that there is nothing beside: then the part is what is
 * wrong.
 */
function withApart(
  whole: number | undefined,
  part: number,
  other: number | undefined,
  total: number | undefined,
): number | undefined {
  if (whole === undefined || part <= whole) return whole
  // A whole of 0 is of a server that does not count it.
  const isContradicted = total !== undefined && whole > 0 && other !== undefined && total === whole + other
  return isContradicted ? whole : whole + part
}
