import type { ChatCompletion, ChatCompletionTokenLogprob } from 'openai/resources/chat/completions'
import { isRecord } from '../../wire/is-record.ts'

/**
 * The probabilities of a candidate's tokens; null where it tells none. Google does not tell a token's bytes.
 * @see https://ai.google.dev/api/generate-content#LogprobsResult
 */
export function readLogprobs(result: unknown): ChatCompletion.Choice.Logprobs | null {
  if (!isRecord(result) || !Array.isArray(result.chosenCandidates)) return null
  const tops: unknown[] = Array.isArray(result.topCandidates) ? result.topCandidates : []
  const content = result.chosenCandidates.flatMap((chosen: unknown, step): ChatCompletionTokenLogprob[] => {
    const top = tops[step]
    const candidates: unknown[] = isRecord(top) && Array.isArray(top.candidates) ? top.candidates : []
    return tokenOf(chosen).map((token) => ({ ...token, top_logprobs: candidates.flatMap(tokenOf) }))
  })
  return { content, refusal: null }
}

/** None where it is no token. */
function tokenOf(candidate: unknown): ChatCompletionTokenLogprob.TopLogprob[] {
  if (!isRecord(candidate)) return []
  const { token, logProbability } = candidate
  return typeof token === 'string' && typeof logProbability === 'number'
    ? [{ token, bytes: null, logprob: logProbability }]
    : []
}
