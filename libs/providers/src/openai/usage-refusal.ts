/**
 * Returns whether an error of a server that speaks OpenAI's API may be about `stream_options.include_usage`: it names the member, or says that
 * the body has a member too many without naming which.
 * @param body the error's, not compressed
 * @see https://docs.pydantic.dev/latest/errors/validation_errors/#extra_forbidden, as Mistral and servers built with FastAPI refuse it
 */
export function refusesStreamUsage(status: number, body: Buffer): boolean {
  if (NEVER_ABOUT_BODY.has(status) || status < 400 || status > 501) return false
  const text = body.toString('utf8', 0, MAX_READ_BYTES)
  if (NAMED.test(text)) return true
  return ABOUT_BODY.has(status) && UNNAMED.test(text) && !OTHER_NAMED.test(text)
}

/** Not authenticated, not paid, not allowed, no such model, too slow, too many. */
const NEVER_ABOUT_BODY: ReadonlySet<number> = new Set([401, 402, 403, 404, 408, 429])
const ABOUT_BODY: ReadonlySet<number> = new Set([400, 422])
const MAX_READ_BYTES = 64 * 1024
const NAMED = /stream_?options|include_?usage/i
const UNNAMED =
  /\bextra (?:inputs?|fields?|parameters?|keys?)\b|\bextra_forbidden\b|\badditional ?propert(?:y|ies)\b|\b(?:unknown|unrecogni[sz]ed|unsupported|unexpected) (?:[a-z]+ )?(?:fields?|parameters?|params?|arguments?|keys?|propert(?:y|ies)|options?|members?)\b/i
/** OpenAI's `param` and FastAPI's `loc` name the member that an error is about. */
const OTHER_NAMED = /"param"\s*:\s*"[^"]|"loc"\s*:\s*\[/
